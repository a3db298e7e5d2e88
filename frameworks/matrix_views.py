"""The coverage matrix, two assessments or two frameworks side by side, and what one check is evidence for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from frameworks import backwards, seeing, sources_needed
from frameworks.assessment_forms import ScopeForm
from frameworks.assessments import scope_of
from frameworks.models import AssessedControl, AssessedFramework, Assessment, Framework
from frameworks.snapshot import Scope
from inventory import access
from inventory.views.answers import evidence_readers_only, readers_only, user_of
from reviews import findings

TREND = 12


@dataclass(frozen=True)
class Line:
    """A framework in the matrix; `trend` is the share of controls that passed, oldest first, in percent."""

    framework: AssessedFramework
    kind: str
    controls: Sequence[AssessedControl]
    trend: Sequence[float]


@require_GET
def coverage(request: HttpRequest) -> HttpResponse:
    """Framework by control, from the last assessment of a scope."""
    user = readers_only(request)
    form = ScopeForm(request.GET)
    if not form.is_valid():
        raise BadRequest("There is no such scope. Choose a team, an environment and a tier.")
    given = form.cleaned_data
    past = list(
        Assessment.objects.done()
        .filter(team=given["team"], environment=given["environment"], tier=given["tier"])
        .order_by("-number")[:TREND]
    )
    last = past[0] if past else None
    tier = "" if given["tier"] is None else str(given["tier"])
    team = given["team"].name if given["team"] else ""
    context = {
        "form": form,
        "assessment": last,
        "scope": scope_of(last) if last else Scope(team, given["environment"], tier),
        "lines": _lines(last, past) if last else [],
        "may_assess": access.changes_all(user),
        "now": timezone.now(),
    }
    return render(request, "frameworks/coverage.html", context)


@require_GET
def assessment_compare(request: HttpRequest) -> HttpResponse:
    """Every control that answers otherwise in one assessment than in another."""
    user = evidence_readers_only(request)
    choices = list(seeing.assessments(user, Assessment.objects.done())[:100])
    if request.GET.keys() & {"a", "b"}:
        first, second = (_chosen(request, name, choices) for name in ("a", "b"))
    else:
        first, second = _last_two(choices)
    context: dict[str, object] = {"choices": choices, "first": first, "second": second}
    if first and second:
        context |= _compared(first, second)
    return render(request, "frameworks/assessment_compare.html", context)


def _last_two(choices: list[Assessment]) -> tuple[Assessment | None, Assessment | None]:
    """The newest assessment that has an earlier one of the same scope, after that one; the newest come first."""
    later: dict[tuple[object, ...], Assessment] = {}
    for one in choices:
        scope = (one.team_id, one.environment, one.tier)
        if scope in later:
            return one, later[scope]
        later[scope] = one
    return None, None


@require_GET
def framework_shared(request: HttpRequest) -> HttpResponse:
    """Two frameworks beside each other, through the checks that are evidence for both."""
    readers_only(request)
    choices = list(Framework.objects.current())
    known = {one.key: one for one in choices}
    keys = [request.GET.get(name, "") for name in ("a", "b")]
    if not any(keys) and len(choices) > 1:
        keys = [one.key for one in choices[-2:]]
    if any(key and key not in known for key in keys):
        raise BadRequest("There is no such framework. Choose two of the list.")
    first, second = (known.get(key) for key in keys)
    rows = backwards.shared(first, second) if first and second else []
    context = {"choices": choices, "first": first, "second": second, "rows": rows}
    return render(request, "frameworks/framework_shared.html", context)


@require_GET
def check_controls(request: HttpRequest, check_id: str) -> HttpResponse:
    """The reverse: which controls one check is evidence for."""
    readers_only(request)
    rows = list(backwards.mappings_of(check_id))
    if not rows:
        return render(request, "frameworks/check_controls.html", {"check_id": check_id}, status=404)
    said, connect = sources_needed.silence(check_id, sources_needed.connected())
    context = {
        "check_id": check_id,
        "title": rows[0].check_title,
        "limits": rows[0].limits,
        "rows": rows,
        "said": said,
        "connect": connect,
    }
    return render(request, "frameworks/check_controls.html", context)


@require_GET
def finding_controls(request: HttpRequest, pk: int) -> HttpResponse:
    """Which controls one finding touches: a panel on its page, and a page of its own."""
    user = user_of(request)
    finding = get_object_or_404(findings.visible_to(user), pk=pk)
    part = bool(getattr(request, "htmx", False))
    context = {
        "finding": finding,
        "rows": list(backwards.mappings_of(finding.check_id)),
        "may_open": access.sees_all(user),
    }
    template = "frameworks/_finding_controls.html" if part else "frameworks/finding_controls.html"
    return render(request, template, context)


def _lines(last: Assessment, past: Sequence[Assessment]) -> list[Line]:
    """Three queries, whatever the number of frameworks."""
    trends: dict[str, list[float]] = defaultdict(list)
    rows = AssessedFramework.objects.filter(assessment__in=past).order_by("assessment__number")
    for key, counts in rows.values_list("key", "counts"):
        whole = sum(counts.values()) or 1
        trends[key].append(round(100 * counts.get("pass", 0) / whole, 1))
    return [
        Line(
            framework=one,
            kind=one.about["kind"],
            controls=[each for each in one.controls.all() if not each.is_heading],
            trend=trends[one.key],
        )
        for one in last.frameworks.prefetch_related("controls")
    ]


def _chosen(request: HttpRequest, name: str, choices: Sequence[Assessment]) -> Assessment | None:
    asked = request.GET.get(name, "")
    if not asked:
        return None
    found = next((one for one in choices if str(one.pk) == asked), None)
    if found is None:
        raise BadRequest("There is no such assessment. Choose two of the list.")
    return found


def _compared(first: Assessment, second: Assessment) -> dict[str, object]:
    """Controls whose answer differs, those that one of the two does not have, and the checks' numbers."""
    before, after = (_states(one) for one in (first, second))
    both = [key for key in after if key in before]
    counted = {one.check_id: one for one in first.checks.only(*_NUMBERS)}
    return {
        "changed": [(after[key], before[key].state) for key in both if _differ(before, after, key)],
        "added": [after[key] for key in after if key not in before],
        "removed": [before[key] for key in before if key not in after],
        "same": len(both) - sum(_differ(before, after, key) for key in both),
        "checks": [
            (was, now)
            for now in second.checks.only("title", *_NUMBERS)
            if (was := counted.get(now.check_id))
            and (was.passed, was.failed, was.unknown) != (now.passed, now.failed, now.unknown)
        ],
    }


_Key = tuple[str, str]
# With its assessment, which the related manager looks at: deferred, each row would fetch it.
_NUMBERS = ("assessment", "check_id", "passed", "failed", "unknown")


def _states(assessment: Assessment) -> dict[_Key, AssessedControl]:
    rows = AssessedControl.objects.filter(framework__assessment=assessment, is_heading=False)
    return {
        (one.framework.key, one.control_id): one
        for one in rows.select_related("framework").order_by("framework__order", "order")
    }


def _differ(
    before: dict[_Key, AssessedControl], after: dict[_Key, AssessedControl], key: _Key
) -> bool:
    return before[key].state != after[key].state
