"""The delegation explorer: who can act as whom around an identity, as a picture, a table, and files."""

import csv
import re
from datetime import datetime

from django.core.exceptions import BadRequest
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from inventory import access, explorer, explorer_state, explorer_words
from inventory.access_graph import LONGEST, one_of
from inventory.columns import exporter
from inventory.explorer import Explored, Node
from inventory.explorer_layout import lay_out
from inventory.explorer_state import Asked
from inventory.filters import IdentityFilter
from inventory.models import Delegation, Identity, User
from inventory.models.grant import in_force_q
from inventory.views import explorer_links
from inventory.views.answers import user_of

CHOICES = 20  # identities to start from
ROWS = 300  # of the table on the page; the file has all
Choice = tuple[Identity, int | None]  # with how many delegations, where that was counted


@require_GET
def delegation_explore(request: HttpRequest) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    asked = explorer_state.read(request.GET)
    if asked.identity is None:
        return _start(request, user, at)
    seen = access.visible_to(user, Identity.objects.all())
    start = get_object_or_404(seen, pk=asked.identity)
    found = explorer.explore(start.pk, asked, user=user, at=at)
    kind = request.GET.get("format") or ""
    if kind == "csv":
        return _table_file(start, found)
    if kind == "svg":
        return _picture_file(start, found, asked)
    if kind:
        raise BadRequest(f"There is no file as “{kind}”. Use svg or csv.")
    return _answer(request, _context(start, found, asked, at))


def _answer(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    """Only the part that changes for htmx; the whole page otherwise, and when htmx restores its history."""
    htmx = getattr(request, "htmx", None)
    part = bool(htmx) and not htmx.history_restore_request  # type: ignore[union-attr]  # bool() is not seen to narrow
    template = "_delegation_explorer" if part else "delegation_explore"
    response = render(request, f"inventory/{template}.html", {**context, "swapped": part})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _context(start: Identity, found: Explored, asked: Asked, at: datetime) -> dict[str, object]:
    picture = lay_out(found, asked)
    drawn = {box.node.key for box in picture.boxes}
    edges = [edge for edge in found.edges if edge.giver in drawn and edge.taker in drawn]
    edges = sorted(edges, key=lambda edge: edge.distance)[:ROWS]
    target = found.nodes.get(asked.path) if asked.path else None
    rows = explorer_links.rows(explorer_words.rows(edges, found.nodes), asked)
    return {
        "identity": start,
        "asked": asked,
        "picture": picture,
        "drawing": explorer_links.linked(picture, asked),
        "controls": explorer_links.controls(asked),
        "rows": rows,
        "of_all": f"{len(rows):,} of {len(found.edges):,}" if len(rows) < len(found.edges) else "",
        "notes": [*found.notes, *_missing(asked, target)],
        "target": target,
        "reasons": explorer_words.reasons(target.way, found.nodes) if target else [],
        "start_url": _from_there(asked, target),
        "no_path_url": asked.url(path=None),
        "clear_url": Asked(identity=start.pk, hops=asked.hops).url(),
        "svg_url": asked.file("svg"),
        "csv_url": asked.file("csv"),
        "now": at,
    }


def _from_there(asked: Asked, target: Node | None) -> str:
    """The explorer started from the one whose way is shown, for whoever may start there."""
    if target is None or target.key[0] == "person" or not (target.seen and target.column):
        return ""
    return asked.url(identity=target.key[1], path=None, opened=(), wide=())


def _missing(asked: Asked, target: Node | None) -> list[str]:
    if asked.path is None or target is not None:
        return []
    return [
        f"The one whose way you asked for is not reached within {asked.hops} hops with these filters."
        " Ask for more hops, or for fewer filters."
    ]


def _start(request: HttpRequest, user: User, at: datetime) -> HttpResponse:
    """A search, and the identities with the most delegations."""
    text = request.GET.get("q", "").strip()
    seen = access.visible_to(user, Identity.objects.select_related("owner"))
    if text:
        fit = IdentityFilter({"q": text}, seen, request=request).qs
        choices: list[Choice] = [(row, None) for row in fit[:CHOICES]]
    else:
        choices = _busiest(seen, at)
    context = {
        "q": text,
        "choices": [(row, number, Asked(identity=row.pk).url()) for row, number in choices],
        "longest": LONGEST,
    }
    return render(request, "inventory/delegation_explore_start.html", context)


def _busiest(seen: QuerySet[Identity], at: datetime) -> list[Choice]:
    """Those that hold or give the most delegations in force, with how many."""
    rows = Delegation.objects.filter(in_force_q(at)).order_by()
    mine = seen.order_by().values("pk")
    numbers: dict[int, int] = {}
    for end in ("delegate", "delegator_identity"):
        few = rows.filter(**{f"{end}__in": mine}).values_list(end).annotate(number=Count("pk"))
        for key, number in few.order_by("-number", end)[: 5 * CHOICES]:
            numbers[key] = numbers.get(key, 0) + number
    most = sorted(numbers, key=lambda key: (-numbers[key], key))[:CHOICES]
    named = seen.filter(one_of("inventory_identity.id", most)).in_bulk()
    return [(named[key], numbers[key]) for key in most if key in named]


def _picture_file(start: Identity, found: Explored, asked: Asked) -> HttpResponse:
    picture = lay_out(found, asked)
    context = {"picture": picture, "drawing": explorer_links.unlinked(picture), "identity": start}
    text = render_to_string("inventory/delegation_explorer.svg", context)
    return _file(explorer_links.writable(text), "image/svg+xml", start, "svg")


def _table_file(start: Identity, found: Explored) -> HttpResponse:
    answer = _file("", "text/csv; charset=utf-8", start, "csv")
    write, cells = csv.writer(answer).writerow, exporter(explorer_words.CSV)
    write([column.label for column in explorer_words.CSV])
    for row in explorer_words.rows(found.edges, found.nodes):
        write(cells(row))
    return answer


def _file(text: str, content_type: str, start: Identity, kind: str) -> HttpResponse:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", start.name).strip("-.")[:60] or str(start.pk)
    return HttpResponse(
        text,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="delegations-{name}.{kind}"'},
    )
