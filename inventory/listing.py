"""One list page for every noun: filter, search, sort, keyset pages, export and bulk selection from
one declaration.

A view picks a queryset and a FilterSet; page, htmx fragment and CSV export then show exactly the
same rows.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import django_filters
from django.core.exceptions import BadRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString

from inventory import access, filter_bar, keyset
from inventory.columns import Column, chosen, exporter, rows_html
from inventory.filter_bar import Chip, FilterBar, Pairs
from inventory.keyset import Count, Order, Page
from inventory.models import User

SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = 50
_EXPORT_CHUNK = 2_000


@dataclass(frozen=True)
class BulkAction:
    """A button over selected rows. It posts the selection to `url_name`, which asks before it acts. `action` is what
    `access.may_ever` is asked before the button is offered (see `inventory.views.bulk.offered`)."""

    label: str
    url_name: str
    icon: str = "check"
    danger: bool = False
    action: str = ""


@dataclass(frozen=True)
class Empty:
    """What an empty list says: one sentence, and perhaps the next step. `for_security` keeps that step from people
    to whom it would answer 403."""

    title: str
    text: str = ""
    action: str = ""
    url_name: str = ""
    icon: str = "inbox"
    for_security: bool = False


@dataclass(frozen=True)
class Listing:
    """A list declared once. `order` is the key of a sortable column, with "-" in front for
    descending."""

    title: str
    singular: str
    plural: str
    columns: tuple[Column, ...]
    order: str
    template: str = "_components/list_page.html"
    export_name: str = ""
    intro: str = ""
    bulk_actions: tuple[BulkAction, ...] = ()
    empty: Empty = field(default_factory=lambda: Empty("Nothing here yet"))
    visible_filters: int = 5
    in_order: bool = False  # see `keyset.in_order`

    def noun(self, number: int) -> str:
        return self.singular if number == 1 else self.plural


@dataclass(frozen=True)
class Fold:
    """How rows that say the same are shown as one, for a list that is `in_order`. `rows` gets those of a page, or a
    piece of the file, and gives what is shown of them; `number` says how many that makes of all that match, and is
    asked only when these are few. Without it no row is left out, only more said of each."""

    rows: Callable[[list[Any]], list[Any]]  # Any: the noun of the list
    number: Callable[[QuerySet[Any]], int] | None = None


@dataclass(frozen=True)
class Head:
    """A column's header: `direction` is ascending, descending, or empty when the list is not sorted
    by it."""

    label: str
    kind: str
    url: str
    direction: str
    wide: bool


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    active: bool = False
    value: str = ""


@dataclass(frozen=True)
class Shown:
    """What the templates read, as `list`."""

    spec: Listing
    bar: FilterBar
    problems: list[str]
    chips: list[Chip]
    heads: list[Head]
    rows: SafeString
    on_page: int
    count: Count
    next_url: str
    previous_url: str
    first_url: str
    clear_url: str
    sizes: list[Link]
    choices: list[Link]
    exports: list[Link]
    kept: Pairs
    query: str
    selectable: bool
    path: str
    next_step: str

    @property
    def status(self) -> str:
        """One sentence for the live line, so that a change of the table is heard."""
        if self.problems:
            return "The list is not shown: " + " ".join(self.problems)
        return f"{self.count} {self.noun}, {self.on_page} on this page."

    @property
    def noun(self) -> str:
        return self.spec.noun(self.count.number)

    @property
    def span(self) -> int:
        return len(self.heads) + self.selectable


@dataclass(frozen=True)
class _Asked:
    """The part of the address that is not a filter, read and checked."""

    columns: list[Column]
    sort: str
    order: Order
    size: int
    problems: list[str]


def listing(
    request: HttpRequest,
    filterset: django_filters.FilterSet,
    spec: Listing,
    *,
    bulk: bool = True,
    context: Mapping[str, object] | None = None,
    fold: Fold | None = None,
) -> HttpResponse | StreamingHttpResponse:
    """Answer a list's address: the page, its fragment for htmx, or (`?export=csv`) the file.

    The caller has narrowed the FilterSet's queryset to what the user may see. `bulk=False` leaves
    out the
    checkboxes for people who may change nothing.
    """
    asked = _asked(request.GET, spec, filterset.queryset.model)
    bar = filter_bar.build(filterset, visible=spec.visible_filters)
    problems = [*filter_bar.problems(filterset, bar), *asked.problems]
    if request.GET.get("export"):
        return _export(
            request, filterset.qs if not problems else None, asked, spec, problems, fold
        )  # fmt: skip
    count, page = Count(0), Page[Model]([])
    if not problems:
        cursor = request.GET.get("cursor")
        try:
            if fold is not None:
                count, page = _folded(fold, filterset.qs, asked, cursor)
            else:
                find = keyset.in_order if spec.in_order else keyset.listed
                count, page = find(
                    filterset.queryset, filterset.qs, asked.order, cursor=cursor, size=asked.size
                )
        except keyset.BadCursor as error:
            problems.append(str(error))
    selectable = bulk and bool(spec.bulk_actions)
    shown = _shown(request, spec, asked, _Found(filterset, bar, problems, count, page, selectable))
    return _answer(request, spec, {**(context or {}), "list": shown, "filterset": filterset})


def selected(
    request: HttpRequest, filterset: type[django_filters.FilterSet], queryset: QuerySet[Any]
) -> QuerySet[Any]:
    """The rows that a bulk form means: the ticked ones, or (`select=filter`) all that its filter
    shows.

    `queryset` is what the user may see. A filter that does not hold exactly is refused with 400, so
    that
    nothing is ever changed that was not shown.
    """
    if request.POST.get("select") != "filter":
        keys = request.POST.getlist("selected")
        if not all(key.isdecimal() and len(key) < 19 for key in keys):
            raise BadRequest("A selected row has no valid number. Select the rows again.")
        return queryset.filter(pk__in=keys)
    data = QueryDict(request.POST.get("filter", ""))
    chosen_filter = filterset(data, queryset, request=request)
    wrong = filter_bar.problems(chosen_filter, filter_bar.build(chosen_filter))
    if wrong:
        raise BadRequest(" ".join(wrong))
    rows: QuerySet[Any] = chosen_filter.qs
    return rows


def selection_fields(request: HttpRequest) -> Pairs:
    """The selection of a bulk form as hidden fields, for a page that asks before it acts."""
    if request.POST.get("select") == "filter":
        return [("select", "filter"), ("filter", request.POST.get("filter", ""))]
    return [("selected", key) for key in request.POST.getlist("selected")]


@dataclass(frozen=True)
class _Found:
    filterset: django_filters.FilterSet
    bar: FilterBar
    problems: list[str]
    count: Count
    page: Page[Any]
    selectable: bool


def _folded(
    fold: Fold, matching: QuerySet[Any], asked: _Asked, cursor: str | None
) -> tuple[Count, Page[Any]]:
    count = keyset.counted(matching)
    if fold.number is None:
        page = keyset.page(matching, asked.order, cursor=cursor, size=asked.size)
        return count, replace(page, rows=fold.rows(page.rows))
    if not count.capped:
        count = Count(fold.number(matching))
    return count, keyset.folded(
        matching, asked.order, cursor=cursor, size=asked.size, fold=fold.rows
    )


def _asked(data: QueryDict, spec: Listing, model: type[Model]) -> _Asked:
    problems = []
    keys = [key for key in data.getlist("col") if key]
    unknown = set(keys) - {column.key for column in spec.columns}
    problems += [f"There is no column “{key}” on this list." for key in sorted(unknown)]
    sort = data.get("sort") or spec.order
    sortable = {column.key: column for column in spec.columns if column.sort}
    if sort.lstrip("-") not in sortable:
        problems.append(f"The list cannot be sorted by “{sort}”. Choose a column header.")
        sort = spec.order
    size = data.get("size") or str(DEFAULT_SIZE)
    if size not in map(str, SIZES):
        problems.append(f"A page cannot have “{size}” rows. Choose {', '.join(map(str, SIZES))}.")
        size = str(DEFAULT_SIZE)
    path = sortable[sort.lstrip("-")].sort
    order = Order.of(model, str(path), descending=sort.startswith("-"))
    return _Asked(chosen(spec.columns, keys), sort, order, int(size), problems)


def _shown(request: HttpRequest, spec: Listing, asked: _Asked, found: _Found) -> Shown:
    path = request.path
    pairs = filter_bar.pairs_of(request.GET, without=["cursor", "export", "bom"])
    filters = [pair for pair in pairs if pair[0] not in filter_bar.RESERVED]
    settings = [pair for pair in pairs if pair[0] in filter_bar.RESERVED]
    page, at = found.page, timezone.now()

    def to(**changes: str) -> str:
        kept = [pair for pair in pairs if pair[0] not in changes]
        return filter_bar.url(path, [*kept, *((k, v) for k, v in changes.items() if v)])

    return Shown(
        spec=spec,
        bar=found.bar,
        problems=found.problems,
        chips=filter_bar.chips(found.bar, found.filterset, pairs, path),
        heads=[_head(column, asked, to) for column in asked.columns],
        rows=rows_html(page.rows, asked.columns, at=at, selectable=found.selectable),
        on_page=len(page.rows),
        count=found.count,
        next_url=to(cursor=page.next) if page.next else "",
        previous_url=to(cursor=page.previous) if page.previous else "",
        first_url=to() if request.GET.get("cursor") else "",
        clear_url=filter_bar.url(path, settings),
        sizes=[Link(str(n), to(size=str(n)), n == asked.size) for n in SIZES],
        choices=[
            Link(column.label, "", column in asked.columns, column.key) for column in spec.columns
        ],
        exports=[
            Link("CSV", to(export="csv")),
            Link("CSV for Excel", to(export="csv", bom="1")),
        ],
        kept=[pair for pair in settings if pair[0] in ("sort", "size")],
        query=filter_bar.url("", filters).lstrip("?"),
        selectable=found.selectable,
        path=path,
        next_step=_next_step(request.user, spec.empty),
    )


def _next_step(user: object, empty: Empty) -> str:
    if empty.for_security and not (isinstance(user, User) and access.changes_all(user)):
        return ""
    return empty.action


def _head(column: Column, asked: _Asked, to: Any) -> Head:  # Any: a function with free keywords
    if not column.sort:
        return Head(column.label, column.kind, "", "", column.wide)
    direction, next_sort = "", f"-{column.key}" if column.descends_first else column.key
    if asked.sort.lstrip("-") == column.key:
        down = asked.sort.startswith("-")
        direction = "descending" if down else "ascending"
        next_sort = column.key if down else f"-{column.key}"
    return Head(column.label, column.kind, to(sort=next_sort), direction, column.wide)


def _answer(request: HttpRequest, spec: Listing, context: dict[str, object]) -> HttpResponse:
    """Only the part that changes for htmx; the whole page otherwise, and when htmx restores its
    history."""
    htmx = getattr(request, "htmx", None)
    part = bool(htmx) and not htmx.history_restore_request and not htmx.boosted  # type: ignore[union-attr]  # bool() is not seen to narrow
    template = spec.template
    if part:
        whole = htmx.target == "listing"  # type: ignore[union-attr]  # as above
        template = "_components/listing.html" if whole else "_components/listing_rows.html"
    response = render(request, template, {**context, "swapped": part})
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _export(
    request: HttpRequest,
    rows: QuerySet[Any] | None,
    asked: _Asked,
    spec: Listing,
    problems: Sequence[str],
    fold: Fold | None = None,
) -> HttpResponse | StreamingHttpResponse:
    problems = list(problems)
    if request.GET["export"] != "csv":
        problems.append(f"There is no export as “{request.GET['export']}”. Use csv.")
    if problems or rows is None:
        return HttpResponse(
            "\n".join(problems), status=400, content_type="text/plain; charset=utf-8"
        )
    ordered = rows.order_by(*asked.order.terms())
    name = f"{spec.export_name or spec.plural.replace(' ', '-')}-{timezone.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        _lines(ordered, asked.columns, fold, bom=bool(request.GET.get("bom"))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class _Echo:
    """A file for the csv module that hands each line back."""

    def write(self, text: str) -> str:
        return text


def _lines(
    rows: QuerySet[Any], columns: Sequence[Column], fold: Fold | None, *, bom: bool
) -> Iterator[str]:
    """The file in pieces of a few thousand rows, read by a server-side cursor: memory stays
    flat."""
    write, cells = csv.writer(_Echo()).writerow, exporter(columns)
    yield ("\ufeff" if bom else "") + str(write([column.label for column in columns]))
    found = rows.iterator(chunk_size=_EXPORT_CHUNK)
    while piece := list(islice(found, _EXPORT_CHUNK)):
        shown = piece if fold is None else fold.rows(piece)
        yield "".join([str(write(cells(row))) for row in shown])
