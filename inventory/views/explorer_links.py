"""Where each piece of the delegation explorer leads: boxes, kinds, hops, rows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from inventory import markup
from inventory.access_graph import LONGEST
from inventory.explorer import Node
from inventory.explorer_layout import Box, More, Picture
from inventory.explorer_state import Asked, toggled
from inventory.explorer_words import Row
from inventory.listing import Link
from inventory.models import Delegation
from inventory.noun_columns import IDENTITY, PERSON

# What XML 1.0 (section 2.2) does not allow in a document, not even escaped.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class LinkedBox:
    """`does`: what following the link does, in words."""

    box: Box
    url: str
    does: str


@dataclass(frozen=True)
class LinkedMore:
    more: More
    url: str
    text: str
    is_file: bool = False
    part: bool = False


@dataclass(frozen=True)
class Drawing:
    boxes: list[LinkedBox]
    more: list[LinkedMore]


@dataclass(frozen=True)
class Controls:
    hops: list[Link]
    hows: list[Link]
    certain: Link


@dataclass(frozen=True)
class LinkedRow:
    row: Row
    who_url: str
    as_url: str
    url: str
    way_url: str


def linked(picture: Picture, asked: Asked) -> Drawing:
    """In reading order: column by column from the left, each from its top."""
    return Drawing(
        [_box(box, asked) for box in picture.boxes],
        [_more(more, asked) for more in picture.more],
    )


def unlinked(picture: Picture) -> Drawing:
    """For a file, in which our addresses lead nowhere."""
    return Drawing(
        [LinkedBox(box, "", "") for box in picture.boxes],
        [LinkedMore(more, "", f"+{more.number:,} more") for more in picture.more],
    )


def controls(asked: Asked) -> Controls:
    hows = [Link("All kinds", asked.url(hows=()), active=not asked.hows)]
    for how, label in Delegation.How.choices:
        chosen = tuple(key for key in Delegation.How.values if (key in asked.hows) != (key == how))
        hows.append(Link(str(label), asked.url(hows=chosen), how in asked.hows, how))
    return Controls(
        [Link(str(n), asked.url(hops=n), n == asked.hops) for n in range(1, LONGEST + 1)],
        hows,
        Link("Certain only", asked.url(certain=not asked.certain), asked.certain),
    )


def rows(found: Iterable[Row], asked: Asked) -> list[LinkedRow]:
    return [
        LinkedRow(
            row, page_of(row.who), page_of(row.acts_as),
            reverse("inventory:delegation-detail", args=[row.delegation]) if row.who.seen else "",
            asked.url(path=row.farther.key),
        )
        for row in found
    ]  # fmt: skip


def page_of(node: Node) -> str:
    """The page of a person or an identity, for whoever may open it."""
    if not node.seen:
        return ""
    return markup.address(PERSON if node.key[0] == "person" else IDENTITY)(node.key[1])


def writable(text: str) -> str:
    """The text without the characters that an XML document cannot hold."""
    return _UNWRITABLE.sub("\ufffd", text)


def _box(box: Box, asked: Asked) -> LinkedBox:
    """A click shows the way to it, and what lies behind it where there is more; a second click takes that back."""
    node = box.node
    if box.is_root:
        return LinkedBox(box, asked.url(path=None, opened=()), "close all boxes")
    shown = asked.path == node.key
    if node.opened:
        less = asked.url(opened=toggled(asked.opened, node.key[1]), path=None)
        return LinkedBox(box, less, "hide what lies behind it")
    if node.further:
        further = asked.url(opened=toggled(asked.opened, node.key[1]), path=node.key)
        return LinkedBox(box, further, f"show {node.further:,} more behind it")
    does = "stop showing the way to it" if shown else "show the way to it"
    return LinkedBox(box, asked.url(path=None if shown else node.key), does)


def _more(more: More, asked: Asked) -> LinkedMore:
    """More boxes; then the list, which knows who is next to the start; then the file, which has everybody."""
    text = f"+{more.number:,} more"
    if more.widens:
        wide = tuple(sorted({*asked.wide, more.column}))
        return LinkedMore(more, asked.url(wide=wide), text, part=True)
    if abs(more.column) == 1:
        url = f"{reverse('inventory:delegation-list')}?identity={asked.identity}"
        return LinkedMore(more, url, f"{text}, as a list")
    return LinkedMore(more, asked.file("csv"), f"{text}, as CSV", is_file=True)
