"""Policies over REST: sets, versions, their tests, and the entities of applications. To change them is for security."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access
from inventory.api import inputs
from inventory.api.views import Readers
from inventory.models import Environment
from runtime import entities, filters, policies, policy_tests
from runtime.entities import MOST_AT_ONCE
from runtime.models import PolicyEntity, PolicySet, PolicySetVersion, PolicyTest
from runtime.policies import Written
from runtime.policy_text import LARGEST


class PolicySetSerializer(serializers.ModelSerializer[PolicySet]):
    live_version = serializers.SerializerMethodField(help_text="The id of what decides now.")

    class Meta:
        model = PolicySet
        fields = ("id", "name", "domain", "purpose", "monitored", "created_at", "live_version")

    def get_live_version(self, policy_set: PolicySet) -> int | None:
        return next((one.pk for one in policy_set.versions.all() if one.is_live), None)


class PolicyVersionSerializer(serializers.ModelSerializer[PolicySetVersion]):
    digest = serializers.CharField(help_text="SHA-256 of the text and the schema.")

    class Meta:
        model = PolicySetVersion
        fields = (
            "id", "policy_set", "number", "base", "state", "text", "schema", "note", "digest",
            "author", "created_at", "changed_at", "activated_at", "activated_by", "retired_at",
        )  # fmt: skip


class PolicyTestSerializer(serializers.ModelSerializer[PolicyTest]):
    request = serializers.DictField(help_text="An AuthZEN evaluation request.")

    class Meta:
        model = PolicyTest
        fields = ("id", "version", "name", "request", "permitted")


class ParentSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    id = serializers.CharField()


class PolicyEntitySerializer(serializers.ModelSerializer[PolicyEntity]):
    attributes = serializers.DictField()
    parents = ParentSerializer(many=True)

    class Meta:
        model = PolicyEntity
        fields = ("id", "type", "key", "attributes", "parents", "changed_at")


class PolicyProblemSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    message = serializers.CharField()
    policy = serializers.CharField(allow_blank=True, help_text="Its @id, when it has one.")


class OutcomeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    expected = serializers.BooleanField()
    permitted = serializers.BooleanField()
    passed = serializers.BooleanField()
    policies = serializers.ListField(child=serializers.CharField())
    problem = serializers.CharField(allow_blank=True)


class ValiditySerializer(serializers.Serializer[Any]):
    """Whether the version may go live: no problem, and every test passed."""

    problems = PolicyProblemSerializer(many=True)
    tests = OutcomeSerializer(many=True)
    ready = serializers.BooleanField()


class NewPolicySet(inputs.Given):
    name = serializers.SlugField(max_length=60)
    purpose = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)


class NewPolicyVersion(inputs.Given):
    policy_set = inputs.RowField(PolicySet.objects.all(), for_all=True)
    text = serializers.CharField(max_length=LARGEST, trim_whitespace=False)
    schema = serializers.CharField(
        max_length=LARGEST, required=False, allow_blank=True, default="", trim_whitespace=False
    )
    note = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")
    base = inputs.RowField(
        PolicySetVersion.objects.all(), for_all=True, required=False, allow_null=True, default=None
    )


class NewPolicyTest(inputs.Given):
    version = inputs.RowField(PolicySetVersion.objects.all(), for_all=True)
    name = serializers.CharField(max_length=200)
    request = serializers.DictField(help_text="An AuthZEN evaluation request.")
    permitted = serializers.BooleanField(help_text="The right answer.")


class Monitor(inputs.Reason):
    environments = serializers.ListField(
        child=serializers.ChoiceField(Environment.choices), max_length=len(Environment.choices),
        help_text="Where the set only watches; in all others it is enforced.",
    )  # fmt: skip


class Name(serializers.Serializer[Any]):
    type = serializers.CharField(max_length=100)
    id = serializers.CharField(max_length=500)


class GivenEntity(Name):
    attributes = serializers.DictField(required=False, default=dict)
    parents = Name(many=True, required=False, default=list)


class GivenEntities(inputs.Given):
    entities = serializers.ListField(child=GivenEntity(), max_length=MOST_AT_ONCE)


class Loaded(serializers.Serializer[Any]):
    loaded = serializers.IntegerField()


class PolicySetViewSet(Readers, ReadOnlyModelViewSet[PolicySet]):
    """Policy sets: the inventory's, and those of applications."""

    queryset = PolicySet.objects.prefetch_related("versions")
    serializer_class = PolicySetSerializer
    filterset_class = filters.PolicySetFilter
    orders = {"id": "pk", "name": "name"}

    @extend_schema(request=NewPolicySet, responses={201: PolicySetSerializer})
    def create(self, request: Request) -> Response:
        """Make a policy set of an application; the inventory has its own."""
        access.require_security(self.who)
        given = inputs.read(NewPolicySet, request)
        made = policies.make_set(
            domain=PolicySet.Domain.APPLICATION, by=self.who, at=timezone.now(), **given
        )
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=Monitor, responses=PolicySetSerializer)
    @action(detail=True, methods=["post"])
    def monitor(self, request: Request, pk: str) -> Response:
        """Say in which environments the set only watches."""
        return self._do(Monitor, lambda row, **given: policies.monitor(row, by=self.who, **given))

    @extend_schema(request=inputs.Reason, responses=PolicySetSerializer)
    @action(detail=True, methods=["post"], url_path="roll-back")
    def roll_back(self, request: Request, pk: str) -> Response:
        """Make the version live again that was live before."""
        at = timezone.now()
        return self._do(
            inputs.Reason, lambda row, **given: policies.roll_back(row, by=self.who, at=at, **given)
        )

    def _do(self, given: type[inputs.Given], rule: Callable[..., object]) -> Response:
        policy_set = self.get_object()
        access.require_security(self.who)
        rule(policy_set, **inputs.read(given, self.request))
        return Response(self.get_serializer(self.get_object()).data)


