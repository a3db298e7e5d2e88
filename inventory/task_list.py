"""The list of tasks: its filters and columns, for page, export and API."""

import django_filters
from django.db.models import Q
from django.utils import timezone

from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.listing import Empty, Listing
from inventory.models import Identity, Risk, Task
from inventory.models.task import open_task_q
from inventory.noun_columns import IDENTITY
from inventory.search import holds

STATES = dict(Task.Status.choices)


def state_of(task: Task) -> str:
    return STATES[task.state(timezone.now())]


class TaskStateFilter(ManyFilter):
    """By the state at this moment: a task whose time is over is so before a job has written it down."""

    def filter(self, qs: Rows, value: list[str]) -> Rows:
        if not value:
            return qs
        at = timezone.now()
        over = ~open_task_q(at) & Q(status=Task.Status.OPEN)
        found = Q(pk__in=[])
        for state in value:
            found |= open_task_q(at) if state == Task.Status.OPEN else Q(status=state)
            if state == Task.Status.OVERDUE:
                found |= over & Q(deadline__lte=at)
            elif state == Task.Status.SILENT:
                found |= over & Q(silent_at__lte=at, deadline__gt=at)
        return qs.filter(found)


class TaskFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Purpose or name of the identity"
    )
    state = TaskStateFilter(label="State", choices=Task.Status.choices)
    risk = ManyFilter(choices=Risk.choices)
    identity = KeyFilter(label="Identity")
    person = KeyFilter(field_name="on_behalf_of", label="On behalf of")

    class Meta:
        model = Task
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id"))
        return rows.filter(Q(purpose__icontains=value) | Q(identity__in=named.values("pk")))


TASKS = Listing(
    title="Tasks",
    singular="task",
    plural="tasks",
    intro="Bounded pieces of work. What was granted for one ends with it.",
    columns=(
        Column("purpose", "Purpose", "purpose", kind="link", url="inventory:task-detail"),
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("state", "State", state_of, kind="badge"),
        Column("risk", "Risk", labelled("risk", Risk)),
        Column("person", "On behalf of", "on_behalf_of", kind="person", wide=True, empty="Nobody"),
        Column("opened", "Opened", "opened_at", kind="time", sort="pk"),
        Column("deadline", "Deadline", "deadline", kind="time"),
        Column("ended", "Ended", "ended_at", kind="time", wide=True),
        Column("outcome", "Outcome", "outcome", shown=False),
        Column("reference", "Reference", "reference", kind="code", shown=False),
        Column("by", "Opened by", "opened_by", shown=False),
    ),
    order="-opened",
    empty=Empty(
        "No tasks yet",
        "A platform opens a task over the API before its agent works; you can open one on an identity's page.",
        icon="clipboard-list",
    ),
)
