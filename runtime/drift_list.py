"""What the list of those who act above their declared tier can be asked."""

import django_filters

from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.models import Identity, Tier
from inventory.search import holds
from runtime.models import ObservedTier


class DriftFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Identity")
    tier = ManyFilter(label="Observed tier", choices=Tier.choices)
    declared = ManyFilter(
        field_name="identity__declared_tier", label="Declared tier", choices=Tier.choices
    )
    kind = ManyFilter(field_name="identity__kind", label="Kind", choices=Identity.Kind.choices)
    since = django_filters.DateFromToRangeFilter(field_name="started_at", label="Since")
    identity = KeyFilter(label="Identity")

    class Meta:
        model = ObservedTier
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id")).order_by()
        return rows.filter(identity__in=named.values("pk"))
