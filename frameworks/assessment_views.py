"""Assessments: the list, a new one, and the pages of one: frameworks, a control, a check with its rows."""

from itertools import islice

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from frameworks import assess_now, comments, csv_lines, schedule, seeing, snapshots
from frameworks.assessment_columns import ASSESSMENTS, AssessmentFilter
from frameworks.assessment_forms import AssessmentForm, ScheduleForm
from frameworks.assessment_words import organisation
from frameworks.assessments import scope_of
from frameworks.models import AssessedControl, AssessedFramework, Assessment, AssessmentProgress
from frameworks.results import State
from frameworks.snapshot import ControlState, EvidenceRow
from inventory import access, markup
from inventory.listing import listing
from inventory.models import User
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, bound, evidence_readers_only, user_of

SHOWN = 200
_HEAD = ("subject", "name", "identity", "answer", "severity", "status", "since", "until")


@require_GET
def assessment_list(request: HttpRequest) -> HttpResponseBase:
    user = evidence_readers_only(request)
    rows = seeing.assessments(user, Assessment.objects.all())
    asked = AssessmentFilter(request.GET, rows, request=request)
    compare = _action("Compare two", "assessment-compare", "arrow-left-right")
    change = [
        {**_action("Schedule", "assessment-schedule", "calendar-clock"), "dialog": True},
        {**_action("Assess now", "assessment-new", "clipboard-check"), "primary": True},
    ]
    actions = [compare, *(change if access.changes_all(user) else [])]
    return listing(request, asked, ASSESSMENTS, context={"actions": actions})


