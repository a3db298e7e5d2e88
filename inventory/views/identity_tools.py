"""The tools of one identity: declared, seen in use, or declared and never used, with what to do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, tools
from inventory.forms import ReasonForm
from inventory.models import Exposure, Identity, Tool, ToolBinding, ToolServer, User
from inventory.tool_columns import risk_label, state_of, worst_risk
from inventory.views.answers import Question, act, bound, user_of
from inventory.views.identities import seen_identity

_MOST = 500
UNUSED = timedelta(days=30)  # held so long and never seen in use, although the identity's calls are


@dataclass
class Held:
    """One tool in an identity's hands."""

    tool: Tool
    declared: ToolBinding | None = None
    observed: ToolBinding | None = None
    unused: bool = False

    @property
    def state(self) -> str:
        return state_of(self.tool)

    @property
    def risk(self) -> str:
        return risk_label(worst_risk(self.tool))


@require_GET
def identity_tools(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    held = held_tools(identity, at)
    context = {
        "identity": identity,
        "now": at,
        "held": held,
        "unused": sum(one.unused for one in held),
        "reported": any(one.observed for one in held),
        "may_end": access.may(user, "narrow", identity),
        "servers": list(
            ToolServer.objects.filter(identity=identity, gone_at=None).order_by("provider")[:_MOST]
        ),
        "exposures": list(
            Exposure.objects.filter(identity=identity, gone_at=None).order_by("setting")[:_MOST]
        ),
    }
    inside = bool(getattr(request, "htmx", False))
    template = "inventory/_identity_tools.html" if inside else "inventory/identity_tools.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
def tool_binding_end(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    binding = _seen(user, pk)
    access.require(user, "narrow", binding)
    form = bound(ReasonForm, request)
    question = Question(
        title="Take tool away",
        text=f"{binding.identity} is not to hold {binding.tool} any more."
        " Its configuration has to follow; until then it stays on the list, as taken away.",
        submit="Take away",
        back=reverse("inventory:identity-tools", args=[binding.identity_id]),
        danger=True,
    )

    def do() -> str:
        tools.take_away(binding, by=user, reason=form.cleaned_data["reason"], at=timezone.now())
        return f"{binding.tool} was taken away."

    return act(request, form, question, do)


def held_tools(identity: Identity, at: datetime) -> list[Held]:
    """By tool, each once. Nothing counts as unused where none of the identity's calls are reported."""
    rows = ToolBinding.objects.filter(identity=identity, gone_at=None, tool__gone_at=None)
    found: dict[int, Held] = {}
    for binding in rows.select_related("tool").order_by("tool__name", "pk")[:_MOST]:
        held = found.setdefault(binding.tool_id, Held(binding.tool))
        if binding.origin == ToolBinding.Origin.OBSERVED:
            held.observed = binding
        else:
            held.declared = binding
    reported = any(held.observed for held in found.values())
    for held in found.values():
        long_held = held.declared is not None and held.declared.first_seen_at < at - UNUSED
        held.unused = reported and long_held and held.observed is None
    return list(found.values())


def _seen(user: User, pk: int) -> ToolBinding:
    rows = ToolBinding.objects.select_related("identity", "tool").filter(gone_at=None)
    return get_object_or_404(access.visible_to(user, rows), pk=pk)
