"""What agents did, on the pages of an identity and of a task."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access
from inventory.models import Task
from inventory.views.answers import user_of
from inventory.views.identities import seen_identity
from runtime import call_ends, cover_report, intent, privilege_path, seeing
from runtime.call_list import where

SHOWN = 10


@require_GET
def identity_activity(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    seen = seeing.calls(user)
    calls = seen.filter(identity=identity).order_by("-started_at", "-pk")
    shown = call_ends.once(list(calls[: 2 * SHOWN]), calls)[:SHOWN]
    tallies = cover_report.recent(seeing.tallies(user), at).filter(identity=identity)
    context = {
        "identity": identity,
        "calls": [
            (call, where(call), call_ends.other_end(call), call_ends.told_by(call))
            for call in call_ends.marked(shown, seen)
        ],
        "share": cover_report.share(tallies),
        "deviations": seeing.deviations(user).filter(identity=identity, triaged_at=None)[:5],
        "steps": privilege_path.of(identity, at)[:SHOWN],
        "window": cover_report.WINDOW.days,
        "now": at,
    }
    return _panel(request, "identity_activity", context)


@require_GET
def task_activity(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    task = get_object_or_404(access.visible_to(user, Task.objects.all()), pk=pk)
    context = {"task": task, "intent": intent.of_task(task, at), "now": at}
    return _panel(request, "task_activity", context)


@require_GET
def identity_privileges(request: HttpRequest, pk: int) -> HttpResponse:
    """What it gained and lost over time, newest first: grants, delegations, tier, and first uses."""
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    context = {"identity": identity, "steps": privilege_path.of(identity, at), "now": at}
    return render(request, "runtime/identity_privileges.html", context)


def _panel(request: HttpRequest, name: str, context: dict[str, object]) -> HttpResponse:
    """The inside of a panel for htmx; a page of its own otherwise."""
    part = bool(getattr(request, "htmx", False))
    return render(request, f"runtime/{'_' if part else ''}{name}.html", context)
