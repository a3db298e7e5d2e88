"""When something ends and when it was last used, as columns that are never empty, for sorting and for ranges.

"No end" is far in the future, "never used" long ago. So one index range answers "still works" and "unused since", where
`expires_at IS NULL OR expires_at > now` would read the whole index.
"""

from datetime import UTC, datetime

from django.db.models import DateTimeField, F, Q, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThan, LessThan, LessThanOrEqual

FAR = datetime(9999, 12, 31, tzinfo=UTC)
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
ENDS = Coalesce(F("expires_at"), Value(FAR, output_field=DateTimeField()))
USED = Coalesce(F("last_used_at"), Value(LONG_AGO, output_field=DateTimeField()))
SORT_KEYS = {"ends_at": ENDS, "used_at": USED}


def ends_after(at: datetime) -> Q:
    return Q(GreaterThan(ENDS, at))


def ends_by(at: datetime) -> Q:
    return Q(LessThanOrEqual(ENDS, at))


def endless() -> Q:
    return Q(Exact(ENDS, Value(FAR, output_field=DateTimeField())))


def unused_since(at: datetime) -> Q:
    """Last used before the moment, or never."""
    return Q(LessThan(USED, at))
