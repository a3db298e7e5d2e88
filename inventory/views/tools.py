"""Tools: the list, the page of one with what changed since its approval, and deciding on it."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup, panels, tool_descriptors, tools
from inventory.forms import ReasonForm
from inventory.listing import listing
from inventory.models import Change, Tool, ToolBinding, ToolLikeness, ToolServer, User
from inventory.tool_columns import TOOLS, risk_label, state_of
from inventory.tool_filters import ToolFilter
from inventory.views import bulk, timeline
from inventory.views.answers import Question, act, bound, user_of

_SHOWN = 50
View = Callable[[HttpRequest, int], HttpResponse]
Rows = QuerySet[Any, Any]  # Any: rows, or what is counted of them


@require_GET
def tool_list(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    seen = access.visible_to(user, ToolBinding.objects.filter(tool=OuterRef("pk"), gone_at=None))
    observed = seen.filter(origin=ToolBinding.Origin.OBSERVED)
    rows = access.visible_to(user, Tool.objects.select_related("source")).annotate(
        holder_count=Coalesce(Subquery(_identities(seen)), 0),
        observed_count=Coalesce(Subquery(_identities(observed)), 0),
    )
    spec = bulk.offered(TOOLS, user)
    actions = [{"label": "Servers", "url": reverse("inventory:server-list"), "icon": "server"}]
    found = ToolFilter(request.GET, rows, request=request)
    return listing(request, found, spec, context={"actions": actions})


@require_GET
def tool_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    tool = _seen(user, pk)
    context = {
        "tool": tool,
        "now": at,
        "badges": [markup.badge(state_of(tool))],
        "actions": _actions(user, tool),
        "facts": _facts(tool, at),
        "differences": tool_descriptors.differences(tool.approved_descriptor, tool.descriptor)
        if tool.is_changed
        else [],
        "said": tool_descriptors.differences({}, tool.descriptor),
        "readings": [
            ("By its own hints", risk_label(tool.hinted_risk), tool.hinted_why),
            ("By its name and input", risk_label(tool.judged_risk), tool.judged_why),
        ],
        "holders": _holders(user, tool),
        "alike": _alike(user, tool),
        "events": timeline.events(Change.objects.filter(noun="inventory_tool", row_id=pk)[:_SHOWN]),
        "slots": panels.slots(tool, user),
    }
    return render(request, "inventory/tool_detail.html", context)


def _decide(action: str, rule: Callable[..., Tool], text: str, *, danger: bool) -> View:
    """A view that asks for a reason and calls the rule."""

    @require_http_methods(["GET", "POST"])
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        user = user_of(request)
        tool = _seen(user, pk)
        access.require(user, "decide_tool", tool)
        form = bound(ReasonForm, request)
        question = Question(
            title=f"{action} tool",
            text=text.format(tool),
            submit=action,
            back=reverse("inventory:tool-detail", args=[pk]),
            danger=danger,
        )

        def do() -> str:
            rule(tool, by=user, reason=form.cleaned_data["reason"], at=timezone.now())
            return f"{action}: {tool}."

        return act(request, form, question, do)

    return view


tool_approve = _decide(
    "Approve",
    tools.approve,
    "{} may be called from now on, for as long as it says of itself what it says now.",
    danger=False,
)
tool_disable = _decide(
    "Disable", tools.disable, "From now on no decision lets anybody call {}.", danger=True
)
tool_reset = _decide(
    "Reset",
    tools.reset,
    "Nobody has decided on {} then, so that it must not be called.",
    danger=True,
)


def _seen(user: User, pk: int) -> Tool:
    return get_object_or_404(access.visible_to(user, Tool.objects.select_related("source")), pk=pk)


def _identities(bindings: Rows) -> Rows:
    """How many identities hold each tool."""
    by_tool = bindings.order_by().values("tool")
    counted: Rows = by_tool.annotate(number=Count("identity", distinct=True)).values("number")
    return counted


def _actions(user: User, tool: Tool) -> list[dict[str, object]]:
    if not access.may(user, "decide_tool", tool):
        return []
    usable = tools.may_be_called(tool)
    offers = (
        ("Approve", "tool-approve", "circle-check", not usable and tool.descriptor_digest, False),
        ("Disable", "tool-disable", "ban", tool.state != Tool.State.DISABLED, True),
        ("Reset", "tool-reset", "circle-play", tool.state != Tool.State.UNSET, False),
    )
    return [
        {
            "label": "Approve again" if label == "Approve" and tool.is_changed else label,
            "url": reverse(f"inventory:{name}", args=[tool.pk]),
            "icon": icon,
            "danger": danger,
            "primary": label == "Approve",
            "dialog": True,
        }
        for label, name, icon, fits, danger in offers
        if fits
    ]


def _facts(tool: Tool, at: datetime) -> list[tuple[str, object]]:
    approved = tool.state == Tool.State.APPROVED
    gone = markup.when(tool.gone_at, at) if tool.gone_at else None
    return [
        ("Provider", markup.link(_provider_url(tool), tool.provider)),
        ("Rated by people", tool.get_risk_display()),
        (
            "Writes",
            {True: "Yes", False: "No"}.get(tool.writes) if tool.writes is not None else None,
        ),
        ("Why it is so decided", tool.state_reason),
        ("Approved by", tool.approved_by if approved else None),
        ("Approved", markup.when(tool.approved_at, at) if approved and tool.approved_at else None),
        ("First seen", markup.when(tool.first_seen_at, at)),
        *([("Gone from its source", gone)] if gone else []),
        ("Descriptor (SHA-256)", tool.descriptor_digest),
        ("Approved descriptor (SHA-256)", tool.approved_digest),
        ("Source", tool.source),
    ]


def _provider_url(tool: Tool) -> str:
    server = ToolServer.objects.filter(provider=tool.provider, gone_at=None).order_by("pk").first()
    if server is not None:
        return reverse("inventory:server-detail", args=[server.pk])
    query = urlencode({"provider": tool.provider})
    return f"{reverse('inventory:tool-list')}?{query}"


def _holders(user: User, tool: Tool) -> list[ToolBinding]:
    held = ToolBinding.objects.filter(tool=tool, gone_at=None).select_related("identity__owner")
    return list(access.visible_to(user, held).order_by("identity__name", "origin")[:_SHOWN])


def _alike(user: User, tool: Tool) -> list[tuple[Tool, str]]:
    """Tools whose names are the same to the eye, or nearly so, and how they are alike."""
    seen = partial(access.visible_to, user)
    same = Tool.objects.filter(read_name=tool.read_name, gone_at=None).exclude(pk=tool.pk)
    rows = [(each, "The same name to the eye") for each in seen(same).order_by("provider")[:10]]
    pairs = ToolLikeness.objects.filter(Q(tool=tool) | Q(like=tool))
    other = {row.like_id if row.tool_id == tool.pk else row.tool_id: row for row in pairs[:10]}
    for found in seen(Tool.objects.filter(pk__in=other)):
        rows.append((found, other[found.pk].get_kind_display()))
    return rows
