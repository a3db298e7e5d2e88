"""Names of agents in what was reported: the list, one name with its calls, and saying who it is."""

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup
from inventory.forms import ReasonForm
from inventory.listing import listing
from inventory.models import User
from inventory.noun_columns import IDENTITY
from inventory.views.answers import Question, act, bound, readers_only, user_of
from runtime import naming, tasks
from runtime.models import AgentName, ToolCall
from runtime.name_list import AGENT_NAMES, DETAIL, AgentNameFilter, AssignForm, state_of

SHOWN = 20


@require_GET
def name_list(request: HttpRequest) -> HttpResponseBase:
    readers_only(request)
    return listing(request, AgentNameFilter(request.GET, _rows(), request=request), AGENT_NAMES)


@require_GET
def name_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = readers_only(request), timezone.now()
    name = get_object_or_404(_rows(), pk=pk)
    link = markup.link(markup.address(IDENTITY)(name.identity_id), str(name.identity))
    context = {
        "name": name,
        "badges": [markup.badge(state_of(name))],
        "actions": _actions(name, user),
        "facts": [
            ("Identity", link if name.identity_id else "Nobody knows"),
            ("Known how", name.get_how_display()),
            ("Agent", name.agent_name),
            ("Service", name.service_name),
            ("SPIFFE ID", name.spiffe_id),
            ("Credential", name.credential),
            ("Reported by", name.reporter.username),
            ("First seen", markup.when(name.first_seen_at, at)),
            ("Last seen", markup.when(name.last_used_at, at)),
        ],
        "calls": list(_calls(name)[:SHOWN]),
        "now": at,
    }
    return render(request, "runtime/agent_name_detail.html", context)


@require_http_methods(["GET", "POST"])
def name_assign(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    access.require_security(user)
    name = get_object_or_404(_rows(), pk=pk)
    form = bound(AssignForm, request)
    text = "Its calls, those on record and those to come, are the identity’s from then on."
    question = Question(f"Who is {name}?", text, "Assign", reverse(DETAIL, args=[pk]))

    def do() -> str:
        given = form.cleaned_data
        naming.assign(name, given["identity"], by=user, reason=given["reason"], at=at)
        if settings.SEND_TASKS:
            tasks.assign_past_calls.delay(name.pk)
        return f"{name} is {given['identity']}. The calls on record follow shortly."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def name_ignore(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    access.require_security(user)
    name = get_object_or_404(_rows(), pk=pk)
    form = bound(ReasonForm, request)
    text = "It leaves the list of unknown agents. Its calls stay on record, without an identity."
    question = Question(
        f"{name} is no agent of ours", text, "Ignore", reverse(DETAIL, args=[pk]), danger=True
    )

    def do() -> str:
        naming.ignore(name, by=user, reason=form.cleaned_data["reason"], at=at)
        return f"{name} is no longer listed as unknown."

    return act(request, form, question, do)


def _rows() -> QuerySet[AgentName]:
    return AgentName.objects.select_related("identity", "reporter")


def _calls(name: AgentName) -> QuerySet[ToolCall]:
    """The newest ones under this name; by identity, which is what the index knows."""
    rows = ToolCall.objects.filter(
        identity=name.identity_id,
        reporter=name.reporter_id,
        agent_name=name.agent_name,
        service_name=name.service_name,
        started_at__lte=name.last_used_at + naming.NOTED_EVERY,
    )
    return rows.order_by("-started_at")


def _actions(name: AgentName, user: User) -> list[dict[str, object]]:
    if not access.changes_all(user):
        return []
    assign = reverse("runtime:agent-name-assign", args=[name.pk])
    actions: list[dict[str, object]] = [
        {"label": "Say who it is", "url": assign, "icon": "user-round-search", "dialog": True}
    ]
    if name.identity_id is None and name.ignored_at is None:
        url = reverse("runtime:agent-name-ignore", args=[name.pk])
        actions.append({"label": "No agent of ours", "url": url, "icon": "bot-off", "dialog": True})
    return actions
