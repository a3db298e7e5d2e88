"""Decisions: the list, one decision, and those of an identity or a task."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access, markup
from inventory.listing import listing
from inventory.models import Identity, Task
from inventory.views.answers import user_of
from inventory.views.identity_facts import person_link
from runtime import decision_list
from runtime.decision_list import (
    DECISIONS,
    IDENTITY,
    REASON_WORDS,
    DecisionFilter,
    outcome_of,
    resource_of,
)
from runtime.models import Decision, ToolCall

SHOWN = 10
DAY = timedelta(days=1)


@require_GET
def decision_list_page(request: HttpRequest) -> HttpResponseBase:
    rows = decision_list.shown(user_of(request))
    return listing(request, DecisionFilter(request.GET, rows, request=request), DECISIONS)


@require_GET
def decision_detail(request: HttpRequest, pk: str) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    key = decision_list.key_of(pk)
    if key is None:
        raise Http404("There is no such decision.")
    rows = decision_list.shown(user).select_related("identity__owner", "on_behalf_of")
    decision = get_object_or_404(rows, pk=key)
    context = {
        "decision": decision,
        "title": f"{decision.action} on {resource_of(decision)}",
        "badges": [markup.badge(outcome_of(decision))],
        "facts": _facts(decision, at),
        "proof": _proof(decision),
        "chain": _chain(decision),
        "calls": _calls(decision),
        "context": [(name, value) for name, value in sorted(decision.context.items())],
        "sees_policies": access.sees_all(user),
        "now": at,
    }
    return render(request, "runtime/decision_detail.html", context)


@require_GET
def identity_decisions(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel on an identity's page; a page of its own without htmx."""
    identity = get_object_or_404(access.visible_to(user_of(request), Identity.objects.all()), pk=pk)
    rows = decision_list.shown(user_of(request)).filter(identity=pk)
    return _panel(request, rows, {"noun": "identity", "row": identity, "name": identity.name})


@require_GET
def task_decisions(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel on a task's page; a page of its own without htmx."""
    task = get_object_or_404(access.visible_to(user_of(request), Task.objects.all()), pk=pk)
    rows = decision_list.shown(user_of(request)).filter(task=pk)
    return _panel(request, rows, {"noun": "task", "row": task, "name": task.purpose})


def _panel(
    request: HttpRequest, rows: QuerySet[Decision], about: Mapping[str, object]
) -> HttpResponse:
    part = bool(getattr(request, "htmx", False))
    template = "runtime/_decision_table.html" if part else "runtime/decision_panel.html"
    decisions = [
        (row, outcome_of(row), resource_of(row), REASON_WORDS.get(row.reason_code, row.reason_code))
        for row in rows.order_by("-pk")[:SHOWN]
    ]
    context = {**about, "decisions": decisions, "now": timezone.now()}
    return render(request, template, context)


def _facts(decision: Decision, at: datetime) -> list[tuple[str, object]]:
    return [
        ("Who", _who(decision)),
        ("Owner", person_link(decision.identity.owner) if decision.identity else None),
        ("Action", decision.action),
        ("Resource", resource_of(decision)),
        ("As asked", f"{decision.resource_type} {decision.resource_id}"),
        ("Task", _task(decision)),
        ("On behalf of", person_link(decision.on_behalf_of)),
        ("Asked", markup.when(decision.made_at, at)),
        ("Asked by", decision.asked_by),
    ]


def _proof(decision: Decision) -> list[tuple[str, object]]:
    return [
        ("Mode", decision.get_mode_display()),
        ("Time taken", f"{decision.latency_us / 1000:.2f} ms"),
        ("Digest of the context", decision.context_digest),
        ("Decision", str(decision.pk)),
    ]


def _calls(decision: Decision) -> list[ToolCall]:
    """What was then done with this answer, as it was reported."""
    if decision.identity_id is None:
        return []
    after = ToolCall.objects.filter(
        identity=decision.identity_id, decision_id=decision.pk,
        started_at__gte=decision.made_at - DAY, started_at__lt=decision.made_at + DAY,
    )  # fmt: skip
    return list(after.order_by("started_at")[:SHOWN])


def _who(decision: Decision) -> object:
    if decision.identity is None:
        return f"{decision.subject_type}: {decision.subject_id}"
    return markup.link(markup.address(IDENTITY)(decision.identity_id), decision.identity.name)


def _task(decision: Decision) -> object:
    if decision.task is None:
        return None
    address = markup.address("inventory:task-detail")
    return markup.link(address(decision.task_id), decision.task.purpose)


def _chain(decision: Decision) -> list[str]:
    """From the first to whoever asked, as the caller told it."""
    told: Any = decision.context.get("chain")  # Any: JSON
    return [str(one) for one in told] if isinstance(told, list) else []
