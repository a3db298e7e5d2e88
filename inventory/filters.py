"""What each list can be asked: one FilterSet per noun, for page, export and API alike."""

from datetime import datetime, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from inventory import access
from inventory.filter_bar import ManyFilter
from inventory.models import (
    Credential,
    Delegation,
    EndCause,
    Entitlement,
    Environment,
    Grant,
    Identity,
    Person,
    Risk,
    Severity,
    Source,
    Team,
    Tier,
    User,
)
from inventory.models.credential import live_credential_q
from inventory.models.grant import in_force_q
from inventory.models.identity import drifted_q, live_q, orphaned_q
from inventory.models.moments import endless, ends_after, ends_by, unused_since
from inventory.models.person import can_answer
from inventory.revocations import unconfirmed_q
from inventory.search import any_of, holds

EXPIRING = timedelta(days=14)
UNUSED = timedelta(days=90)
# How a grant or delegation ended; each in one way only, and all of it stays.
ENDED = (
    ("revoked", "Revoked"),
    ("unconfirmed", "Revoked, unconfirmed"),
    ("superseded", "Superseded"),
    ("expired", "Expired"),
    ("gone", "Gone from source"),
)
YES_NO = (("yes", "Yes"), ("no", "No"))
Rows = QuerySet[Any]  # Any: the noun of the FilterSet


class KeyFilter(django_filters.Filter):  # type: ignore[misc]  # django-filter ships no types
    """By the key of another row, from a link; a hidden field, never a menu of a big table."""

    field_class = forms.IntegerField

    def __init__(self, **options: Any) -> None:  # Any: whatever django-filter's Filter takes
        super().__init__(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1, **options)


class Filters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """What every FilterSet here shares: the moment of asking, and words for keys of people and
    identities.
    """

    described: dict[str, Any] = {"owner": Person, "identity": Identity}  # Any: model classes

    def __init__(self, *args: Any, **named: Any) -> None:  # Any: whatever django-filter takes
        """An auditor of one team is offered no menu of all teams and sources."""
        super().__init__(*args, **named)
        user = getattr(self.request, "user", None)
        if isinstance(user, User) and access.team_of(user) is not None:
            for name in ("team", "source"):
                self.filters.pop(name, None)

    def describe(self, name: str, value: str) -> str | None:
        """A key in words; the name of what the user may not see stays unsaid."""
        model = self.described.get(name)
        if model is None or not value.isdecimal() or len(value) > 18:
            return None
        seen = access.visible_to(self.request.user, model.objects.filter(pk=value))
        return str(seen.values_list("name", flat=True).first() or value)


def choice(choices: Any, method: str = "", **options: Any) -> Any:  # Any: django-filter's own
    if method:
        options["method"] = method
    return django_filters.ChoiceFilter(choices=choices, **options)


class IdentityFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Name, external ID or SPIFFE ID"
    )
    kind = ManyFilter(choices=Identity.Kind.choices)
    lifecycle = ManyFilter(label="State", choices=Identity.Lifecycle.choices)
    ownership = choice(
        (
            ("mine", "Mine"),
            ("owned", "Has an owner"),
            ("orphaned", "Orphaned"),
            ("leaving", "Owner is leaving"),
        ),
        "by_ownership",
        label="Ownership",
    )
    severity = ManyFilter(
        field_name="worst_severity", label="Worst finding", choices=Severity.choices
    )
    environment = ManyFilter(choices=Environment.choices)
    declared_tier = ManyFilter(label="Declared tier", choices=Tier.choices)
    observed_tier = ManyFilter(label="Observed tier", choices=Tier.choices)
    drift = choice(
        (("yes", "Above its declared tier"), ("unseen", "Nothing seen of it")),
        "by_drift",
        label="Drift",
    )
    team = django_filters.ModelChoiceFilter(queryset=Team.objects.all())
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.all())
    gone = choice(YES_NO, "by_gone", label="Gone from source")
    live = choice((("yes", "Yes"),), "by_life", label="Live")
    compromised = choice(YES_NO, "by_compromise", label="Compromised")
    owner = KeyFilter(label="Owner")

    class Meta:
        model = Identity
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        found = holds(value, "name", "external_id")
        if value.startswith("spiffe://"):  # written as its partial unique index wants it
            found |= Q(spiffe_id=value, gone_at=None) & ~Q(lifecycle=Identity.Lifecycle.RETIRED)
        return rows.filter(found)

    def by_ownership(self, rows: Rows, name: str, value: str) -> Rows:
        if value == "mine":
            user = self.request.user
            return rows.filter(owner=user.person_id) if user.person_id else rows.none()
        if value == "leaving":
            leaving = Person.objects.filter(status=Person.Status.LEAVING)
            return rows.filter(owner__in=leaving.order_by().values("pk"))
        if value == "owned":
            return rows.filter(Q(owner__isnull=False) & can_answer(timezone.now(), "owner__"))
        return rows.filter(orphaned_q(timezone.now()))

    def by_gone(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(gone_at__isnull=value == "no")

    def by_drift(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(drifted_q() if value == "yes" else Q(observed_tier=None))

    def by_life(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(live_q())

    def by_compromise(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(compromised_at__isnull=value == "no")


class PersonFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Name or e-mail")
    status = ManyFilter(choices=Person.Status.choices)
    owns = choice(YES_NO, "by_owning", label="Owns something live")
    team = django_filters.ModelChoiceFilter(queryset=Team.objects.all())

    class Meta:
        model = Person
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "name", "email"))

    def by_owning(self, rows: Rows, name: str, value: str) -> Rows:
        owned = Exists(Identity.objects.live().filter(owner=OuterRef("pk")))
        return rows.filter(owned if value == "yes" else ~owned)


class CredentialFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Key ID or identity")
    kind = ManyFilter(choices=Credential.Kind.choices)
    state = choice(
        (
            ("live", "Live"),
            ("expiring", "Expiring in 14 days"),
            ("endless", "Live without expiry"),
            ("unused", "Live, unused for 90 days"),
            ("expired", "Expired"),
            ("revoked", "Revoked"),
            ("unconfirmed", "Revocation unconfirmed"),
            ("compromised", "Compromised"),
            ("disabled", "Disabled"),
            ("gone", "Gone from source"),
        ),
        "by_state",
        label="State",
    )
    environment = ManyFilter(choices=Environment.choices)
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.all())
    identity = KeyFilter(label="Identity")
    owner = KeyFilter(field_name="identity__owner", label="Owner")

    class Meta:
        model = Credential
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(
            any_of(Credential, holds(value, "key_id"), Q(identity__in=_identities(value)))
        )

    def by_state(self, rows: Rows, name: str, value: str) -> Rows:
        at = timezone.now()
        live = live_credential_q(at)
        meaning = {
            "live": live & ends_after(at),
            "expiring": live & ends_after(at) & ends_by(at + EXPIRING),
            "endless": live & endless() & Q(expiry_known=True),
            "unused": live & unused_q(at),
            "expired": ends_by(at),
            "revoked": Q(revoked_at__lte=at),
            "unconfirmed": unconfirmed_q(at),
            "compromised": Q(compromised_at__isnull=False),
            "disabled": Q(enabled=False),
            "gone": Q(gone_at__isnull=False),
        }
        return rows.filter(meaning[value])


class GrantFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Identity, entitlement or policy"
    )
    state = choice(
        (
            ("in_force", "In force"),
            ("standing", "Standing, no end"),
            ("expiring", "Expiring in 14 days"),
            ("unused", "In force, unused for 90 days"),
            *ENDED,
        ),
        "by_state",
        label="State",
    )
    risk = ManyFilter(field_name="entitlement__risk", label="Risk", choices=Risk.choices)
    admin = choice(YES_NO, "by_flag", label="Admin")
    wildcard = choice(YES_NO, "by_flag", label="Wildcard")
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.all())
    identity = KeyFilter(label="Identity")
    owner = KeyFilter(field_name="identity__owner", label="Owner")

    class Meta:
        model = Grant
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        entitlements = Entitlement.objects.filter(holds(value, "name") | Q(policy=value))
        return rows.filter(
            any_of(Grant, Q(identity__in=_identities(value)), Q(entitlement__in=entitlements))
        )

    def by_flag(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(**{f"entitlement__{name}": value == "yes"})

    def by_state(self, rows: Rows, name: str, value: str) -> Rows:
        at = timezone.now()
        in_force = in_force_q(at)
        meaning = {
            "in_force": in_force & ends_after(at),
            "standing": in_force & endless() & Q(task=None),
            "expiring": in_force & ends_after(at) & ends_by(at + EXPIRING),
            "unused": in_force & unused_q(at),
            **ended_q(at),
        }
        return rows.filter(meaning[value])


class DelegationFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Delegator or delegate"
    )
    how = ManyFilter(choices=Delegation.How.choices)
    state = choice(
        (
            ("in_force", "In force"),
            ("endless", "In force, no end"),
            *ENDED,
        ),
        "by_state",
        label="State",
    )
    may_redelegate = django_filters.BooleanFilter(label="May re-delegate")
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.all())
    identity = KeyFilter(method="by_identity", label="Identity")

    class Meta:
        model = Delegation
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        identities = _identities(value)
        people = Person.objects.filter(holds(value, "name"))
        return rows.filter(
            any_of(
                Delegation,
                Q(delegate__in=identities),
                Q(delegator_identity__in=identities),
                Q(delegator_person__in=people),
            )
        )

    def by_identity(self, rows: Rows, name: str, value: int) -> Rows:
        return rows.filter(Q(delegate=value) | Q(delegator_identity=value))

    def by_state(self, rows: Rows, name: str, value: str) -> Rows:
        at = timezone.now()
        meaning = {
            "in_force": in_force_q(at) & ends_after(at),
            "endless": in_force_q(at) & endless(),
            **ended_q(at),
        }
        return rows.filter(meaning[value])


def ended_q(at: datetime) -> dict[str, Q]:
    """By its state's name; the same rule as `Grant.state`: a revocation goes before an end, one source's word last."""
    superseded, revoked = Q(end_cause=EndCause.SUPERSEDED), Q(revoked_at__lte=at)
    untouched = Q(revoked_at=None) | Q(revoked_at__gt=at)
    return {
        "revoked": revoked & ~superseded,
        "unconfirmed": unconfirmed_q(at),
        "superseded": revoked & superseded,
        "expired": ends_by(at) & untouched & Q(gone_at=None),
        "gone": Q(gone_at__isnull=False) & untouched,
    }


def unused_q(at: datetime) -> Q:
    """Known not to have been used in 90 days; where the platform does not report use, nothing is
    claimed.
    """
    return Q(use_known=True) & unused_since(at - UNUSED)


def _identities(value: str) -> QuerySet[Identity]:
    return Identity.objects.filter(holds(value, "name"))
