"""Who offers tools: the list of servers, and the page of one with its tools and whoever is configured with it."""

from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access, markup, panels
from inventory.listing import listing
from inventory.models import Change, Tool, ToolServer
from inventory.noun_columns import IDENTITY
from inventory.tool_columns import TOOL_SERVERS
from inventory.tool_filters import ToolServerFilter
from inventory.views import timeline
from inventory.views.answers import user_of

_SHOWN = 50


@require_GET
def tool_server_list(request: HttpRequest) -> HttpResponseBase:
    rows = access.visible_to(user_of(request), _rows().filter(gone_at=None))
    return listing(request, ToolServerFilter(request.GET, rows, request=request), TOOL_SERVERS)


@require_GET
def tool_server_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    server = get_object_or_404(access.visible_to(user, _rows()), pk=pk)
    same = Q(provider=server.provider) | ~Q(endpoint="") & Q(endpoint=server.endpoint)
    others = _rows().filter(same, gone_at=None).exclude(pk=pk)
    offered = Tool.objects.filter(provider=server.provider, gone_at=None)
    context = {
        "server": server,
        "now": at,
        "facts": _facts(server),
        "tools": list(access.visible_to(user, offered).order_by("name")[: _SHOWN + 1]),
        "shown": _SHOWN,
        "tools_query": urlencode({"provider": server.provider}),
        "others": list(access.visible_to(user, others).order_by("origin", "pk")[:_SHOWN]),
        "events": timeline.events(
            Change.objects.filter(noun="inventory_toolserver", row_id=pk)[:_SHOWN]
        ),
        "slots": panels.slots(server, user),
    }
    return render(request, "inventory/tool_server_detail.html", context)


def _rows() -> QuerySet[ToolServer]:
    return ToolServer.objects.select_related("identity", "source")


def _facts(server: ToolServer) -> list[tuple[str, object]]:
    identity, extra = server.identity, server.attributes
    return [
        ("Known from", server.get_origin_display()),
        (
            "Of",
            markup.link(markup.address(IDENTITY)(identity.pk), identity.name) if identity else None,
        ),
        ("Description", server.description),
        ("Version", server.release),
        ("Transport", server.get_transport_display()),
        ("Address", server.endpoint),
        (
            "Encrypted",
            {True: "Yes", False: "No"}.get(server.encrypted)
            if server.encrypted is not None
            else None,
        ),
        ("Authentication", server.get_auth_display()),
        ("Package", server.package),
        ("Program", extra.get("program")),
        ("Is given secrets in", ", ".join(server.wants_secrets)),
        ("May call without asking", ", ".join(extra.get("called_without_asking", ()))),
        ("Only these tools", ", ".join(extra.get("allowed_tools", ()))),
        ("Not these tools", ", ".join(extra.get("denied_tools", ()))),
        ("Status in the registry", extra.get("status")),
        ("Switched off", "Yes" if extra.get("disabled") else None),
        ("Source", server.source),
    ]
