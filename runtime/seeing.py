"""Who sees what of the activity: security and auditors all of it, owners that of the identities they see."""

from typing import Any
from uuid import UUID

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.http import Http404

from inventory import access
from inventory.models import Identity, User
from runtime.covering import COVERED_SQL
from runtime.models import CallTally, Deviation, ToolCall


def calls(user: User) -> QuerySet[ToolCall]:
    rows = ToolCall.objects.all()
    return rows if access.sees_all(user) else rows.filter(identity__in=_mine(user))


def tallies(user: User) -> QuerySet[CallTally]:
    rows = CallTally.objects.all()
    return rows if access.sees_all(user) else rows.filter(identity__in=_mine(user))


def deviations(user: User) -> QuerySet[Deviation]:
    rows = Deviation.objects.all()
    return rows if access.sees_all(user) else rows.filter(identity__in=_mine(user))


def call(user: User, key: str) -> ToolCall:
    """The call with this id in an address, or 404."""
    try:
        found = calls(user).with_id(UUID(key))  # type: ignore[attr-defined]  # of its own queryset
    except ValueError:
        raise Http404 from None
    row: ToolCall | None = found.select_related("identity", "tool", "task", "on_behalf_of").first()
    if row is None:
        raise Http404
    return row


def with_cover(rows: QuerySet[ToolCall]) -> QuerySet[Any]:  # Any: with an annotation
    """With `covered`: whether an explicit rule covers the call (runtime/covering.py)."""
    return rows.annotate(covered=RawSQL(COVERED_SQL, [], output_field=BooleanField()))  # noqa: S611  a constant


def _mine(user: User) -> QuerySet[Identity]:
    return access.visible_to(user, Identity.objects.all()).order_by().values("pk")  # type: ignore[return-value]
