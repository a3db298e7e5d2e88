"""Coverage: how much of what is called an explicit rule covers, and the rule that is missing."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from inventory import access
from inventory.models import Identity, User
from inventory.rules import RuleBroken
from inventory.views.answers import user_of
from inventory.views.identities import seen_identity
from runtime import cover_report, rule_writing, seeing
from runtime.views.calls import activity_links


@require_GET
def cover(request: HttpRequest) -> HttpResponse:
    """Of all that the user sees, or of one identity (`?identity=`)."""
    user, at = user_of(request), timezone.now()
    identity = _asked(request, user)
    rows = cover_report.recent(seeing.tallies(user), at)
    context: dict[str, object] = {
        "identity": identity,
        "actions": activity_links("runtime:cover"),
        "window": cover_report.WINDOW.days,
        "shown": cover_report.SHOWN,
        "may_write": access.changes_all(user),
        "now": at,
    }
    if identity is None:
        context["by_identity"] = cover_report.by_identity(rows)
    else:
        rows = rows.filter(identity=identity)
        grants, bindings = cover_report.never_called(identity, at)
        context |= {"unused_grants": grants, "unused_tools": bindings}
    context |= {"share": cover_report.share(rows), "uncovered": cover_report.uncovered(rows)}
    return render(request, "runtime/cover.html", context)


@require_POST
def identity_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Drafts the missing rule and leads to it, where it is tested and replayed before it decides."""
    user = user_of(request)
    identity = seen_identity(user, pk)
    try:
        version = rule_writing.draft_for(identity, by=user, at=timezone.now())
    except RuleBroken as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('runtime:cover')}?identity={pk}")
    messages.success(request, "Drafted. Replay it over the last days before it is made live.")
    return redirect("runtime:policy-version", version.pk)


def _asked(request: HttpRequest, user: User) -> Identity | None:
    key = request.GET.get("identity", "")
    return seen_identity(user, int(key)) if key.isdecimal() and len(key) < 19 else None
