"""Imports over REST: what ran, and starting one from uploaded files."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access, import_now, uploads
from inventory.api import inputs
from inventory.api import serializers as shown
from inventory.api.problems import TooLarge
from inventory.api.views import Readers
from inventory.importers import KINDS
from inventory.models import ApiToken, ImportRun
from inventory.record_filters import ImportFilter
from inventory.uploads import Asked


class Upload(inputs.Given):
    kind = serializers.ChoiceField(KINDS)
    file = serializers.ListField(
        child=serializers.FileField(),
        allow_empty=False,
        help_text="One or more files; archives are unpacked.",
    )
    source = serializers.SlugField(  # type: ignore[assignment]  # as for partial
        required=False,
        allow_blank=True,
        default="",
        max_length=100,
        help_text="Name of the source; the kind when left out.",
    )
    partial = serializers.BooleanField(  # type: ignore[assignment]  # a name that DRF uses for updates
        required=False,
        default=False,
        help_text="The files are a part of the source: nothing is marked gone.",
    )
    preview = serializers.BooleanField(
        required=False, default=False, help_text="Change nothing, say what would change."
    )


class ImportViewSet(Readers, ReadOnlyModelViewSet[ImportRun]):
    """Readings of sources: what each said, what changed, what was refused."""

    queryset = ImportRun.objects.select_related("source")
    serializer_class = shown.ImportSerializer
    detail_serializer_class = shown.ImportDetailSerializer
    filterset_class = ImportFilter
    write_scope = ApiToken.Scope.IMPORT
    orders = {"-id": "pk", "id": "pk"}

    @extend_schema(
        request={"multipart/form-data": Upload}, responses={202: shown.ImportDetailSerializer}
    )
    def create(self, request: Request) -> Response:
        """Import files. The answer is the run, which a worker takes up; ask for it again to see the outcome."""
        access.require_security(self.who)
        _refuse_size(request)
        given = inputs.read(Upload, request)
        run = import_now.receive(
            given["file"],
            Asked(given["kind"], given["source"], given["partial"]),
            preview=given["preview"],
            by=self.who,
            at=timezone.now(),
        )
        return Response(self.get_serializer(run).data, status=202)

    @extend_schema(request=None, responses={202: shown.ImportDetailSerializer})
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: str) -> Response:
        """Apply a preview, from the files that it was made of."""
        inputs.read(inputs.Nothing, request)
        run = import_now.apply(self.get_object(), by=self.who, at=timezone.now())
        return Response(self.get_serializer(run).data, status=202)

    @extend_schema(request=None, responses=shown.ImportDetailSerializer)
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, pk: str) -> Response:
        """Throw a preview and its files away."""
        inputs.read(inputs.Nothing, request)
        run = uploads.discard(self.get_object(), by=self.who, at=timezone.now())
        return Response(self.get_serializer(run).data)

    def get_parsers(self) -> list[Any]:
        """Files come as multipart; the acts on a run take no body."""
        creates = (
            getattr(self, "action", None) == "create"
            or getattr(self, "action_map", {}).get("post") == "create"
        )
        return [MultiPartParser()] if creates else super().get_parsers()


def _refuse_size(request: Request) -> None:
    """Before the body is read: one that the rule would refuse anyway is not written to disk first."""
    most = settings.IMPORT_MAX_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = str(request.META.get("CONTENT_LENGTH") or 0)
    if length.isdecimal() and int(length) > most:
        limit = settings.IMPORT_MAX_BYTES // 2**20
        raise TooLarge(
            f"These are more than {limit:,} MB. Split the export, or use manage.py import."
        )
