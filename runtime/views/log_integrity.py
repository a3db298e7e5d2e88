"""Log integrity: what is sealed, what is kept and for how long, what ingest leaves out; and comparing it on request."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from inventory.views.answers import readers_only, user_of
from runtime import integrity, redaction, verify_now
from runtime.models import Verification

PAGE = "runtime:log-integrity"


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    readers_only(request)
    context = {
        "standings": integrity.standings(),
        "verification": Verification.objects.first(),
        "kept_days": settings.TOOL_CALL_DAYS,
        "oldest": integrity.oldest_kept(),
        "secret_words": redaction.SECRET_WORDS,
        "secret_names": sorted(redaction.SECRET_NAMES),
        "kept_text": redaction.KEPT_TEXT,
        "kept_items": redaction.KEPT_ITEMS,
        "kept_depth": redaction.KEPT_DEPTH,
        "now": timezone.now(),
    }
    return render(request, "runtime/log_integrity.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    run = verify_now.start(by=user_of(request), at=timezone.now())
    if run.error:
        messages.error(request, run.error)
    return redirect(PAGE)


@require_GET
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress of one comparison, for the page that waits for it; once it is over the page reloads."""
    readers_only(request)
    run = get_object_or_404(Verification, pk=pk)
    if not getattr(request, "htmx", False):
        return redirect(PAGE)
    if not run.is_at_work:
        return HttpResponseClientRefresh()
    context = {"verification": run, "now": timezone.now()}
    return render(request, "runtime/_verification_status.html", context)
