"""Pages of the frameworks: all of them, the controls of one, and the evidence for one control."""

from collections import defaultdict

from django.db.models import Case, CharField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from frameworks import control_story
from frameworks.columns import controls_listing, heading_over
from frameworks.filters import ControlFilter
from frameworks.models import Control, Framework
from frameworks.results import State
from frameworks.standing import Standing, Tally, standings, tally
from inventory import access
from inventory.listing import listing
from inventory.models import User
from inventory.views.answers import readers_only


@require_GET
def framework_list(request: HttpRequest) -> HttpResponse:
    user = readers_only(request)
    now = timezone.now()
    found = list(Framework.objects.current())
    by_framework = defaultdict(list)
    for one in standings(Control.objects.filter(framework__in=found), at=now):
        by_framework[one.control.framework_id].append(one)
    cards = [(framework, tally(by_framework[framework.pk], framework.kind)) for framework in found]
    actions = [
        action("Coverage", "coverage", "grid-3x3"),
        action("Compare two", "framework-shared", "arrow-left-right"),
        action("Attestations", "attestation-list", "signature"),
    ]
    if access.changes_all(user):
        actions.append(action("Add your own", "framework-new", "plus"))
    return render(request, "frameworks/framework_list.html", {"cards": cards, "actions": actions})


@require_GET
def framework_detail(request: HttpRequest, key: str) -> HttpResponse | StreamingHttpResponse:
    user = readers_only(request)
    framework = _framework(key)
    controls = framework.controls.select_related("parent__parent", "framework")
    found = standings(controls, at=timezone.now())
    groups = _groups(found)
    choices = [(heading.control_id, heading.title) for heading, _ in groups]
    rows = _with_state(controls, found)
    context = {
        "framework": framework,
        "tally": tally(found, framework.kind),
        "groups": groups,
        "facts": _facts(framework),
        "actions": _actions(framework, user),
    }
    return listing(
        request,
        ControlFilter(request.GET, rows, request=request, groups=choices),
        controls_listing(framework, {one.control.pk: one for one in found}),
        context=context,
    )


@require_GET
def control_detail(request: HttpRequest, key: str, control_id: str) -> HttpResponse:
    user, at = readers_only(request), timezone.now()
    framework = _framework(key)
    controls = framework.controls.assessed().select_related("parent", "framework")
    control = get_object_or_404(controls, control_id=control_id)
    (standing,) = standings(controls.filter(pk=control.pk), at=at)
    context = {
        "framework": framework,
        "control": standing.control,
        "standing": standing,
        "facts": _facts(framework),
        "now": at,
        **control_story.told(framework, control, standing, user, at=at),
    }
    return render(request, "frameworks/control_detail.html", context)


def action(label: str, name: str, icon: str, *args: str) -> dict[str, object]:
    """A button at the top of a page."""
    return {"label": label, "url": reverse(f"frameworks:{name}", args=args), "icon": icon}


def _actions(framework: Framework, user: User) -> list[dict[str, object]]:
    found = [action("Versions", "framework-versions", "git-compare-arrows", framework.key)]
    if framework.is_own and access.changes_all(user):
        withdraw = action("Withdraw", "framework-withdraw", "ban", framework.key)
        found.append({**withdraw, "danger": True, "dialog": True})
    return found


def _framework(key: str) -> Framework:
    return get_object_or_404(Framework.objects.current(), key=key)


def _groups(found: list[Standing]) -> list[tuple[Control, Tally]]:
    """The headings on top, in order, each with the answers below it."""
    below: dict[Control, list[Standing]] = defaultdict(list)
    for one in found:
        heading = heading_over(one.control)
        if heading is not None:
            below[heading].append(one)
    return [(heading, tally(ones)) for heading, ones in below.items()]


def _with_state(controls: QuerySet[Control], found: list[Standing]) -> QuerySet[Control]:
    """The rows with their answer as a column, so that the list can be filtered by it."""
    keys: dict[State, list[int]] = {state: [] for state in State}
    for one in found:
        keys[one.verdict.state].append(one.control.pk)
    whens = [When(pk__in=pks, then=Value(state.value)) for state, pks in keys.items() if pks]
    rows = controls.filter(pk__in=[one.control.pk for one in found])
    if not whens:
        return rows.annotate(state=Value("", output_field=CharField()))
    return rows.annotate(state=Case(*whens, output_field=CharField()))


def _facts(framework: Framework) -> list[tuple[str, object]]:
    return [
        ("Publisher", framework.publisher),
        ("Version", framework.version),
        ("Published", framework.published),
        ("Licence", framework.licence),
        *([("Added by", framework.loaded_by)] if framework.is_own else []),
    ]
