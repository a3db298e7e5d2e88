"""Whose work a call was part of: the nearest agent above it in its trace."""

from collections.abc import Mapping
from typing import NamedTuple

_HIGHEST = 200  # spans above one call; a trace that goes round in circles ends here


class Node(NamedTuple):
    """A span as far as the way up is concerned. `agent` is set where the span is the work of an agent."""

    parent: str
    agent: str
    conversation: str
    on_behalf_of: object  # a person, in whatever form the caller has it
    task: object


class Above(NamedTuple):
    """What the nearest span above says of each thing; empty where none does."""

    agent: str
    conversation: str
    on_behalf_of: object
    task: object


NOBODY = Above("", "", None, None)


def above(parent: str, nodes: Mapping[str, Node]) -> Above:
    """Goes up from a call's parent."""
    agent = conversation = ""
    person: object = None
    task: object = None
    for _ in range(_HIGHEST):
        node = nodes.get(parent)
        if node is None:
            break
        agent = agent or node.agent
        conversation = conversation or node.conversation
        person, task = person or node.on_behalf_of, task or node.task
        parent = node.parent
    return Above(agent, conversation, person, task)
