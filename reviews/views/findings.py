"""Findings: the list, one finding, the findings of an identity."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access, markup, panels
from inventory.listing import listing
from inventory.models import Change, Identity
from inventory.views import timeline
from inventory.views.answers import user_of
from reviews import findings
from reviews.checks import CHECKS
from reviews.columns import FINDINGS, STATES, title_of
from reviews.evidence import in_words
from reviews.filters import FindingFilter
from reviews.models import Finding
from reviews.subject_links import subject_link

SHOWN = 20


@require_GET
def finding_list(request: HttpRequest) -> HttpResponseBase:
    """Without a question in the address: what is open."""
    if not request.GET:
        return redirect(f"{reverse('reviews:finding-list')}?state={Finding.Status.OPEN}")
    user = user_of(request)
    rows = findings.visible_to(user).select_related("identity__owner", "assignee")
    asked = FindingFilter(request.GET, rows, request=request)
    return listing(request, asked, FINDINGS, bulk=access.changes_all(user))


@require_GET
def finding_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    rows = findings.visible_to(user).select_related("identity__owner", "assignee")
    finding = get_object_or_404(rows, pk=pk)
    state = finding.state(at)
    context = {
        "finding": finding,
        "title": title_of(finding),
        "check": CHECKS.get(finding.check_id),
        "now": at,
        "badges": [markup.severity(finding.severity), markup.badge(STATES[state])],
        "facts": _facts(finding),
        "evidence": in_words(finding.evidence, at),
        "waivers": list(finding.waivers.select_related("author")),
        "events": timeline.events(Change.objects.of(finding)[:50]),
        "may_change": access.changes_all(user) and state != Finding.Status.RESOLVED,
        "is_open": state == Finding.Status.OPEN,
        "slots": panels.slots(finding, user),
    }
    return render(request, "reviews/finding_detail.html", context)


@require_GET
def identity_findings(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel on an identity's page; a page of its own without htmx."""
    user, at = user_of(request), timezone.now()
    identity = get_object_or_404(access.visible_to(user, Identity.objects.all()), pk=pk)
    rows = Finding.objects.filter(identity=identity).open(at).order_by("-severity", "-pk")
    shown = [(finding, title_of(finding)) for finding in rows[:SHOWN]]
    part = bool(getattr(request, "htmx", False))
    template = "reviews/_identity_findings.html" if part else "reviews/identity_findings.html"
    return render(request, template, {"identity": identity, "findings": shown, "now": at})


def _facts(finding: Finding) -> list[tuple[str, object]]:
    at = timezone.now()
    identity = finding.identity
    address = markup.address("inventory:identity-detail")
    return [
        ("Identity", markup.link(address(identity.pk), identity) if identity else None),
        ("Owner", identity.owner if identity else None),
        ("Subject", subject_link(finding.subject)),
        ("First seen", markup.when(finding.first_seen_at, at)),
        ("Opened", markup.when(finding.opened_at, at)),
        ("Until", markup.when(finding.until, at)),
        ("Resolved", markup.when(finding.resolved_at, at)),
        ("Assigned to", finding.assignee.display_name if finding.assignee else "Nobody"),
    ]
