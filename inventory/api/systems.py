"""Where access leads, over REST: target systems, and what can be held there."""

import django_filters
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory.api import serializers as shown
from inventory.api.views import Readers
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.models import Entitlement, Environment, Risk, System
from inventory.search import holds


class SystemFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Name")
    environment = ManyFilter(label="Environment", choices=Environment.choices)

    class Meta:
        model = System
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "name"))


class EntitlementFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Name")
    system = KeyFilter(label="System")
    policy = django_filters.CharFilter(label="Policy", help_text="The exact name of a policy")
    effect = ManyFilter(label="Effect", choices=Entitlement.Effect.choices)
    risk = ManyFilter(label="Risk", choices=Risk.choices)
    admin = django_filters.BooleanFilter(label="Admin")
    wildcard = django_filters.BooleanFilter(label="Wildcard")

    class Meta:
        model = Entitlement
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "name"))


class SystemViewSet(Readers, ReadOnlyModelViewSet[System]):
    """Target systems: an account, a cluster, a product, a database server."""

    queryset = System.objects.select_related("owner", "source")
    serializer_class = shown.SystemSerializer
    filterset_class = SystemFilter
    orders = {"id": "pk"}


class EntitlementViewSet(Readers, ReadOnlyModelViewSet[Entitlement]):
    """What can be held on a system: an action, a role, or one statement of a policy, kept as patterns."""

    queryset = Entitlement.objects.select_related("system", "source")
    serializer_class = shown.EntitlementSerializer
    detail_serializer_class = shown.EntitlementDetailSerializer
    filterset_class = EntitlementFilter
    orders = {"id": "pk"}
