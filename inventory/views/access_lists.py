"""Tools: the list."""

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from inventory import access
from inventory.filters import ToolFilter
from inventory.listing import listing
from inventory.models import Tool, ToolBinding
from inventory.noun_columns import TOOLS
from inventory.views.answers import user_of


@require_GET
def tool_list(request: HttpRequest) -> HttpResponseBase:
    bindings = ToolBinding.objects.filter(tool=OuterRef("pk"), gone_at=None).order_by()
    counts = bindings.values("tool").annotate(number=Count("pk")).values("number")
    seen = access.visible_to(user_of(request), Tool.objects.select_related("source"))
    rows = seen.annotate(holder_count=Coalesce(Subquery(counts), 0))
    return listing(request, ToolFilter(request.GET, rows, request=request), TOOLS)
