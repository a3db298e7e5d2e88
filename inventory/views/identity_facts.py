"""What the page of an identity says about it: the verdict and why, the facts, and both sides of its
delegations.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from inventory import delegation_walk, markup, ownership
from inventory.delegation_walk import End, Step
from inventory.models import Identity, Person, Severity
from inventory.noun_columns import IDENTITY, PERSON


@dataclass(frozen=True)
class Point:
    """One reason of the verdict."""

    tone: str
    icon: str
    text: str


@dataclass(frozen=True)
class Edge:
    """One delegation seen from one end of it; no address for whoever may not open the other end."""

    name: str
    url: str
    kind: str
    how: str
    state: str
    scope: str
    expires: datetime | None
    caveats: list[str]


@dataclass(frozen=True)
class Verdict:
    tone: str
    word: str
    points: list[Point]


def verdict(identity: Identity, at: datetime) -> Verdict:
    """The state in one word, with every reason; what cannot be known is said and never counts as
    fine.
    """
    points = [
        *_owner_points(identity, at),
        *_finding_points(identity),
        *_state_points(identity),
        *_source_points(identity, at),
    ]
    worst = next(
        (tone for tone in ("bad", "warn", "info") if any(p.tone == tone for p in points)), "good"
    )
    words = {"bad": "Act now", "warn": "Needs attention", "info": "Not at work", "good": "In order"}
    return Verdict(worst, words[worst], points)


def _owner_points(identity: Identity, at: datetime) -> list[Point]:
    if identity.platform_managed:
        return [Point("good", "server", "The platform runs it itself; nobody here has to own it.")]
    days = ownership.days_without_owner(identity, at)
    owner = identity.owner
    if owner is None or not owner.can_answer(at):
        who = "It has no owner" if owner is None else f"Its owner {owner.name} has left"
        live = identity.lifecycle != Identity.Lifecycle.RETIRED and identity.gone_at is None
        text = f"{who}: {_days(days)} without an accountable person."
        return [Point("bad" if live else "info", "user-x", text)]
    if owner.status == Person.Status.LEAVING:
        until = f" on {owner.leaves_at:%d %b %Y}" if owner.leaves_at else ""
        return [Point("warn", "calendar-clock", f"Its owner {owner.name} leaves{until}.")]
    return [Point("good", "user-check", f"{owner.name} answers for it.")]


def _days(number: int) -> str:
    return {0: "less than a day", 1: "1 day"}.get(number, f"{number:,} days")


def _finding_points(identity: Identity) -> list[Point]:
    count = identity.open_findings
    if not count:
        return [Point("good", "circle-check", "No open findings.")]
    worst = Severity(identity.worst_severity or Severity.LOW)
    tone = "bad" if worst >= Severity.HIGH else "warn"
    noun = "open finding" if count == 1 else "open findings"
    return [Point(tone, "siren", f"{count:,} {noun}, the worst {worst.label.lower()}.")]


def _state_points(identity: Identity) -> list[Point]:
    points = []
    if identity.compromised_at:
        since = f"{identity.compromised_at:%d %b %Y, %H:%M} UTC"
        points.append(Point("bad", "siren", f"Flagged as compromised since {since}."))
    if identity.gone_at:
        points.append(
            Point("info", "unplug", f"Gone from its source since {identity.gone_at:%d %b %Y}.")
        )
    if identity.lifecycle != Identity.Lifecycle.ACTIVE:
        word = identity.get_lifecycle_display()
        points.append(Point("info", "circle-pause", f"{word}: nothing it holds is effective."))
    if identity.has_drifted:
        points.append(
            Point(
                "warn",
                "trending-up",
                f"It acts as tier {identity.get_observed_tier_display()},"
                f" declared is {identity.get_declared_tier_display()}.",
            )
        )
    return points


def _source_points(identity: Identity, at: datetime) -> list[Point]:
    if not identity.source.is_stale(at):
        return []
    last = identity.source.last_complete_at
    since = f"last complete import {last:%d %b %Y}" if last else "never completely imported"
    return [Point("warn", "database", f"Its source {identity.source.label} is stale: {since}.")]


def facts(identity: Identity, at: datetime) -> list[tuple[str, object]]:
    activity = markup.when(identity.last_active_at, at)
    if identity.last_active_at is None:
        activity = SafeString("Never" if identity.activity_known else "Not reported by its source")
    return [
        ("Kind", identity.get_kind_display()),
        ("Purpose", identity.purpose),
        ("Owner", person_link(identity.owner)),
        ("Owner confirmed", markup.when(identity.owner_confirmed_at, at)),
        ("Sponsor", person_link(identity.sponsor)),
        ("Team", identity.team),
        ("Environment", identity.get_environment_display()),
        ("Declared tier", identity.get_declared_tier_display()),
        ("Observed tier", identity.get_observed_tier_display()),
        ("Risk", markup.badge(identity.get_risk_display()) if identity.risk else None),
        ("Last active", activity),
        ("At the platform", identity.get_source_state_display()),
        ("Third party", _third_party(identity)),
        ("SPIFFE ID", _code(identity.spiffe_id)),
        ("External ID", _code(identity.external_id)),
        ("Source", identity.source),
        ("First seen", markup.when(identity.first_seen_at, at)),
        ("Created", markup.when(identity.created_at, at)),
    ]


def _third_party(identity: Identity) -> str | None:
    if identity.third_party is None:
        return None
    return (identity.supplier or "Yes") if identity.third_party else "No"


def person_link(person: Person | None) -> SafeString | None:
    return markup.link(markup.address(PERSON)(person.pk), person.name) if person else None


def sides(identity: Identity, steps: list[Step], at: datetime) -> dict[str, list[Edge]]:
    """`held`: for whom it acts; `given`: who acts as, or for, it."""
    key = ("identity", identity.pk)
    return {
        "held": [_edge(step, step.giver, at) for step in delegation_walk.holds(steps, key)],
        "given": [_edge(step, step.taker, at) for step in delegation_walk.gives(steps, key)],
    }


def _edge(step: Step, other: End, at: datetime) -> Edge:
    noun, key = other.key
    row = step.row
    return Edge(
        name=other.name,
        url=markup.address(PERSON if noun == "person" else IDENTITY)(key) if other.seen else "",
        kind=other.words,
        how=row.get_how_display(),
        state=row.state(at).capitalize(),
        scope="All" if row.scope_all else "Named entitlements",
        expires=row.expires_at,
        caveats=row.caveats,
    )


def _code(text: str | None) -> SafeString | None:
    return format_html_join("", "<code>{}</code>", [(text,)]) if text else None
