"""Keyset pages: the thousandth page costs as much as the first, and a page does not shift while one
reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.core import signing
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, Expression, F, Func, Model, Q, QuerySet, Value
from django.db.models.expressions import OrderBy

Row = TypeVar("Row", bound=Model)

# Nobody reads the exact number beyond it, and to count further costs more than the page itself.
COUNT_CAP = 2_000

_VALUE = "keyset_value"
_signer = signing.Signer(salt="inventory.keyset")


class BadCursor(ValueError):
    """A page link that was changed, or that belongs to another list or order."""


@dataclass(frozen=True)
class Order:
    """One order of a list: a field path (nulls always last), then the primary key in the same
    direction."""

    field: str
    descending: bool = False
    nullable: bool = False
    computed: Any = (
        None  # Any: an expression, where the model sorts by one (`SORT_KEYS`); never null
    )

    @classmethod
    def of(cls, model: type[Model], field: str, *, descending: bool = False) -> "Order":
        computed = getattr(model, "SORT_KEYS", {}).get(field)
        nullable = computed is None and may_be_null(model, field)
        return cls(field, descending, nullable, computed)

    @property
    def term(self) -> Any:  # Any: a column or an expression
        return F(self.field) if self.computed is None else self.computed

    @property
    def by_key_only(self) -> bool:
        return self.field in ("pk", "id")

    def terms(self, *, backward: bool = False) -> list[OrderBy]:
        """ORDER BY terms. NULLS is only written where nulls can be: without it a plain index serves
        both ways."""
        down = self.descending != backward
        key = _directed(F("pk"), down=down)
        if self.by_key_only:
            return [key]
        nulls = {"nulls_first": True} if backward else {"nulls_last": True}
        return [_directed(self.term, down=down, **(nulls if self.nullable else {})), key]


@dataclass(frozen=True)
class Page(Generic[Row]):
    rows: list[Row]
    next: str | None = None
    previous: str | None = None


@dataclass(frozen=True)
class Count:
    """How many rows match, counted up to a cap because nobody reads the exact number beyond it."""

    number: int
    capped: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}+" if self.capped else f"{self.number:,}"


@dataclass(frozen=True)
class _Place:
    backward: bool
    value: Any  # Any: whatever the column holds
    key: Any


def counted(queryset: QuerySet[Any], cap: int = COUNT_CAP) -> Count:
    number = queryset.order_by().values("pk")[: cap + 1].count()
    return Count(min(number, cap), capped=number > cap)


def listed(
    everything: QuerySet[Row],
    matching: QuerySet[Row],
    order: Order,
    *,
    cursor: str | None,
    size: int,
) -> tuple[Count, Page[Row]]:
    """How many match, and one page of them. `matching` is `everything`, filtered. Raises BadCursor.

    PostgreSQL guesses badly how many rows a text search or a condition on a joined table leaves, and then walks the
    whole order index for three rows. So the keys of what matches come first: when they are few, the page is made of
    them, and only its own rows are read in full; when they are many, the order index soon fills a page.
    """
    keys = list(matching.order_by().values_list("pk", flat=True)[: COUNT_CAP + 1])
    if len(keys) > COUNT_CAP:
        return Count(COUNT_CAP, capped=True), page(matching, order, cursor=cursor, size=size)
    few = everything.model._default_manager.filter(pk__in=keys).only("pk")
    found = page(few, order, cursor=cursor, size=size)
    whole = {row.pk: row for row in everything.filter(pk__in=[row.pk for row in found.rows])}
    rows = [whole[row.pk] for row in found.rows if row.pk in whole]
    return Count(len(keys)), replace(found, rows=rows)


def in_order(
    everything: QuerySet[Row],
    matching: QuerySet[Row],
    order: Order,
    *,
    cursor: str | None,
    size: int,
) -> tuple[Count, Page[Row]]:
    """As `listed`, for a table of which each filter has an index of its own, and whose keys are dear to look up: that
    of the tool calls lies in one partition for each day."""
    return counted(matching), page(matching, order, cursor=cursor, size=size)


def page(queryset: QuerySet[Row], order: Order, *, cursor: str | None, size: int) -> Page[Row]:
    """One page of `size` rows after (or, by a "previous" cursor, before) a place. Raises
    BadCursor."""
    rows = queryset
    if not order.by_key_only:
        rows = rows.annotate(**{_VALUE: order.term})
    if not cursor:
        found = list(rows.order_by(*order.terms())[: size + 1])
        return _as_page(found, order, size=size, came_from=None)
    place = _read(cursor, order, queryset.model)
    found = []
    for segment in _segments(order, place):
        terms = order.terms(backward=place.backward)
        found += rows.filter(segment).order_by(*terms)[: size + 1 - len(found)]
        if len(found) > size:
            break
    if place.backward and len(found) <= size:  # reached the start: show a full first page
        return page(queryset, order, cursor=None, size=size)
    return _as_page(found, order, size=size, came_from=place)


def folded(
    matching: QuerySet[Row],
    order: Order,
    *,
    cursor: str | None,
    size: int,
    fold: Callable[[list[Row]], list[Row]],
) -> Page[Row]:
    """As `page`, of rows of which `fold` leaves some out: twice as many are read, so that the page is full where that
    is at most every other one, and costs as much where it is more."""
    found = page(matching, order, cursor=cursor, size=2 * size)
    rows = fold(found.rows)
    if len(rows) <= size:
        return replace(found, rows=rows)
    backward = found.previous is not None and _read(cursor or "", order, matching.model).backward
    if backward:
        rows = rows[-size:]
        return Page(rows, next=found.next, previous=_write(rows[0], order, backward=True))
    rows = rows[:size]
    return Page(rows, next=_write(rows[-1], order, backward=False), previous=found.previous)


def may_be_null(model: type[Model], path: str) -> bool:
    """Whether a field path can end in NULL; an annotation is taken as one that can."""
    current: Any = model
    for name in path.split("__"):
        if name == "pk":
            return False
        try:
            field = current._meta.get_field(name)
        except FieldDoesNotExist:
            return True
        if getattr(field, "null", True):
            return True
        current = field.related_model
    return False


def _directed(term: Any, *, down: bool, **nulls: bool) -> OrderBy:
    directed: OrderBy = term.desc(**nulls) if down else term.asc(**nulls)
    return directed


def _segments(order: Order, place: _Place) -> Sequence[Q | Expression]:
    """The rows beyond a place, as ranges that an index answers one by one, in reading order.

    One condition with OR over the nulls would make PostgreSQL filter the whole index from its
    start.
    """
    up = order.descending == place.backward
    if order.by_key_only:
        return [Q(**{"pk__gt" if up else "pk__lt": place.key})]
    here = Q(**{f"{order.field}__isnull": True})
    if place.value is None:
        beyond_key = here & Q(**{"pk__gt" if up else "pk__lt": place.key})
        return [beyond_key, ~here] if place.backward else [beyond_key]
    beyond = _row_comparison(order.term, place, up=up)
    return [beyond, here] if order.nullable and not place.backward else [beyond]


def _row_comparison(term: Any, place: _Place, *, up: bool) -> Expression:
    """`(field, id) > (x, y)`: one range of an index on both columns; no OR form is."""
    mine = Func(term, F("pk"), function="ROW")
    there = Func(Value(place.value), Value(place.key), function="ROW")
    sign = ">" if up else "<"
    return Func(
        mine,
        there,
        template="(%(expressions)s)",
        arg_joiner=f" {sign} ",
        output_field=BooleanField(),
    )


def _as_page(found: list[Row], order: Order, *, size: int, came_from: _Place | None) -> Page[Row]:
    more, rows = len(found) > size, found[:size]
    backward = came_from is not None and came_from.backward
    if backward:
        rows.reverse()
    if not rows:
        return Page([])
    first = _write(rows[0], order, backward=True)
    last = _write(rows[-1], order, backward=False)
    return Page(
        rows,
        next=last if more or backward else None,
        previous=first if came_from is not None and (more or not backward) else None,
    )


def _write(row: Model, order: Order, *, backward: bool) -> str:
    value = None if order.by_key_only else getattr(row, _VALUE)
    place = [_identity(order, type(row)), backward, _to_json(value), _to_json(row.pk)]
    return _signer.sign_object(place)


def _read(cursor: str, order: Order, model: type[Model]) -> _Place:
    try:
        belongs_to, backward, value, key = _signer.unsign_object(cursor)
    except (signing.BadSignature, ValueError) as error:
        raise BadCursor("The page link is damaged. Start from the first page.") from error
    if belongs_to != _identity(order, model):
        raise BadCursor("The page link belongs to another order. Start from the first page.")
    return _Place(backward, _from_json(value), _from_json(key))


def _identity(order: Order, model: type[Model]) -> str:
    return f"{model._meta.label_lower}:{'-' if order.descending else ''}{order.field}"


def _to_json(value: object) -> object:
    """JSON has no moments and no exact numbers; they travel as a pair of a letter and a text."""
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, Decimal):
        return ["n", str(value)]
    if isinstance(value, timedelta):
        return ["s", value // timedelta(microseconds=1)]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _from_json(value: Any) -> Any:  # Any: the reverse of the above, for whatever the column holds
    if not isinstance(value, list):
        return value
    letter, text = value
    if letter == "s":
        return timedelta(microseconds=text)
    if letter == "n":
        return Decimal(text)
    return datetime.fromisoformat(text) if letter == "t" else date.fromisoformat(text)
