"""Cuts over REST: what would cut an identity off, and proposing it. A person approves in a browser, never a program."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access, cuts
from inventory.api import inputs
from inventory.api.serializers import EntitlementSerializer, IdentityRef, StateField
from inventory.api.views import Reading
from inventory.cuts import Cut, Removal
from inventory.models import Entitlement, Identity
from reviews import cut_words, path_cuts
from reviews.api import UserRef
from reviews.cut_list import CutFilter
from reviews.models import PathCut


class RemovalSerializer(serializers.Serializer[Any]):
    """One delegation or grant to end."""

    noun = serializers.ChoiceField(["delegation", "grant"])
    id = serializers.IntegerField(source="key", min_value=1, max_value=2**63 - 1)
    words = serializers.CharField(read_only=True)


class OfferedCutSerializer(serializers.Serializer[Any]):
    """One set whose end closes every way."""

    ends = RemovalSerializer(many=True)
    effects = serializers.ListField(
        child=serializers.CharField(), help_text="What else it takes away, in sentences."
    )


class ProposalSerializer(serializers.Serializer[Any]):
    """The smallest cuts, those that break least first."""

    reached = serializers.BooleanField(help_text="False: there is no way, and nothing to cut.")
    way = serializers.ListField(
        child=serializers.CharField(), help_text="The shortest way, hop by hop."
    )
    smallest = serializers.BooleanField(help_text="Proven that nothing smaller would do.")
    truncated = serializers.BooleanField(help_text="Ways longer than are followed may remain.")
    cuts = OfferedCutSerializer(many=True)


class PathCutSerializer(serializers.ModelSerializer[PathCut]):
    identity = IdentityRef(read_only=True)
    target_identity = IdentityRef(read_only=True, allow_null=True)
    target_entitlement = EntitlementSerializer(read_only=True, allow_null=True)
    asked_by = UserRef(read_only=True)
    decided_by = UserRef(read_only=True, allow_null=True)
    state = StateField(help_text="waiting, applied, refused or lapsed, at this moment.")
    delegations = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    grants = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    way = serializers.ListField(child=serializers.CharField(), read_only=True)
    effects = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = PathCut
        fields = (
            "id", "state", "identity", "target_identity", "target_entitlement", "delegations", "grants",
            "way", "effects", "reason", "asked_by", "asked_at", "expires_at", "decided_by",
            "decided_at", "answer",
        )  # fmt: skip


class _Aimed(inputs.Given):
    """Whom to cut off, and from what: an entitlement, or another identity."""

    identity = inputs.RowField(Identity.objects.all())
    entitlement = inputs.RowField(
        Entitlement.objects.select_related("system"), for_all=True, required=False
    )
    reaches = inputs.RowField(Identity.objects.all(), required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        target = [given[name] for name in ("entitlement", "reaches") if name in given]
        if len(target) != 1:
            raise serializers.ValidationError(
                "Name what it should not reach: an entitlement, or an identity as “reaches”, and only one of them."
            )
        return {**given, "target": target[0]}


class Look(_Aimed):
    pass


class AskCut(_Aimed):
    ends = RemovalSerializer(
        many=True, allow_empty=False, help_text="One of the sets that /cuts/look/ offers."
    )
    reason = serializers.CharField(max_length=2_000, help_text="Why it should not reach it.")


class CutViewSet(Reading, ReadOnlyModelViewSet[PathCut]):
    """Delegations and grants that are to end, so that an identity no longer reaches something."""

    queryset = PathCut.objects.select_related(
        "identity", "target_identity", "target_entitlement__system", "asked_by", "decided_by"
    )
    serializer_class = PathCutSerializer
    filterset_class = CutFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        return path_cuts.visible_to(self.who).select_related(
            "identity", "target_identity", "target_entitlement__system", "asked_by", "decided_by"
        )

    @extend_schema(request=Look, responses=ProposalSerializer)
    @action(detail=False, methods=["post"])
    def look(self, request: Request) -> Response:
        """The smallest sets of delegations and grants that would cut it off. Nothing is changed."""
        given = inputs.read(Look, request)
        access.require(self.who, "revoke", given["identity"])
        proposal = cuts.propose(
            given["identity"].pk, path_cuts.target_of(given["target"]), timezone.now()
        )
        answer = {
            "reached": proposal.way is not None,
            "way": cut_words.steps(proposal.way) if proposal.way else [],
            "smallest": proposal.smallest,
            "truncated": proposal.cut_short,
            "cuts": _offered(proposal.cuts),
        }
        return Response(ProposalSerializer(answer).data)

    @extend_schema(request=AskCut, responses={201: PathCutSerializer})
    def create(self, request: Request) -> Response:
        """Propose a cut. It ends nothing until another person approves it."""
        given = inputs.read(AskCut, request)
        made = path_cuts.ask(
            given["identity"],
            given["target"],
            {Removal(one["noun"], one["key"]) for one in given["ends"]},
            by=self.who,
            reason=given["reason"],
            at=timezone.now(),
        )
        return Response(self.get_serializer(self.get_queryset().get(pk=made.pk)).data, status=201)


def _offered(found: list[Cut]) -> list[dict[str, object]]:
    words = cut_words.removals(each for cut in found for each in cut.removals)
    return [
        {
            "ends": [
                {"noun": each.noun, "key": each.key, "words": words.get(each, "")}
                for each in sorted(cut.removals)
            ],
            "effects": cut_words.effects(cut.effects),
        }
        for cut in found
    ]
