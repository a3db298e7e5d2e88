"""Delegations and tools: the lists."""

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from inventory import access
from inventory.filters import DelegationFilter, ToolFilter
from inventory.listing import listing
from inventory.models import Delegation, Tool, ToolBinding
from inventory.noun_columns import DELEGATIONS, TOOLS
from inventory.views.answers import user_of


@require_GET
def delegation_list(request: HttpRequest) -> HttpResponseBase:
    rows = Delegation.objects.select_related(
        "delegate", "delegator_identity", "delegator_person", "source"
    )
    seen = access.visible_to(user_of(request), rows)
    return listing(request, DelegationFilter(request.GET, seen, request=request), DELEGATIONS)


@require_GET
def tool_list(request: HttpRequest) -> HttpResponseBase:
    bindings = ToolBinding.objects.filter(tool=OuterRef("pk"), gone_at=None).order_by()
    counts = bindings.values("tool").annotate(number=Count("pk")).values("number")
    seen = access.visible_to(user_of(request), Tool.objects.select_related("source"))
    rows = seen.annotate(holder_count=Coalesce(Subquery(counts), 0))
    return listing(request, ToolFilter(request.GET, rows, request=request), TOOLS)
