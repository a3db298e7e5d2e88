"""What an identity can reach and how, who can act as it, and what stops with it; and questions across identities."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access, access_questions, blast
from inventory.access_graph import Place
from inventory.access_questions import Someone
from inventory.columns import csv_value
from inventory.models import Entitlement, Identity, Resource, User
from inventory.search import holds
from inventory.views.answers import readers_only, user_of
from inventory.views.identities import seen_identity

SHOWN = 50  # of each table on the page; the file holds all
CHOICES = 20
RECENT = timedelta(days=90)


@require_GET
def identity_access(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    radius = blast.blast_radius(pk, at)
    wanted = request.GET.get("export")
    if wanted == "entitlements":
        return _entitlements_file(identity, radius, user)
    breaks = blast.breaks_if_suspended(pk, at, used_since=at - RECENT)
    named = _named([*radius.identities, *breaks.actors], radius.reached[:SHOWN], user)
    actors = _places(breaks.actors, named)
    if wanted == "actors":
        return _file(
            f"who-acts-as-{pk}",
            _WHO,
            ([a.name, a.words, a.hops, _word(a.place.certain)] for a in actors),
        )
    if wanted:
        return _no_such(wanted)
    as_whom = _places(radius.identities, named)
    context = {
        "identity": identity, "title": "Effective access", "radius": radius, "now": at,
        "critical": radius.count("critical"), "high": radius.count("high"),
        "reached": _through(radius.reached[:SHOWN], named), "as_whom": as_whom[:SHOWN],
        "as_whom_total": len(as_whom), "actors": actors[:SHOWN], "actors_total": len(actors),
        "people": access_questions.people(radius.people, user=user)[:SHOWN], "breaks": breaks,
        "datasets": [(word or "not classified", rows) for word, rows in radius.datasets.items()],
        "systems": radius.systems[:SHOWN], "shown": SHOWN,
    }  # fmt: skip
    return render(request, "inventory/identity_access.html", context)


@require_GET
def identity_access_path(request: HttpRequest, pk: int, entitlement: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    found = get_object_or_404(
        Entitlement.objects.select_related("system", "resource"), pk=entitlement
    )
    path = access_questions.path_to_entitlement(pk, entitlement, user=user, at=at)
    if path is None and access.team_of(user) is not None:
        raise Http404("It is not theirs to know what it could be.")
    context = {
        "identity": identity, "entitlement": found, "path": path, "now": at,
        "title": f"How {identity} reaches {found}", "no_way": access_questions.NO_WAY,
    }  # fmt: skip
    return render(request, "inventory/identity_access_path.html", context)


@require_GET
def access_questions_page(request: HttpRequest) -> HttpResponse:
    """Two questions, both in the address so that they can be kept: ?what= (who reaches it) and ?from=&to= (how)."""
    user, at = readers_only(request), timezone.now()
    what, start, end = (request.GET.get(name, "").strip() for name in ("what", "from", "to"))
    context: dict[str, object] = {
        "title": "Questions about access", "what": what, "from": start, "to": end, "now": at,
        "shown": SHOWN, "no_way": access_questions.NO_WAY,
    }  # fmt: skip
    if what:
        context["things"] = _things(what)
    chosen = _chosen(request)
    if chosen is not None:
        keys = (
            access_questions.entitlements_on(chosen)
            if isinstance(chosen, Resource)
            else [chosen.pk]
        )
        reached = access_questions.reached_by(keys, user=user, at=at)
        if request.GET.get("export"):
            rows = (
                [who.name, who.words, right.hops, _word(right.certain)] for who, right in reached
            )
            return _file("who-reaches", _WHO, rows)
        context |= {
            "chosen": chosen,
            "reached": reached[:SHOWN],
            "total": len(reached),
            "keys": len(keys),
        }
    if start or end:
        context |= _between(start, end, user)
    return render(request, "inventory/access_questions.html", context)


def _between(start: str, end: str, user: User) -> dict[str, object]:
    at, one, other = timezone.now(), _identity(start), _identity(end)
    if one is None or other is None:
        wrong = start if one is None else end
        return {"wrong": f"No identity is called “{wrong}”. Give its whole name or external ID."}
    path = access_questions.path_to_identity(one.pk, other.pk, user=user, at=at)
    return {"one": one, "other": other, "path": path}


def _identity(text: str) -> Identity | None:
    rows = Identity.objects.filter(Q(name__iexact=text) | Q(external_id=text)) if text else None
    return rows.order_by("gone_at", "pk").first() if rows is not None else None


def _things(text: str) -> list[Resource | Entitlement]:
    """What the text may mean: resources first."""
    resources = Resource.objects.filter(holds(text, "name", "external_id")).select_related("system")
    found: list[Resource | Entitlement] = list(resources.order_by("name", "pk")[:CHOICES])
    entitlements = Entitlement.objects.filter(holds(text, "name"), effect="allow")
    found += entitlements.select_related("system").order_by("name", "pk")[:CHOICES]
    return found


def _chosen(request: HttpRequest) -> Resource | Entitlement | None:
    resource, entitlement = request.GET.get("resource", ""), request.GET.get("entitlement", "")
    if _is_key(resource):
        return get_object_or_404(Resource.objects.select_related("system"), pk=resource)
    if _is_key(entitlement):
        return get_object_or_404(Entitlement.objects.select_related("system"), pk=entitlement)
    return None


def _is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _named(
    places: Sequence[Place], reached: Sequence[blast.Reached], user: User
) -> dict[int, Someone]:
    """Everybody whom the page names, asked for at once."""
    holders = [Place(each.right.held.identity) for each in reached if each.right.hops]
    found = access_questions.identities([*holders, *places], user=user)
    return {who.key: who for who in found}


def _places(places: Sequence[Place], named: dict[int, Someone]) -> list[Someone]:
    """Those of the places, each with its own way."""
    return [
        replace(named[place.identity], place=place)
        for place in places
        if place.identity is not None and place.identity in named
    ]


def _through(
    reached: Sequence[blast.Reached], named: dict[int, Someone]
) -> list[tuple[blast.Reached, str]]:
    """Each with whom it is reached through: the one who holds it."""
    return [
        (each, named[each.right.held.identity].name)
        if each.right.hops and each.right.held.identity in named
        else (each, "")
        for each in reached
    ]


def _entitlements_file(identity: Identity, radius: blast.BlastRadius, user: User) -> HttpResponse:
    head = (
        "Entitlement",
        "System",
        "Resource",
        "Sensitivity",
        "Risk",
        "Through",
        "Hops",
        "Certainty",
    )
    rows = (
        [each.name, each.system_name, each.resource_name, each.sensitivity, each.risk, through,
         each.right.hops, _word(each.right.certain)]
        for each, through in _through(radius.reached, _named([], radius.reached, user))
    )  # fmt: skip
    return _file(f"effective-access-{identity.pk}", head, rows)


_WHO = ("Identity", "Kind", "Hops", "Certainty")


def _file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'
        },
    )
    writer = csv.writer(answer)
    writer.writerow(head)
    writer.writerows([csv_value(cell) for cell in row] for row in rows)
    return answer


def _no_such(wanted: str) -> HttpResponse:
    text = f"There is no export as “{wanted}”. Use entitlements or actors."
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")


def _word(certain: bool, /) -> str:
    return "can" if certain else "may"
