"""Policies: the sets with their versions, one version, a new set, and where a set is enforced."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.shortcuts import render as rendered
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from inventory import access, markup
from inventory.listing import listing
from inventory.models import Change, User
from inventory.rules import RuleBroken
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, readers_only, user_of
from runtime import policies, policy_drafts, policy_lines
from runtime.models import PolicySet, PolicySetVersion
from runtime.policy_forms import ENFORCE, MONITOR, ModesForm, NewSetForm
from runtime.policy_list import ENVIRONMENTS, VERSIONS, VersionFilter, mode_words, named
from runtime.views.policy_shown import differences, replays_of, tests_of

State = PolicySetVersion.State
INVENTORY = PolicySet.Domain.INVENTORY
LIST = "runtime:policy-list"
_LONGEST = 200  # characters of an event


@dataclass(frozen=True)
class SetShown:
    """One set above the list of versions."""

    set: PolicySet
    live: PolicySetVersion | None
    facts: list[tuple[str, object]]
    actions: list[dict[str, object]]


@require_GET
def policy_list(request: HttpRequest) -> HttpResponseBase:
    user, at = readers_only(request), timezone.now()
    live = Prefetch("versions", PolicySetVersion.objects.live(), to_attr="live_ones")
    sets = PolicySet.objects.prefetch_related(live)
    may_change = access.changes_all(user)
    context = {
        "sets": [_set_shown(one, at, may_change=may_change) for one in sets],
        "actions": [*_new_set(user), _link("Try it", "runtime:policy-try", "scale")],
        "now": at,
    }
    asked = VersionFilter(request.GET, _versions(), request=request)
    return listing(request, asked, VERSIONS, context=context)


@require_GET
def policy_version(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = readers_only(request), timezone.now()
    version = get_object_or_404(_versions(), pk=pk)
    problems = policies.problems_of(version)
    tests = tests_of(version)
    context = {
        "version": version,
        "title": named(version),
        "badges": [markup.badge(version.get_state_display())],
        "actions": _actions(user, version),
        "facts": _facts(version, at),
        "problems": problems,
        "lines": policy_lines.numbered(version.text, problems),
        "schema_lines": policy_lines.numbered(version.schema) if version.schema else [],
        "tests": tests,
        "passed": _passed(each.passed for each in tests),
        "may_edit": access.changes_all(user) and version.state == State.DRAFT,
        "against": differences(version),
        "replays": replays_of(version.replays.all()),
        "events": _events(version),
        "now": at,
    }
    return rendered(request, "runtime/policy_version.html", context)


@require_http_methods(["GET", "POST"])
def set_new(request: HttpRequest) -> HttpResponse:
    """A new set, whose first draft then is in the editor."""
    user = user_of(request)
    access.require_security(user)
    first = not PolicySet.objects.filter(domain=INVENTORY).exists()
    values = {"name": "inventory", "domain": INVENTORY} if first else {"domain": "application"}
    form = bound(NewSetForm, request, **values)
    text = (
        "About the inventory, the first draft holds the starter policies and their tests."
        " Nothing goes live by itself."
    )
    question = Question("New policy set", text, "Create draft", reverse(LIST))
    if request.method == "POST" and form.is_valid():
        try:
            made = policy_drafts.begin(**form.cleaned_data, by=user, at=timezone.now())
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{named(made)} is a draft.")
            page = reverse("runtime:policy-version", args=[made.pk])
            htmx = bool(getattr(request, "htmx", False))
            return HttpResponseClientRedirect(page) if htmx else redirect(page)
    return act(request, form, question, str)


@require_http_methods(["GET", "POST"])
def set_modes(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the set is enforced, asked before it changes."""
    user = user_of(request)
    access.require_security(user)
    policy_set = get_object_or_404(PolicySet, pk=pk, domain=INVENTORY)
    now = {name: MONITOR if policy_set.is_monitored(name) else ENFORCE for name in ENVIRONMENTS}
    form = bound(ModesForm, request, **now)
    text = (
        "Enforced: what the policies deny is denied. Monitor only: it is permitted, and recorded as what would have"
        " been denied. What the facts deny is denied in either mode."
    )
    question = Question(f"Modes of {policy_set.name}", text, "Save", reverse(LIST), danger=True)

    def do() -> str:
        changed = policies.monitor(
            policy_set, environments=form.monitored(), by=user, reason=form.cleaned_data["reason"]
        )
        return f"{changed.name}: {mode_words(changed).lower()}."

    return act(request, form, question, do)


