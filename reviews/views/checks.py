"""Checks: what each said last, why it matters, and its settings."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from inventory import access
from inventory.views.answers import Question, act, readers_only, user_of
from reviews import parameters, sweep_now
from reviews.check import Check
from reviews.checks import configured
from reviews.forms import CheckForm
from reviews.models import CheckRun, SweepRun

TREND = 30


@require_GET
def check_list(request: HttpRequest) -> HttpResponse:
    user = readers_only(request)
    last = CheckRun.objects.order_by("check_id", "-at", "-pk").distinct("check_id")
    runs = {run.check_id: run for run in last}
    context = {
        "checks": [(check, runs.get(check.id)) for check in configured()],
        "may_change": access.changes_all(user),
        **_progress(SweepRun.objects.exclude(trigger=SweepRun.Trigger.TARGETED).first()),
    }
    return render(request, "reviews/check_list.html", context)


@require_GET
def check_detail(request: HttpRequest, check_id: str) -> HttpResponse:
    user, check = readers_only(request), _check(check_id)
    runs = list(CheckRun.objects.filter(check_id=check_id).order_by("-at", "-pk")[:TREND])
    settings_url = reverse("reviews:check-settings", args=[check_id])
    change = {"label": "Settings", "url": settings_url, "icon": "settings", "dialog": True}
    context = {
        "check": check,
        "runs": runs,
        "trend": [run.failed for run in reversed(runs)],
        "settings": [
            (parameter.label, parameter.shown(check.decided.get(parameter.name, parameter.default)))
            for parameter in check.parameters()
        ],
        "actions": [change] if access.changes_all(user) else [],
        "now": timezone.now(),
    }
    return render(request, "reviews/check_detail.html", context)


@require_http_methods(["GET", "POST"])
def check_settings(request: HttpRequest, check_id: str) -> HttpResponse:
    user, check = user_of(request), _check(check_id)
    access.require_security(user)
    form = CheckForm(check, request.POST if request.method == "POST" else None)
    back = reverse("reviews:check-detail", args=[check_id])

    def do() -> str:
        given = {name: value for name, value in form.cleaned_data.items() if name != "reason"}
        changed = parameters.change(
            check_id, check.parameters(), given, by=user, reason=form.cleaned_data["reason"]
        )
        return "Saved. The next sweep judges by it." if changed else "Nothing was different."

    return act(request, form, Question("Settings of the check", check.title, "Save", back), do)


@require_POST
def sweep_start(request: HttpRequest) -> HttpResponse:
    run = sweep_now.start(by=user_of(request), at=timezone.now())
    if run.error:
        messages.error(request, run.error)
    return redirect("reviews:check-list")


@require_GET
def sweep_status(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress of one sweep, for the page that waits for it; once it is over the page reloads."""
    readers_only(request)
    run = get_object_or_404(SweepRun, pk=pk)
    if not getattr(request, "htmx", False):
        return redirect("reviews:check-list")
    if run.is_over:
        return HttpResponseClientRefresh()
    return render(request, "reviews/_sweep_status.html", _progress(run))


def _progress(run: SweepRun | None) -> dict[str, object]:
    """What _sweep_status.html reads; `done` and `whole` count checks."""
    done = run.progress.split(" ", 1)[0] if run and run.progress else "0"
    whole = sum(1 for check in configured() if check.enabled) if run and not run.is_over else 0
    return {"sweep": run, "done": int(done), "whole": whole, "now": timezone.now()}


def _check(check_id: str) -> Check:
    for check in configured():
        if check.id == check_id:
            return check
    raise Http404("There is no such check.")
