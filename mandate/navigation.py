"""The navigation of the frame: only what exists and what the role may see."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from inventory import access
from inventory.models import User


@dataclass(frozen=True)
class Item:
    """One entry; the first of `names` that is an address counts. `for_all` False: owners do not see
    it. Auditors of one team see what is for all, unless `of_team` says otherwise.
    """

    label: str
    names: tuple[str, ...]
    icon: str
    key: str = ""
    for_all: bool = True
    security_only: bool = False
    of_team: bool | None = None

    def is_for(self, user: User) -> bool:
        if self.security_only:
            return access.changes_all(user)
        if self.of_team is not None and access.team_of(user) is not None:
            return self.of_team
        return self.for_all or access.sees_all(user)


GROUPS: tuple[tuple[str, tuple[Item, ...]], ...] = (
    ("", (Item("Overview", ("overview",), "layout-dashboard", "o"),)),
    (
        "Inventory",
        (
            Item("Identities", ("inventory:identity-list",), "bot", "i"),
            Item("People", ("inventory:person-list",), "users", "p", of_team=False),
            Item("Credentials", ("inventory:credential-list",), "key-round", "c"),
            Item("Grants", ("inventory:grant-list",), "shield-check", "g"),
            Item("Tasks", ("inventory:task-list",), "clipboard-list", "k"),
            Item("Delegations", ("inventory:delegation-list",), "waypoints", "d"),
            Item("Tools", ("inventory:tool-list",), "wrench", "t"),
            Item("Tokens", ("runtime:issued-list",), "ticket", "j"),
            Item("Agent names", ("runtime:agent-name-list",), "id-card", for_all=False),
        ),
    ),
    (
        "Activity",
        (
            Item("Activity", ("runtime:call-list",), "activity", "y"),
            Item("Drift", ("runtime:drift",), "trending-up", "h"),
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
            Item("Policies", ("runtime:policy-list",), "scale", "l", for_all=False),
            Item("Decisions", ("runtime:decision-list",), "gavel", "z"),
            Item("Checks", ("reviews:check-list", "check-list"), "list-checks", for_all=False),
            Item(
                "Frameworks",
                ("frameworks:framework-list", "framework-list"),
                "library",
                "w",
                for_all=False,
            ),
            Item(
                "Assessments",
                ("frameworks:assessment-list",),
                "clipboard-check",
                "m",
                for_all=False,
                of_team=True,
            ),
        ),
    ),
    (
        "Evidence",
        (
            Item("Reports", ("frameworks:report-list",), "file-text", for_all=False, of_team=True),
            Item(
                "Requests for evidence",
                ("frameworks:evidence-list",),
                "file-question-mark",
                "u",
                for_all=False,
                of_team=True,
            ),
            Item("As of a day", ("frameworks:past",), "history", "y", for_all=False),
            Item("Sources", ("inventory:source-list",), "database", "s", for_all=False),
            Item("Trust", ("runtime:trust",), "fingerprint-pattern", for_all=False),
            Item("Audit", ("inventory:change-list",), "scroll-text", "a", for_all=False),
            Item("Log integrity", ("runtime:log-integrity",), "link-2", for_all=False),
            Item("Settings", ("inventory:settings",), "settings", "e", for_all=False),
        ),
    ),
)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: `nav`, groups of items; empty for somebody who has not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": []}
    groups = []
    for label, items in GROUPS:
        allowed = [item for item in items if item.is_for(user)]
        shown = [found for item in allowed if (found := _shown(item, request.path))]
        if shown:
            groups.append({"label": label, "items": shown})
    return {"nav": groups}


def _shown(item: Item, path: str) -> dict[str, object] | None:
    url = _address(item.names)
    if url is None:
        return None
    active = path == url if url == "/" else path.startswith(url) and not _deeper(path, url)
    return {"label": item.label, "url": url, "icon": item.icon, "key": item.key, "active": active}


def _deeper(path: str, url: str) -> bool:
    """Another entry below this one's address is the page's: assessments are not the list of frameworks."""
    entries = (item for _, items in GROUPS for item in items)
    others = (found for item in entries if (found := _address(item.names)) and found != url)
    return any(other.startswith(url) and path.startswith(other) for other in others if url != "/")


def _address(names: tuple[str, ...]) -> str | None:
    for name in names:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return None
