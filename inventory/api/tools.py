"""Tools over REST: what agents can call, and deciding on it."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import tools
from inventory.api import inputs
from inventory.api import serializers as shown
from inventory.api.views import Reading, act
from inventory.models import Tool
from inventory.tool_filters import ToolFilter


class ToolViewSet(Reading, ReadOnlyModelViewSet[Tool]):
    """What agents can call, and whether it may be called."""

    queryset = Tool.objects.select_related("source")
    serializer_class = shown.ToolSerializer
    filterset_class = ToolFilter
    orders = {"name": "name", "id": "pk"}

    @extend_schema(request=inputs.Reason, responses=shown.ToolSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve the tool as it describes itself now."""
        return act(self, inputs.Reason, tools.approve, "decide_tool")

    @extend_schema(request=inputs.Reason, responses=shown.ToolSerializer)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """No decision lets anybody call the tool any more."""
        return act(self, inputs.Reason, tools.disable, "decide_tool")

    @extend_schema(request=inputs.Reason, responses=shown.ToolSerializer)
    @action(detail=True, methods=["post"])
    def reset(self, request: Request, pk: str) -> Response:
        """Take the decision back: nobody has decided on the tool."""
        return act(self, inputs.Reason, tools.reset, "decide_tool")
