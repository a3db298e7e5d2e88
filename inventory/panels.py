"""Slots on a noun's page that upper floors fill, so that a lower floor shows what it may not
import."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from inventory import markup

Allows = Callable[[Any, Any], bool]  # (user, row); Any: the model is the registering app's


@dataclass(frozen=True)
class Panel:
    """A promise: the address `url_name`, given the row's key, answers with this part of its
    page."""

    title: str
    url_name: str
    order: int
    icon: str
    allows: Allows | None


@dataclass(frozen=True)
class Slot:
    """One panel on one row's page, ready for `_components/panels.html`."""

    id: str
    title: str
    url: str
    icon: str


_panels: dict[type[Model], list[Panel]] = defaultdict(list)


def add(
    model: type[Model],
    title: str,
    *,
    url_name: str,
    order: int = 50,
    icon: str = "square",
    allows: Allows | None = None,
) -> None:
    """Register a panel, in `AppConfig.ready()`. Registering the same address again replaces it.

    `allows(user, row)` says who gets the slot; the address behind it checks for itself all the
    same.
    """
    others = [panel for panel in _panels[model] if panel.url_name != url_name]
    fresh = Panel(title, url_name, order, icon, allows)
    _panels[model] = sorted([*others, fresh], key=lambda panel: (panel.order, panel.title))


def slots(row: Model, user: object) -> list[Slot]:
    """The slots of this row's page for this user, in order."""
    return [
        Slot(
            id=f"panel-{panel.title.lower().replace(' ', '-')}",
            title=panel.title,
            url=markup.address(panel.url_name)(row.pk),
            icon=panel.icon,
        )
        for panel in _panels.get(type(row), [])
        if panel.allows is None or panel.allows(user, row)
    ]


@dataclass(frozen=True)
class Offer:
    """A button of an upper floor on a lower one's page; `url_name` takes the row's key."""

    label: str
    url_name: str
    icon: str
    allows: Callable[[Any, Any, datetime], bool]  # (user, row, moment); Any: as in `Allows`
    query: str = ""  # format string over the row, such as "task={row.pk}"
    key: str = "pk"
    dialog: bool = True


_offers: dict[type[Model], list[Offer]] = defaultdict(list)


def add_action(model: type[Model], offer: Offer) -> None:
    """Register a button, in `AppConfig.ready()`. Registering the same address again replaces it."""
    others = [each for each in _offers[model] if each.url_name != offer.url_name]
    _offers[model] = [*others, offer]


def actions(row: Model, user: object, at: datetime) -> list[dict[str, object]]:
    """The buttons that this user gets on the row's page, as `page_header.html` takes them. The address behind each
    checks for itself all the same."""
    return [
        {
            "label": offer.label,
            "url": markup.address(offer.url_name)(getattr(row, offer.key))
            + (f"?{offer.query.format(row=row)}" if offer.query else ""),
            "icon": offer.icon,
            "dialog": offer.dialog,
        }
        for offer in _offers.get(type(row), [])
        if offer.allows(user, row, at)
    ]
