"""What the lists of records can be asked: imports, users, tokens and changes."""

import django_filters
from django.db.models import Q
from django.utils import timezone

from inventory import governed
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows, choice
from inventory.models import ApiToken, Change, ImportRun, Source, User
from inventory.search import holds


class ImportFilter(Filters):
    status = ManyFilter(choices=ImportRun.Status.choices)
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.all())

    class Meta:
        model = ImportRun
        fields: list[str] = []


class UserFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Name or e-mail")
    role = ManyFilter(choices=User.Role.choices)
    is_active = django_filters.BooleanFilter(label="Switched on")
    is_service = django_filters.BooleanFilter(label="Service user")

    class Meta:
        model = User
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "username", "first_name", "last_name", "email"))


class TokenFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Name or user")
    state = choice(
        (("live", "Live"), ("expired", "Expired"), ("revoked", "Revoked")),
        "by_state",
        label="State",
    )

    class Meta:
        model = ApiToken
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "name", "user__username"))

    def by_state(self, rows: Rows, name: str, value: str) -> Rows:
        at = timezone.now()
        meaning = {
            "live": Q(revoked_at=None, expires_at__gt=at),
            "expired": Q(expires_at__lte=at),
            "revoked": Q(revoked_at__isnull=False),
        }
        return rows.filter(meaning[value])


class ChangeFilter(Filters):
    q = django_filters.CharFilter(
        field_name="verb", label="Act", help_text="Exact act, such as grant.revoked"
    )
    noun = choice(governed.choices, label="Noun")
    operation = choice(Change.Operation.choices)
    user = django_filters.ModelChoiceFilter(queryset=User.objects.order_by("username"))
    at = django_filters.DateFromToRangeFilter(label="Day")
    identity = KeyFilter(field_name="identity_id", label="Identity")

    class Meta:
        model = Change
        fields: list[str] = []
