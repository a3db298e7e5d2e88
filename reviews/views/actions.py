"""Single actions that wait for a person: the list, one action, the answer."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup
from inventory.forms import PlainReasonForm, ReasonForm
from inventory.listing import listing
from inventory.models import Change, User
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, user_of
from reviews import action_approvals
from reviews.action_list import ACTIONS, IDENTITY, ActionFilter, state_of
from reviews.models import ActionApproval


@require_GET
def action_list(request: HttpRequest) -> HttpResponseBase:
    rows = action_approvals.visible_to(user_of(request)).select_related("identity", "tool")
    return listing(request, ActionFilter(request.GET, rows, request=request), ACTIONS)


@require_GET
def action_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    approval = _seen(user, pk)
    context = {
        "approval": approval,
        "title": f"{approval.tool.name} by {approval.identity}",
        "badges": [markup.badge(state_of(approval))],
        "actions": _actions(user, approval),
        "facts": _facts(approval),
        "arguments": list(approval.arguments.items()),
        "differences": action_approvals.differences(approval),
        "events": timeline.events(Change.objects.of(approval)[:50]),
        "now": at,
    }
    return render(request, "reviews/action_detail.html", context)


@require_http_methods(["GET", "POST"])
def action_approve(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    approval = _seen(user, pk)
    access.require_decider(user)
    form = bound(PlainReasonForm, request)
    text = "It may be done once, with exactly these arguments. Anything else asks again."
    question = Question("Approve action", text, "Approve once", _page(pk))

    def do() -> str:
        given = form.cleaned_data["reason"]
        action_approvals.answer(approval, approved=True, by=user, reason=given, at=timezone.now())
        return "Approved, once."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def action_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    approval = _seen(user, pk)
    access.require_decider(user)
    form = bound(ReasonForm, request)
    question = Question(
        "Refuse action", "The agent may not do it.", "Refuse", _page(pk), danger=True
    )

    def do() -> str:
        given = form.cleaned_data["reason"]
        action_approvals.answer(approval, approved=False, by=user, reason=given, at=timezone.now())
        return "Refused."

    return act(request, form, question, do)


def _seen(user: User, pk: int) -> ActionApproval:
    rows = action_approvals.visible_to(user).select_related(
        "identity__owner", "tool", "task__on_behalf_of", "asked_by__person", "decided_by"
    )
    return get_object_or_404(rows, pk=pk)


def _actions(user: User, approval: ActionApproval) -> list[dict[str, object]]:
    if not action_approvals.waits_for(user, timezone.now()).filter(pk=approval.pk).exists():
        return []
    offers = [("Approve once", "action-approve", "check"), ("Refuse", "action-refuse", "x")]
    return [
        {
            "label": label,
            "url": reverse(f"reviews:{name}", args=[approval.pk]),
            "icon": icon,
            "primary": name == "action-approve",
            "danger": name == "action-refuse",
            "dialog": True,
        }
        for label, name, icon in offers
    ]


def _facts(approval: ActionApproval) -> list[tuple[str, object]]:
    at, task = timezone.now(), approval.task
    task_link = (
        markup.link(reverse("inventory:task-detail", args=[task.pk]), task.purpose)
        if task
        else None
    )
    return [
        (
            "Identity",
            markup.link(markup.address(IDENTITY)(approval.identity_id), approval.identity),
        ),
        ("Tool", approval.tool),
        ("Target", approval.target),
        ("Task", task_link),
        ("Risk", markup.badge(approval.get_risk_display())),
        ("Asked by", approval.asked_by.display_name),
        ("Asked", markup.when(approval.asked_at, at)),
        ("Holds until", markup.when(approval.expires_at, at)),
        ("Decided by", approval.decided_by.display_name if approval.decided_by else None),
        ("Decided", markup.when(approval.decided_at, at)),
        ("Used", markup.when(approval.used_at, at)),
        ("Digest of the arguments", approval.arguments_digest[:16]),
    ]


def _page(pk: int) -> str:
    return reverse("reviews:action-detail", args=[pk])
