"""Reports over REST: what was made, making more, the file, and deleting it."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from frameworks import report_life, report_now, seeing
from frameworks.models import Assessment, Report
from frameworks.report_columns import ReportFilter
from frameworks.report_files import answer_with, name_of
from inventory.api import inputs
from inventory.api.problems import MEDIA_TYPE, Problem
from inventory.api.views import Reading, act


class AssessmentRef(serializers.ModelSerializer[Assessment]):
    class Meta:
        model = Assessment
        fields = ("id", "uid", "number", "title", "facts_at")


class ReportSerializer(serializers.ModelSerializer[Report]):
    assessment = AssessmentRef(read_only=True)
    file_name = serializers.SerializerMethodField()

    class Meta:
        model = Report
        fields = (
            "id", "uid", "assessment", "format", "state", "progress", "error", "file_name", "size",
            "sha256", "key_id", "author", "asked_at", "made_at", "expires_at", "downloads",
            "ended_at", "ended_by", "ended_why",
        )  # fmt: skip

    def get_file_name(self, report: Report) -> str:
        return name_of(report)


class Asked(inputs.Given):
    assessment = inputs.RowField(
        Assessment.objects.done(), seen=seeing.assessments, help_text="Id of a finished assessment."
    )
    formats = serializers.ListField(
        child=serializers.ChoiceField(Report.Format.choices), allow_empty=False, max_length=20
    )


class ReportViewSet(Reading, ReadOnlyModelViewSet[Report]):
    """Reports: assessments as files."""

    queryset = Report.objects.select_related("assessment")
    serializer_class = ReportSerializer
    filterset_class = ReportFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        report_life.require_reader(self.who)
        return seeing.reports(self.who, Report.objects.select_related("assessment"))

    @extend_schema(request=Asked, responses={202: ReportSerializer(many=True)})
    def create(self, request: Request) -> Response:
        """Make reports; those that are there already are given again. A worker makes the others."""
        report_life.require_reader(self.who)
        given = inputs.read(Asked, request)
        made = report_now.start(
            given["assessment"], given["formats"], by=self.who, at=timezone.now()
        )
        pks = [report.pk for report in made]
        rows = self.get_queryset().filter(pk__in=pks).order_by("pk")
        return Response(self.get_serializer(rows, many=True).data, status=202)

    @extend_schema(
        responses={
            (200, "application/octet-stream"): OpenApiResponse(
                OpenApiTypes.BINARY, description="The file; its hash is in Repr-Digest."
            ),
            (422, MEDIA_TYPE): OpenApiResponse(
                Problem, description="There is no file, or another one than was made."
            ),
        }
    )
    @action(detail=True)
    def file(self, request: Request, pk: str) -> FileResponse:
        """Download the file; this is kept in the history."""
        return answer_with(self.get_object(), by=self.who, at=timezone.now())

    @extend_schema(request=inputs.Reason, responses=ReportSerializer)
    @action(detail=True, methods=["post"], url_path="delete")
    def end(self, request: Request, pk: str) -> Response:
        """Delete the file. Only security may."""
        return act(self, inputs.Reason, report_life.delete)
