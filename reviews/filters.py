"""What the list of findings can be asked; page, export and bulk acts share it."""

import django_filters
from django.db.models import Q
from django.utils import timezone

from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.models import Identity, Severity, User
from inventory.search import holds
from reviews.checks import CHECKS
from reviews.models import Finding

CHECK_TITLES = [(check_id, CHECKS[check_id].problem) for check_id in sorted(CHECKS)]
ASSIGNED = (("me", "Me"), ("somebody", "Somebody"), ("nobody", "Nobody"))


class StateFilter(ManyFilter):
    """By the state at this moment: an exception that has ended counts as open, whatever is
    stored."""

    def filter(self, qs: Rows, value: list[str]) -> Rows:
        if not value:
            return qs
        at = timezone.now()
        found = Q(pk__in=[])
        for state in value:
            found |= Finding.state_q(state, at)
        return qs.filter(found)


class FindingFilter(Filters):
    q = django_filters.CharFilter(method="search", help_text="Name of an identity")
    state = StateFilter(label="State", choices=Finding.Status.choices)
    severity = ManyFilter(choices=Severity.choices)
    check = ManyFilter(field_name="check_id", label="Check", choices=CHECK_TITLES)
    assigned = django_filters.ChoiceFilter(
        label="Assigned to", choices=ASSIGNED, method="by_assignee"
    )
    identity = KeyFilter(label="Identity")
    assignee = KeyFilter(label="Assignee")

    described = {"identity": Identity}

    class Meta:
        model = Finding
        fields: list[str] = []

    def describe(self, name: str, value: str) -> str | None:
        if name == "assignee" and value.isdecimal() and len(value) < 19:
            user = User.objects.filter(pk=value).first()
            return user.display_name if user else value
        return super().describe(name, value)

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id"))
        return rows.filter(identity__in=named.values("pk"))

    def by_assignee(self, rows: Rows, name: str, value: str) -> Rows:
        if value == "me":
            return rows.filter(assignee=self.request.user)
        return rows.filter(assignee__isnull=value == "nobody")
