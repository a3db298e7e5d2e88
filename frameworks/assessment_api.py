"""Assessments and frameworks over REST: what was found, asking for an assessment, adding a framework of one's own."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from frameworks import assess_now, own_files, own_frameworks, seeing
from frameworks.assessment_columns import AssessmentFilter
from frameworks.assessments import scope_of
from frameworks.models import AssessedFramework, Assessment, Framework
from frameworks.own_files import FileWrong
from inventory import access
from inventory.api import inputs
from inventory.api.views import Readers, Reading
from inventory.filters import Filters
from inventory.models import Environment, Team, Tier


class AssessedFrameworkSerializer(serializers.ModelSerializer[AssessedFramework]):
    class Meta:
        model = AssessedFramework
        fields = ("key", "version", "name", "counts")


class AssessmentSerializer(serializers.ModelSerializer[Assessment]):
    scope = serializers.SerializerMethodField(help_text="In words; “everything” for all.")
    frameworks = AssessedFrameworkSerializer(many=True, read_only=True)

    class Meta:
        model = Assessment
        fields = (
            "id", "uid", "number", "title", "status", "trigger", "author", "scope", "asked_at",
            "facts_at", "made_at", "error", "totals", "limits", "changes", "frameworks",
        )  # fmt: skip

    @extend_schema_field({"type": "string"})
    def get_scope(self, assessment: Assessment) -> str:
        return scope_of(assessment).label


class AskedAssessment(inputs.Given):
    title = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    team = inputs.RowField(
        Team.objects.all(), for_all=True, required=False, default=None, help_text="Id of a team."
    )
    environment = serializers.ChoiceField(
        Environment.choices, required=False, allow_blank=True, default=""
    )
    tier = serializers.ChoiceField(Tier.choices, required=False, allow_null=True, default=None)


class AssessmentViewSet(Reading, ReadOnlyModelViewSet[Assessment]):
    """Assessments: what every check said of a scope at one moment."""

    queryset = Assessment.objects.prefetch_related("frameworks")
    serializer_class = AssessmentSerializer
    filterset_class = AssessmentFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        if not access.reads_evidence(self.who):
            raise PermissionDenied("Only security and auditors see this.")
        return seeing.assessments(self.who, Assessment.objects.prefetch_related("frameworks"))

    @extend_schema(request=AskedAssessment, responses={202: AssessmentSerializer})
    def create(self, request: Request) -> Response:
        """Ask for an assessment; a worker makes it."""
        access.require_security(self.who)
        given = inputs.read(AskedAssessment, request)
        asked = assess_now.start(**given, by=self.who, at=timezone.now())
        return Response(self.get_serializer(self.get_queryset().get(pk=asked.pk)).data, status=202)


class FrameworkFilter(Filters):
    key = django_filters.CharFilter(label="Key")
    is_current = django_filters.BooleanFilter(label="Shown")

    class Meta:
        model = Framework
        fields: list[str] = []


class FrameworkSerializer(serializers.ModelSerializer[Framework]):
    class Meta:
        model = Framework
        fields = (
            "id", "key", "name", "version", "kind", "publisher", "published", "source", "licence",
            "notes", "conditional", "shows_text", "is_own", "is_current", "digest",
        )  # fmt: skip


class GivenFramework(inputs.Given):
    content = serializers.CharField(
        max_length=own_files.LARGEST, trim_whitespace=False, help_text="The YAML file, as text."
    )


class FrameworkViewSet(Readers, ReadOnlyModelViewSet[Framework]):
    """Frameworks in all their versions; `is_current` are those that are shown."""

    queryset = Framework.objects.all()
    serializer_class = FrameworkSerializer
    filterset_class = FrameworkFilter
    orders = {"-id": "pk", "id": "pk"}

    @extend_schema(request=GivenFramework, responses={201: FrameworkSerializer})
    def create(self, request: Request) -> Response:
        """Add a framework of your own, or a new version of it. Every error of the file is named with its place."""
        access.require_security(self.who)
        content = inputs.read(GivenFramework, request)["content"].encode()
        try:
            read = own_files.read_yaml(content, checks=frozenset(own_frameworks.known_checks()))
        except FileWrong as error:
            told = [str(problem) for problem in error.problems]
            raise serializers.ValidationError({"content": told}) from error
        added = own_frameworks.add(read, by=self.who, at=timezone.now())
        return Response(self.get_serializer(added.framework).data, status=201)
