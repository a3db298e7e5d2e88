"""Tasks: the list, one task with all that hangs on it, opening and ending."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup, panels, task_life
from inventory.listing import listing
from inventory.models import Change, Delegation, Grant, Identity, Task, User
from inventory.noun_columns import IDENTITY
from inventory.task_forms import EndTaskForm, OpenTaskForm
from inventory.task_list import STATES, TASKS, TaskFilter
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, user_of
from inventory.views.identity_facts import person_link

SHOWN = 100


@require_GET
def task_list(request: HttpRequest) -> HttpResponseBase:
    rows = access.visible_to(user_of(request), _rows())
    return listing(request, TaskFilter(request.GET, rows, request=request), TASKS)


@require_GET
def task_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    task = _seen(user, pk)
    hanging = Grant.objects.filter(task=task).select_related("entitlement__system", "task")
    delegations = Delegation.objects.filter(task=task).select_related(
        "delegate", "delegator_person", "delegator_identity"
    )
    context = {
        "task": task,
        "now": at,
        "badges": [markup.badge(STATES[task.state(at)])],
        "actions": _actions(user, task, at),
        "facts": _facts(task, at),
        "grants": [(grant, grant.state(at)) for grant in hanging.order_by("pk")[:SHOWN]],
        "delegations": [(each, each.state(at)) for each in delegations.order_by("pk")[:SHOWN]],
        "targets": list(task.targets.select_related("system", "resource")),
        "events": timeline.events(Change.objects.of(task)[:50]),
        "slots": panels.slots(task, user),
    }
    return render(request, "inventory/task_detail.html", context)


@require_http_methods(["GET", "POST"])
def task_open(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = get_object_or_404(access.visible_to(user, Identity.objects.all()), pk=pk)
    access.require(user, "open_task", identity)
    form = bound(OpenTaskForm, request)
    text = f"What is {identity.name} to do? Access that is granted for the task ends with it."
    question = Question("Open task", text, "Open task", reverse(IDENTITY, args=[pk]))

    def do() -> str:
        task = task_life.open_task(identity, work=form.work(at), by=user, at=at)
        return f"Task {task.pk} is open until {task.deadline:%d %b %Y, %H:%M} UTC."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def task_end(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    task = _seen(user, pk)
    access.require(user, "open_task", task)
    form = bound(EndTaskForm, request, how=Task.Status.DONE)
    hanging = Grant.objects.in_force(at).filter(task=task).count()
    text = f"Everything that hangs on it ends at this moment: {hanging} grants in force."
    question = Question("End task", text, "End task", _page(pk), danger=True)

    def do() -> str:
        given = form.cleaned_data
        ended = task_life.end_task(task, how=given["how"], by=user, at=at, outcome=given["outcome"])
        return (
            f"The task is {ended.task.get_status_display().lower()}."
            f" Ended with it: {ended.grants} grants, {ended.delegations} delegations."
        )

    return act(request, form, question, do)


def _rows() -> QuerySet[Task]:
    return Task.objects.select_related("identity__owner", "on_behalf_of")


def _seen(user: User, pk: int) -> Task:
    return get_object_or_404(access.visible_to(user, _rows()), pk=pk)


def _actions(user: User, task: Task, at: datetime) -> list[dict[str, object]]:
    offered = panels.actions(task, user, at)
    if not task.is_open(at) or not access.may(user, "open_task", task):
        return offered
    end = reverse("inventory:task-end", args=[task.pk])
    return [
        *offered,
        {"label": "End task", "url": end, "icon": "square", "danger": True, "dialog": True},
    ]


def _facts(task: Task, at: datetime) -> list[tuple[str, object]]:
    beat = task.heartbeat_every
    return [
        ("Identity", markup.link(markup.address(IDENTITY)(task.identity_id), task.identity.name)),
        ("Owner", person_link(task.identity.owner)),
        ("On behalf of", person_link(task.on_behalf_of)),
        ("Risk", markup.badge(task.get_risk_display())),
        ("Opened", markup.when(task.opened_at, at)),
        ("Opened by", task.opened_by),
        ("Deadline", markup.when(task.deadline, at)),
        (
            "Heartbeat",
            f"every {beat.total_seconds() / 60:.0f} min"
            if beat
            else "None; only the deadline counts",
        ),
        ("Silent", markup.when(task.silent_at, at)),
        ("Ended", markup.when(task.ended_at, at)),
        ("Outcome", task.outcome),
        ("Reference", task.reference),
    ]


def _page(pk: int) -> str:
    return reverse("inventory:task-detail", args=[pk])