@require_http_methods(["GET", "POST"])
def assessment_new(request: HttpRequest) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    access.require_security(user)
    form = AssessmentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(_page(assess_now.start(**form.cleaned_data, by=user, at=at)))
        except RuleBroken as error:
            form.add_error(None, str(error))
    status = 422 if request.method == "POST" else 200
    return render(request, "frameworks/assessment_form.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
def assessment_schedule(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    form = bound(ScheduleForm, request, days=schedule.every_days(), organisation=organisation())
    text = "Assessments of everything are then made by themselves."
    question = Question(
        "Schedule of assessments", text, "Save", reverse("frameworks:assessment-list")
    )

    def do() -> str:
        given = form.cleaned_data
        changed = schedule.decide(
            days=given["days"], name=given["organisation"], by=user, reason=given["reason"]
        )
        return "Saved." if changed else "Nothing was different."

    return act(request, form, question, do)


@require_GET
def assessment_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = evidence_readers_only(request), timezone.now()
    assessment = get_object_or_404(seeing.assessments(user, Assessment.objects.all()), pk=pk)
    context: dict[str, object] = {
        "assessment": assessment,
        "badges": [markup.badge(assessment.get_status_display())],
        "now": at,
        **_progress(assessment),
    }
    if assessment.status == Assessment.Status.DONE:
        context |= _told(assessment, user)
    return render(request, "frameworks/assessment_detail.html", context)


@require_GET
def assessment_status(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress, for the page that waits for it; once it is over the page reloads."""
    user = evidence_readers_only(request)
    assessment = get_object_or_404(seeing.assessments(user, Assessment.objects.all()), pk=pk)
    if not getattr(request, "htmx", False):
        return redirect(_page(assessment))
    if assessment.is_over:
        return HttpResponseClientRefresh()
    context = {"assessment": assessment, **_progress(assessment)}
    return render(request, "frameworks/_assessment_status.html", context)


@require_GET
def assessment_framework(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    assessment = _done(evidence_readers_only(request), pk)
    row = get_object_or_404(assessment.frameworks, key=key)
    state = request.GET.get("state", "")
    if state and state not in State.__members__.values():
        raise Http404("There is no such answer.")
    controls = row.controls.filter(is_heading=False)
    context = {
        "assessment": assessment,
        "framework": row,
        "controls": [_shown(one) for one in (controls.filter(state=state) if state else controls)],
        "state": state,
        "states": list(State),
        "facts": _framework_facts(row),
    }
    return render(request, "frameworks/assessment_framework.html", context)


@require_GET
def assessment_control(request: HttpRequest, pk: int, key: str, control_id: str) -> HttpResponse:
    user = evidence_readers_only(request)
    assessment = _done(user, pk)
    row = get_object_or_404(assessment.frameworks, key=key)
    control = snapshots.control_state(
        get_object_or_404(row.controls, control_id=control_id, is_heading=False)
    )
    checks = {one.check_id: snapshots.check_state(one) for one in snapshots.checks_of(assessment)}
    context = {
        "assessment": assessment,
        "framework": row,
        "control": control,
        "mapped": [(one, checks.get(one.check_id)) for one in control.mapped],
        "facts": _framework_facts(row),
        "sees_controls": access.sees_all(user),
        "now": timezone.now(),
    }
    return render(request, "frameworks/assessment_control.html", context)


@require_GET
def assessment_check(request: HttpRequest, pk: int, check_id: str) -> HttpResponseBase:
    """What one check said, and the rows behind it; `?export=csv` gives all of them."""
    assessment = _done(evidence_readers_only(request), pk)
    check = get_object_or_404(snapshots.checks_of(assessment), check_id=check_id)
    rows = snapshots.AssessedRows(assessment).evidence(check_id)
    if request.GET.get("export") == "csv":
        name = f"assessment-{assessment.number}-{check_id}"
        return csv_lines.answer(name, _HEAD, map(_line, rows))
    context = {
        "assessment": assessment,
        "check": snapshots.check_state(check),
        "rows": list(islice(rows, SHOWN)),
        "shown": SHOWN,
        "controls": _touched(assessment, check_id),
        "now": timezone.now(),
    }
    return render(request, "frameworks/assessment_check.html", context)


def _done(user: User, pk: int) -> Assessment:
    return get_object_or_404(seeing.assessments(user, Assessment.objects.done()), pk=pk)


def _told(assessment: Assessment, user: User) -> dict[str, object]:
    """What a finished one shows."""
    checks = [snapshots.check_state(one) for one in snapshots.checks_of(assessment)]
    seen = seeing.assessments(user, Assessment.objects.all())
    before = seen.filter(uid=assessment.before).first() if assessment.before else None
    frameworks = list(assessment.frameworks.all())
    return {
        "facts": _facts(assessment),
        "frameworks": frameworks,
        "kinds": {one.key: one.about["kind"] for one in frameworks},
        "checks": checks,
        "sources": list(assessment.sources.all()),
        "before": before,
        "comments": comments.about(seen_by=user, assessment=assessment),
        "comment_url": f"{reverse('frameworks:comment-new')}?assessment={assessment.pk}",
        "actions": _actions(assessment, before, user),
    }


def _actions(
    assessment: Assessment, before: Assessment | None, user: User
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    if before is not None:
        url = f"{reverse('frameworks:assessment-compare')}?a={before.pk}&b={assessment.pk}"
        found.append({"label": "Compare with the last", "url": url, "icon": "arrow-left-right"})
    if access.sees_all(user):
        day = f"{reverse('frameworks:past')}?day={assessment.facts_at:%Y-%m-%d}"
        found.append({"label": "Who could do what", "url": day, "icon": "history"})
    report = f"{reverse('frameworks:report-new')}?assessment={assessment.pk}"
    found.append({"label": "Make a report", "url": report, "icon": "file-plus", "primary": True})
    if access.reads_evidence(user):
        url = f"{reverse('frameworks:evidence-new')}?assessment={assessment.pk}"
        found.append({"label": "Request evidence", "url": url, "icon": "file-question-mark"})
    return found


def _facts(assessment: Assessment) -> list[tuple[str, object]]:
    return [
        ("Scope", scope_of(assessment).title),
        ("Facts of", f"{assessment.facts_at:%d %b %Y, %H:%M:%S} UTC"),
        ("Made by", assessment.author),
        ("How", assessment.get_trigger_display()),
        ("Took", f"{assessment.seconds:.1f} s"),
        ("Product version", assessment.product_version),
        ("Unique id", str(assessment.uid)),
        *((name.capitalize(), f"{number:,}") for name, number in assessment.totals.items()),
    ]


def _framework_facts(row: AssessedFramework) -> list[tuple[str, object]]:
    about = row.about
    return [
        ("Publisher", about["publisher"]),
        ("Version", row.version),
        ("Published", about["published"]),
        ("Licence", about["licence"]),
    ]


def _touched(assessment: Assessment, check_id: str) -> QuerySet[AssessedControl]:
    """The controls that the check was evidence for."""
    rows = AssessedControl.objects.filter(
        framework__assessment=assessment, mapped__contains=[{"check_id": check_id}]
    )
    return rows.select_related("framework").order_by("framework__order", "order")


def _shown(row: AssessedControl) -> ControlState:
    return snapshots.control_state(row)


def _progress(assessment: Assessment) -> dict[str, object]:
    told = AssessmentProgress.objects.filter(pk=assessment.pk).first()
    return {"done": told.done if told else 0, "whole": told.whole if told else 1}


def _line(row: EvidenceRow) -> tuple[object, ...]:
    return (
        row.subject, row.name, row.identity, row.verdict, row.severity, row.status, row.since,
        row.until,
    )  # fmt: skip


def _page(assessment: Assessment) -> str:
    return reverse("frameworks:assessment-detail", args=[assessment.pk])


def _action(label: str, name: str, icon: str) -> dict[str, object]:
    return {"label": label, "url": reverse(f"frameworks:{name}"), "icon": icon}
