"""The findings about one tool, or about somebody who holds it."""

from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access
from inventory.models import Tool, ToolBinding
from inventory.views.answers import user_of
from reviews import findings
from reviews.columns import title_of

SHOWN = 20


@require_GET
def tool_findings(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel on a tool's page; a page of its own without htmx."""
    user, at = user_of(request), timezone.now()
    tool = get_object_or_404(access.visible_to(user, Tool.objects.all()), pk=pk)
    held = ToolBinding.objects.filter(tool=tool, gone_at=None).values_list(
        Concat(Value("toolbinding:"), Cast("pk", CharField()), output_field=CharField())
    )
    rows = findings.visible_to(user).filter(Q(subject=f"tool:{pk}") | Q(subject__in=held))
    shown = rows.open(at).select_related("identity").order_by("-severity", "-pk")[:SHOWN]
    context = {
        "tool": tool,
        "findings": [(finding, title_of(finding)) for finding in shown],
        "now": at,
    }
    part = bool(getattr(request, "htmx", False))
    template = "reviews/_tool_findings.html" if part else "reviews/tool_findings.html"
    return render(request, template, context)
