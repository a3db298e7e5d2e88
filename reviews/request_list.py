"""The list of requests: its filters and columns, for page, export, bulk acts and API."""

import django_filters
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from inventory import access
from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.listing import BulkAction, Empty, Listing
from inventory.models import Identity, Risk, Task, User
from inventory.search import holds
from reviews.models import AccessRequest, Approval

IDENTITY = "inventory:identity-detail"
STATES = dict(AccessRequest.Status.choices)
WAITING = (("me", "Me"), ("others", "Others"))


def state_of(request: AccessRequest) -> str:
    return STATES[request.state(timezone.now())]


def wanted(request: AccessRequest) -> str:
    """What it asks for, in a line; reads `items` that the list has fetched."""
    names = [str(item.entitlement) for item in request.items.all()]
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more


def waits_for(user: User) -> Q:
    """Requests that this user is asked about and has not answered; separation of duties included."""
    if user.is_service or not user.is_active:
        return Q(pk__in=[])
    mine = Approval.objects.filter(request=OuterRef("pk"), answer="")
    asked = Q(person=user.person_id) if user.person_id is not None else Q(pk__in=[])
    if access.changes_all(user):
        asked |= Q(person=None)
    answered = Approval.objects.filter(request=OuterRef("pk"), answered_by=user)
    found = Q(Exists(mine.filter(asked))) & ~Q(Exists(answered)) & ~Q(requested_by=user)
    if user.person_id is None:
        return found
    own = Q(beneficiary=user.person_id) | Q(requested_by__person=user.person_id)
    return found & ~own


class RequestStateFilter(ManyFilter):
    """By the state at this moment: what nobody answered in time is so before a job has written it down."""

    def filter(self, qs: Rows, value: list[str]) -> Rows:
        if not value:
            return qs
        at = timezone.now()
        waiting = AccessRequest.Status.WAITING
        found = Q(pk__in=[])
        for state in value:
            if state == waiting:
                found |= Q(status=waiting, answer_by__gt=at)
            elif state == AccessRequest.Status.LAPSED:
                found |= Q(status=state) | Q(status=waiting, answer_by__lte=at)
            else:
                found |= Q(status=state)
        return qs.filter(found)


class RequestFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Name of the identity, or words of the reason"
    )
    state = RequestStateFilter(label="State", choices=AccessRequest.Status.choices)
    waiting = django_filters.ChoiceFilter(label="Waits for", choices=WAITING, method="by_waiting")
    kind = ManyFilter(choices=AccessRequest.Kind.choices)
    risk = ManyFilter(choices=Risk.choices)
    identity = KeyFilter(label="Identity")
    task = KeyFilter(label="Task")

    described = {"identity": Identity}

    class Meta:
        model = AccessRequest
        fields: list[str] = []

    def describe(self, name: str, value: str) -> str | None:
        if name == "task" and value.isdecimal() and len(value) < 19:
            seen = access.visible_to(self.request.user, Task.objects.filter(pk=value))
            return str(seen.values_list("purpose", flat=True).first() or value)
        return super().describe(name, value)

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id"))
        return rows.filter(Q(reason__icontains=value) | Q(identity__in=named.values("pk")))

    def by_waiting(self, rows: Rows, name: str, value: str) -> Rows:
        open_ = rows.filter(status=AccessRequest.Status.WAITING, answer_by__gt=timezone.now())
        mine = waits_for(self.request.user)
        return open_.filter(mine) if value == "me" else open_.exclude(mine)


REQUESTS = Listing(
    title="Requests",
    singular="request",
    plural="requests",
    intro="Who asked for which access, and what was decided.",
    columns=(
        Column("wanted", "Asks for", wanted, kind="link", url="reviews:request-detail"),
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("state", "State", state_of, kind="badge"),
        Column("risk", "Risk", labelled("risk", Risk)),
        Column("kind", "How long", labelled("kind", AccessRequest.Kind), wide=True),
        Column("reason", "Reason", "reason", wide=True),
        Column("by", "Asked by", "requested_by.display_name", wide=True),
        Column("created", "Asked", "created_at", kind="time", sort="pk"),
        Column("answer_by", "Answer by", "answer_by", kind="time"),
        Column("decided", "Decided", "decided_at", kind="time", shown=False),
        Column("answer", "Answer", "answer", shown=False),
        Column("task", "Task", "task.purpose", shown=False),
    ),
    order="-created",
    bulk_actions=(
        BulkAction("Approve", "reviews:requests-approve", "check"),
        BulkAction("Refuse", "reviews:requests-refuse", "x", True),
    ),
    empty=Empty(
        "No requests yet",
        "Agents' platforms ask over the API; people ask on an identity's page.",
        icon="hand",
    ),
)