def _events(version: PolicySetVersion) -> list[timeline.Event]:
    """The history, without whole texts: what changed in them is shown as a difference."""
    return [
        replace(event, text=f"{event.text[:_LONGEST]} …") if len(event.text) > _LONGEST else event
        for event in timeline.events(Change.objects.of(version)[:50])
    ]


def _versions() -> QuerySet[PolicySetVersion]:
    return PolicySetVersion.objects.select_related("policy_set", "base")


def _set_shown(one: PolicySet, at: datetime, *, may_change: bool) -> SetShown:
    live = next(iter(getattr(one, "live_ones", ())), None)
    page = markup.address("runtime:policy-version")
    facts: list[tuple[str, object]] = [
        ("About", one.get_domain_display()),
        ("Live", markup.link(page(live.pk), f"Version {live.number}") if live else "None"),
        ("Since", markup.when(live.activated_at, at) if live else None),
        ("Mode", mode_words(one)),
    ]
    offers = []
    if may_change and one.domain == INVENTORY:
        offers.append(_link("Modes", "runtime:policyset-modes", "eye", one.pk, dialog=True))
    return SetShown(one, live, facts, offers)


def _new_set(user: User) -> list[dict[str, object]]:
    if not access.changes_all(user):
        return []
    return [_link("New policy set", "runtime:policyset-new", "plus", dialog=True)]


def _actions(user: User, version: PolicySetVersion) -> list[dict[str, object]]:
    """What may be done with it, the usual thing first."""
    key, trial = version.pk, f"{reverse('runtime:policy-try')}?version={version.pk}"
    try_it: dict[str, object] = {"label": "Try it", "url": trial, "icon": "scale"}
    if not access.changes_all(user):
        return [try_it]
    replay = _link("Replay", "runtime:version-replay", "history", key, dialog=True)
    copy = _link("New version from this", "runtime:policy-copy", "copy", key, dialog=True)
    if version.state == State.DRAFT:
        activate = _link("Activate", "runtime:policy-activate", "circle-play", key)
        return [
            {**activate, "primary": True},
            _link("Edit", "runtime:policy-edit", "pencil", key),
            replay,
            try_it,
            _link("Discard", "runtime:policy-discard", "trash-2", key, dialog=True),
        ]
    back = [_link("Roll back to this", "runtime:policy-roll-back", "undo-2", key)]
    return [copy, replay, try_it, *(back if version.state == State.RETIRED else [])]


def _link(
    label: str, name: str, icon: str, *keys: int, dialog: bool = False
) -> dict[str, object]:  # fmt: skip
    return {"label": label, "url": reverse(name, args=keys), "icon": icon, "dialog": dialog}


def _facts(version: PolicySetVersion, at: datetime) -> list[tuple[str, object]]:
    base, page = version.base, markup.address("runtime:policy-version")
    return [
        ("Set", version.policy_set.name),
        ("About", version.policy_set.get_domain_display()),
        ("Mode", mode_words(version.policy_set)),
        ("Author", version.author),
        ("Made", markup.when(version.created_at, at)),
        ("Last changed", markup.when(version.changed_at, at)),
        ("Made from", markup.link(page(base.pk), f"Version {base.number}") if base else None),
        ("Went live", markup.when(version.activated_at, at)),
        ("Put live by", version.activated_by),
        ("Retired", markup.when(version.retired_at, at)),
        ("Digest", version.digest),
    ]


def _passed(results: Iterable[bool]) -> str:
    found = list(results)
    return f"{sum(found)} of {len(found)} pass"
