"""Pages of the reports: all of them, making some, one with its file, and deleting it."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from frameworks import report_life, report_now, report_writing, seeing
from frameworks.models import Assessment, Report
from frameworks.report_columns import REPORTS, ReportFilter, size_of
from frameworks.report_files import answer_with
from frameworks.report_forms import ReportForm
from frameworks.reports import verify_guide
from frameworks.reports.formats import FORMATS
from inventory import access, markup
from inventory.forms import ReasonForm
from inventory.listing import listing
from inventory.models import User
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, bound, evidence_readers_only, user_of

_SHOWN_AT_WORK = 20


@require_GET
def report_list(request: HttpRequest) -> HttpResponseBase:
    user = evidence_readers_only(request)
    rows = seeing.reports(user, Report.objects.select_related("assessment"))
    new = {"label": "Make a report", "url": reverse("frameworks:report-new"), "icon": "file-plus"}
    context = {"actions": [{**new, "primary": True}], "reports": _at_work(user)}
    return listing(
        request, ReportFilter(request.GET, rows, request=request), REPORTS, context=context
    )


@require_http_methods(["GET", "POST"])
def report_new(request: HttpRequest) -> HttpResponse:
    user = evidence_readers_only(request)
    seen = seeing.assessments(user, Assessment.objects.done())
    newest = seen.order_by("-number").first()
    first = request.GET.get("assessment") or (newest.pk if newest else None)
    form = bound(ReportForm, request, assessment=first, formats=["pdf", "xlsx"])
    form.offer(seen)
    if form.is_bound and form.is_valid():
        chosen, at = form.cleaned_data, timezone.now()
        try:
            made = report_now.start(chosen["assessment"], chosen["formats"], by=user, at=at)
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            return redirect(_after(made))
    status = 422 if form.is_bound else 200
    context = {"form": form, "nothing": newest is None}
    return render(request, "frameworks/report_form.html", context, status=status)


@require_GET
def report_status(request: HttpRequest) -> HttpResponse:
    """How far those being made are; once one more is done, the page that waits reloads."""
    user = evidence_readers_only(request)
    if not getattr(request, "htmx", False):
        return redirect("frameworks:report-list")
    reports, before = _at_work(user), request.GET.get("before", "")
    if before.isdecimal() and len(reports) < int(before):
        return HttpResponseClientRefresh()
    return render(request, "frameworks/_report_status.html", {"reports": reports})


@require_GET
def report_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user = evidence_readers_only(request)
    report = _report(user, pk)
    context = {
        "report": report,
        "kind": FORMATS[report.format],
        "badge": markup.badge(report.get_state_display()),
        "facts": _facts(report),
        "reports": [report] if report.is_at_work else [],
        "proof": _proof(report),
        "may_delete": access.changes_all(user) and not report.is_at_work and not report.ended_at,
    }
    return render(request, "frameworks/report_detail.html", context)


@require_GET
def report_download(request: HttpRequest, pk: int) -> FileResponse | HttpResponse:
    user = evidence_readers_only(request)
    report = _report(user, pk)
    if report.ended_at is not None or report.is_at_work:
        raise Http404("There is no file.")
    try:
        return answer_with(report, by=user, at=timezone.now())
    except RuleBroken as error:
        messages.error(request, str(error))
        return redirect("frameworks:report-detail", pk)


@require_http_methods(["GET", "POST"])
def report_delete(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    access.require_security(user)
    report = _report(user, pk)
    form = bound(ReasonForm, request)
    text = "The file goes for good. That it was made, and why it was deleted, stays in the history."
    back = reverse("frameworks:report-detail", args=[pk])
    question = Question(f"Delete {report}", text, "Delete", back, danger=True)

    def do() -> str:
        report_life.delete(report, by=user, reason=form.cleaned_data["reason"], at=at)
        return "The file was deleted."

    return act(request, form, question, do)


def _after(made: list[Report]) -> str:
    """One report has its page; several are seen together."""
    if len(made) == 1:
        return reverse("frameworks:report-detail", args=[made[0].pk])
    return f"{reverse('frameworks:report-list')}?assessment={made[0].assessment_id}"


def _at_work(user: User) -> list[Report]:
    rows = Report.objects.at_work().select_related("assessment").order_by("pk")
    return list(seeing.reports(user, rows)[:_SHOWN_AT_WORK])


def _report(user: User, pk: int) -> Report:
    return get_object_or_404(
        seeing.reports(user, Report.objects.select_related("assessment")), pk=pk
    )


def _proof(report: Report) -> dict[str, object] | None:
    """How to verify a bundle, and with which key."""
    if not report.key_id:
        return None
    return {
        "sums": verify_guide.COMMANDS[0],
        "signature": verify_guide.COMMANDS[1],
        "fingerprint": report_writing.fingerprint_of(report.key_id, timezone.now()),
    }


def _assessment(report: Report) -> str:
    return reverse("frameworks:assessment-detail", args=[report.assessment_id])


def _facts(report: Report) -> list[tuple[str, object]]:
    at = timezone.now()
    facts = [
        ("Assessment", markup.link(_assessment(report), report.assessment.title)),
        ("Number", report.assessment.number),
        ("Facts as of", markup.when(report.assessment.facts_at, at)),
        ("Asked for by", report.author),
        ("Asked for", markup.when(report.asked_at, at)),
        ("Made", markup.when(report.made_at, at)),
        ("Size", size_of(report)),
        ("Kept until", markup.when(report.expires_at, at)),
        ("Downloads", f"{report.downloads:,}"),
    ]
    if report.ended_at:
        facts += [
            ("Deleted", markup.when(report.ended_at, at)),
            ("Deleted by", report.ended_by),
            ("Why", report.ended_why),
        ]
    return facts
