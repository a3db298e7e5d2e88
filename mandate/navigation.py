"""The navigation of the frame: only what exists and what the role may see."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from inventory import access


@dataclass(frozen=True)
class Item:
    """One entry; the first of `names` that is an address counts. `for_all` False: owners do not see
    it.
    """

    label: str
    names: tuple[str, ...]
    icon: str
    key: str = ""
    for_all: bool = True
    security_only: bool = False


GROUPS: tuple[tuple[str, tuple[Item, ...]], ...] = (
    ("", (Item("Overview", ("overview",), "layout-dashboard", "o"),)),
    (
        "Inventory",
        (
            Item("Identities", ("inventory:identity-list",), "bot", "i"),
            Item("People", ("inventory:person-list",), "users", "p"),
            Item("Credentials", ("inventory:credential-list",), "key-round", "c"),
            Item("Grants", ("inventory:grant-list",), "shield-check", "g"),
            Item("Tasks", ("inventory:task-list",), "clipboard-list", "k"),
            Item("Delegations", ("inventory:delegation-list",), "waypoints", "d"),
            Item("Tools", ("inventory:tool-list",), "wrench", "t"),
        ),
    ),
    (
        "Governance",
        (
            Item("Inbox", ("reviews:inbox",), "inbox", "n"),
            Item("Notifications", ("reviews:notification-list",), "bell", "b"),
            Item("Requests", ("reviews:request-list",), "hand", "r"),
            Item("Actions", ("reviews:action-list",), "shield-question-mark", "q"),
            Item("Reviews", ("reviews:campaign-list",), "list-todo", "v"),
            Item("Cuts", ("reviews:cut-list",), "scissors", "x"),
            Item("Findings", ("reviews:finding-list", "finding-list"), "siren", "f"),
            Item("Checks", ("reviews:check-list", "check-list"), "list-checks", for_all=False),
            Item(
                "Frameworks",
                ("frameworks:framework-list", "framework-list"),
                "library",
                "w",
                for_all=False,
            ),
        ),
    ),
    (
        "Evidence",
        (
            Item("Sources", ("inventory:source-list",), "database", "s", for_all=False),
            Item("Audit", ("inventory:change-list",), "scroll-text", "a", for_all=False),
            Item("Settings", ("inventory:settings",), "settings", "e", for_all=False),
        ),
    ),
)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: `nav`, groups of items; empty for somebody who has not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": []}
    everything, changes = access.sees_all(user), access.changes_all(user)
    groups = []
    for label, items in GROUPS:
        allowed = [
            item
            for item in items
            if (changes if item.security_only else item.for_all or everything)
        ]
        shown = [found for item in allowed if (found := _shown(item, request.path))]
        if shown:
            groups.append({"label": label, "items": shown})
    return {"nav": groups}


def _shown(item: Item, path: str) -> dict[str, object] | None:
    url = _address(item.names)
    if url is None:
        return None
    active = path == url if url == "/" else path.startswith(url)
    return {"label": item.label, "url": url, "icon": item.icon, "key": item.key, "active": active}


def _address(names: tuple[str, ...]) -> str | None:
    for name in names:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return None