class PolicyVersionViewSet(Readers, ReadOnlyModelViewSet[PolicySetVersion]):
    """Versions of policy sets: drafts, what is live, and what was."""

    queryset = PolicySetVersion.objects.select_related("policy_set")
    serializer_class = PolicyVersionSerializer
    filterset_class = filters.PolicyVersionFilter
    orders = {"-id": "pk", "id": "pk"}

    @extend_schema(request=NewPolicyVersion, responses={201: PolicyVersionSerializer})
    def create(self, request: Request) -> Response:
        """Write a draft; it decides nothing until it is activated."""
        access.require_security(self.who)
        given = inputs.read(NewPolicyVersion, request)
        written = Written(given["text"], given["schema"], given["note"])
        made = policies.draft(
            given["policy_set"], written, base=given["base"], by=self.who, at=timezone.now()
        )
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(responses=ValiditySerializer)
    @action(detail=True, methods=["get"])
    def validity(self, request: Request, pk: str) -> Response:
        """Say what stands against activating it: problems with line and column, and failing tests."""
        version = self.get_object()
        problems, tests = policies.problems_of(version), policy_tests.run(version)
        ready = not problems and all(one.passed for one in tests)
        shown = {"problems": problems, "tests": tests, "ready": ready}
        return Response(ValiditySerializer(shown).data)

    @extend_schema(request=inputs.Reason, responses=PolicyVersionSerializer)
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: str) -> Response:
        """Make it the live version of its set, when it is valid and its tests pass."""
        version = self.get_object()
        access.require_security(self.who)
        given = inputs.read(inputs.Reason, request)
        policies.activate(version, by=self.who, at=timezone.now(), **given)
        return Response(self.get_serializer(self.get_object()).data)


class PolicyTestViewSet(Readers, ReadOnlyModelViewSet[PolicyTest]):
    """Tests of versions: a request, and the answer that is right."""

    queryset = PolicyTest.objects.select_related("version__policy_set")
    serializer_class = PolicyTestSerializer
    filterset_class = filters.PolicyTestFilter

    @extend_schema(request=NewPolicyTest, responses={201: PolicyTestSerializer})
    def create(self, request: Request) -> Response:
        """Put a test beside a draft, in place of one with the same name."""
        access.require_security(self.who)
        given = inputs.read(NewPolicyTest, request)
        made = policies.put_test(given.pop("version"), by=self.who, **given)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=inputs.Nothing, responses={204: None})
    @action(detail=True, methods=["post"])
    def remove(self, request: Request, pk: str) -> Response:
        """Take it out of its draft."""
        test = self.get_object()
        access.require_security(self.who)
        inputs.read(inputs.Nothing, request)
        policies.remove_test(test, by=self.who)
        return Response(status=204)


class PolicyEntityViewSet(Readers, ReadOnlyModelViewSet[PolicyEntity]):
    """Subjects, resources, actions and groups of applications, which are not in the inventory."""

    queryset = PolicyEntity.objects.all()
    serializer_class = PolicyEntitySerializer
    filterset_class = filters.PolicyEntityFilter

    @extend_schema(request=GivenEntities, responses={201: Loaded})
    def create(self, request: Request) -> Response:
        """Load entities, all or none; those that are there are replaced."""
        access.require_security(self.who)
        given = inputs.read(GivenEntities, request)
        number = entities.load(given["entities"], by=self.who, at=timezone.now())
        return Response({"loaded": number}, status=201)

    @extend_schema(request=inputs.Reason, responses={204: None})
    @action(detail=True, methods=["post"])
    def remove(self, request: Request, pk: str) -> Response:
        """Make the entity unknown."""
        entity = self.get_object()
        access.require_security(self.who)
        entities.remove(entity, by=self.who, **inputs.read(inputs.Reason, request))
        return Response(status=204)
