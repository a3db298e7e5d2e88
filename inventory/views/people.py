"""People: the list, and one person's whole portfolio."""

from dataclasses import replace
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access, markup, panels
from inventory.filters import PersonFilter
from inventory.listing import listing
from inventory.models import Change, Identity, Person, User
from inventory.noun_columns import PEOPLE
from inventory.people import may_set_absence, portfolio
from inventory.search import holds
from inventory.views import timeline
from inventory.views.answers import user_of
from inventory.views.identity_facts import person_link

SHOWN = 50


@require_GET
def person_list(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    _refuse_auditor_of_a_team(user)
    rows = access.visible_to(user, Person.objects.select_related("team", "manager", "source"))
    counted = rows.annotate(owned_count=_owned_count())
    return listing(request, PersonFilter(request.GET, counted, request=request), PEOPLE)


@require_GET
def person_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    person = seen_person(user, pk)
    mine = portfolio(person, seen_by=user)
    sections = [
        ("Owns", "Accountable for these.", mine.owned),
        ("Sponsors", "Wants these, on the business side.", mine.sponsored),
        ("Would take over", "Named as a successor of their owners.", mine.succeeds),
    ]
    context = {
        "person": person,
        "now": at,
        "facts": _facts(person, at),
        "sections": [_section(*section) for section in sections],
        "shown": SHOWN,
        "actions": _actions(user, person),
        "events": _events(user, person),
        "slots": panels.slots(person, user),
    }
    return render(request, "inventory/person_detail.html", context)


@require_GET
def person_options(request: HttpRequest) -> HttpResponse:
    """Suggestions for a person field: whoever can be accountable and fits what was typed."""
    _refuse_auditor_of_a_team(user_of(request))
    text = next(iter(request.GET.values()), "")
    rows = Person.objects.accountable(timezone.now()).order_by("name", "pk")
    found = rows.filter(holds(str(text), "name", "email"))[:10] if len(str(text)) > 1 else []
    return render(request, "inventory/_person_options.html", {"people": found})


def seen_person(user: User, pk: int) -> Person:
    rows = Person.objects.select_related("team", "manager", "source", "deputy")
    return get_object_or_404(access.visible_to(user, rows), pk=pk)


def _refuse_auditor_of_a_team(user: User) -> None:
    """People belong to the whole organisation; an identity's page names those who answer for it."""
    if access.team_of(user) is not None:
        raise PermissionDenied("An auditor of one team sees no list of people.")


def _owned_count() -> Coalesce:
    """Live identities that each person owns, without joining them into the list."""
    live = Identity.objects.live().filter(owner=OuterRef("pk")).order_by()
    counts = live.values("owner").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counts), 0)


def _section(title: str, intro: str, rows: QuerySet[Identity]) -> dict[str, object]:
    found = list(rows[: SHOWN + 1])
    return {"title": title, "intro": intro, "rows": found[:SHOWN], "more": len(found) > SHOWN}


def _facts(person: Person, now: datetime) -> list[tuple[str, object]]:
    return [
        ("E-mail", person.email),
        ("Team", person.team),
        ("Manager", person_link(person.manager)),
        ("Away", _away(person, now)),
        ("Deputy", person_link(person.deputy)),
        ("Last day", markup.when(person.leaves_at, now)),
        ("Left", markup.when(person.left_at, now)),
        ("Source", person.source),
    ]


def _events(user: User, person: Person) -> list[timeline.Event]:
    """The history of the person; only readers of the audit log can open an entry of it."""
    events = timeline.events(Change.objects.of(person)[:50])
    return events if access.sees_all(user) else [replace(event, url="") for event in events]


def _actions(user: User, person: Person) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    if may_set_absence(user, person):
        url = reverse("inventory:person-absence", args=[person.pk])
        found.append({"label": "Absence", "url": url, "icon": "calendar-clock", "dialog": True})
    if access.sees_all(user):
        url = reverse("inventory:person-leaving", args=[person.pk])
        found.append({"label": "Leaving…", "url": url, "icon": "user-x"})
    return found


def _away(person: Person, now: datetime) -> str | None:
    if person.away_from is None or person.away_until is None or person.away_until <= now:
        return None
    return f"{person.away_from:%d %b} until {person.away_until:%d %b %Y}"
