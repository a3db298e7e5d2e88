"""How risky a tool is: by what it says of itself, which is only a hint, and by its name and what it takes as input.

Both readings are words about words: neither has seen the tool at work. Where the name holds no verb that is known, and
the input nothing that is telling, nothing is said.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"
_RANK = ("", LOW, MEDIUM, HIGH, CRITICAL)


@dataclass(frozen=True, slots=True)
class Reading:
    """A risk ("" = cannot tell), the reasons for it as sentences, and whether it changes something."""

    risk: str = ""
    why: tuple[str, ...] = ()
    writes: bool | None = None


# Verbs of names, worst first: a name that holds several is as bad as the worst of them.
_VERBS: tuple[tuple[str, str, bool, frozenset[str]], ...] = tuple(
    (risk, meaning, writes, frozenset(verbs.split()))
    for risk, meaning, writes, verbs in (
        (CRITICAL, "runs commands or code", True, "exec execute eval shell bash powershell sudo"),
        (CRITICAL, "moves money", True, "pay payout refund transfer purchase buy charge withdraw"),
        (CRITICAL, "destroys", True, "drop destroy purge wipe truncate shutdown"),
        (HIGH, "deletes or ends", True, "delete remove terminate kill revoke cancel erase stop"),
        (HIGH, "gives access", True, "grant share invite authorize impersonate assume"),
        (HIGH, "puts to work", True, "deploy rollout rollback release merge approve scale run"),
        (MEDIUM, "sends to others", True, "send publish email mail reply notify tweet forward"),
        (MEDIUM, "changes", True, "create add write update set put post patch edit insert upsert"
         " upload push move rename assign submit accept book close open append replace modify"
         " import reroute rerun start comment counter draft enable disable schedule save label"),
        (LOW, "reads", False, "get list read search find query describe show count lookup check"
         " status view explain classify compare fetch browse summarize summarise download watch"
         " inspect monitor retrieve free"),
    )
)  # fmt: skip

# What the names of inputs tell, and whether that counts only where something is changed.
_INPUTS: tuple[tuple[str, str, bool, frozenset[str]], ...] = tuple(
    (risk, meaning, only_writing, frozenset(names.split()))
    for risk, meaning, only_writing, names in (
        (CRITICAL, "takes commands or code", False, "command cmd code script shell"),
        (HIGH, "takes SQL", False, "sql"),
        (HIGH, "takes an amount of money", True, "amount price"),
        (MEDIUM, "opens an address that it is given", False, "url uri"),
        (MEDIUM, "sends to whom it is told", True, "to recipient recipients email"),
        (MEDIUM, "works on files that it is told", True, "path file filename filepath"),
    )
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MOST_INPUTS = 500


def judged(name: str, schema: object) -> Reading:
    """By the verbs in the name, and the names of the inputs."""
    words = [word.lower() for word in _WORDS.findall(name)]
    found = list(_by_verb(words))
    writes = next((writes for _, _, writes in found), None)
    reasons = [(risk, f"Its name says that it {meaning}.") for risk, meaning, _ in found]
    reasons += list(_by_input(schema, writes=writes is not False))
    takes_code = any(risk == CRITICAL for risk, _ in reasons[len(found) :])
    return _worst(reasons, writes=True if takes_code else writes)


def hinted(annotations: object) -> Reading:
    """By the tool's own annotations, with the defaults of the protocol for what it leaves out.

    Model Context Protocol, ToolAnnotations: not read-only, destructive and open-world unless it says otherwise; to be
    taken as untrusted unless they come from a trusted server.
    """
    if not isinstance(annotations, Mapping) or not any(hint in annotations for hint in _HINTS):
        return Reading(why=("It says nothing about what it does.",))
    reasons = [_effect(annotations)]
    if annotations.get("openWorldHint") is True:
        reasons.append((MEDIUM, "It says that it reaches an open world, such as the web."))
    elif annotations.get("openWorldHint") is False:
        reasons.append((LOW, "It says that what it reaches is closed."))
    return _worst(reasons, writes=annotations.get("readOnlyHint") is not True)


def worst_of(readings: Sequence[Reading]) -> Reading:
    """Of a tool that offers several things: as bad as the worst of them; it only reads if each is known to."""
    ordered = sorted(readings, key=lambda one: -_RANK.index(one.risk))
    writes: bool | None = False if readings else None
    if any(one.writes for one in readings):
        writes = True
    elif any(one.writes is None for one in readings):
        writes = None
    why = dict.fromkeys(reason for one in ordered for reason in one.why)
    return Reading(ordered[0].risk if ordered else "", tuple(why), writes)


def changes_something(hint: Reading, reading: Reading) -> bool | None:
    """A hint is believed where it is bad news, never where it makes a tool look harmless."""
    if reading.writes or (hint.risk and hint.writes):
        return True
    return reading.writes


_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


def _effect(annotations: Mapping[str, Any]) -> tuple[str, str]:
    if annotations.get("readOnlyHint") is True:
        return LOW, "It says that it only reads."
    if annotations.get("destructiveHint") is False:
        return MEDIUM, "It says that it changes things, and destroys nothing."
    if annotations.get("destructiveHint") is True:
        return HIGH, "It says that it may destroy what is there."
    return HIGH, "It does not say that it only reads, nor that it destroys nothing."


def _by_verb(words: list[str]) -> Iterator[tuple[str, str, bool]]:
    """The first word is the verb in most names; later ones count where they are worse than reading."""
    for risk, meaning, writes, verbs in _VERBS:
        if verbs & set(words[:1]) or (writes and verbs & set(words[1:]) & _CLEAR):
            yield risk, meaning, writes


# Verbs that are no nouns as well, so that they tell wherever they stand ("bulk_delete_users").
_CLEAR = frozenset(
    """
    exec execute eval sudo refund withdraw destroy purge wipe truncate delete remove terminate kill revoke erase
    deploy create update insert upsert send publish merge
    """.split()  # noqa: SIM905  (reads better than a list of quotes)
)


def _by_input(schema: object, *, writes: bool) -> Iterator[tuple[str, str]]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    names = list(properties)[:_MOST_INPUTS] if isinstance(properties, Mapping) else []
    for risk, meaning, only_writing, telling in _INPUTS:
        said = [name for name in names if name.lower() in telling]
        if said and (writes or not only_writing):
            yield risk, f"It {meaning} (input “{said[0]}”)."


def _worst(reasons: list[tuple[str, str]], *, writes: bool | None) -> Reading:
    ordered = sorted(reasons, key=lambda one: -_RANK.index(one[0]))
    return Reading(ordered[0][0] if ordered else "", tuple(why for _, why in ordered), writes)
