"""Replays over REST: asking for one of a version, a grant's end or another tier, its result, and its rows."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory.api import inputs
from inventory.api.serializers import IdentityRef
from inventory.api.views import Reading
from inventory.models import Grant, Identity, Tier
from runtime import replay_now, replays
from runtime.filters import ReplayFilter, ReplayRowsFilter
from runtime.models import PolicySetVersion, Replay, ReplayRow

CHANGES = "Name one change: a version, a grant, or an identity with a tier."


class ReplaySerializer(serializers.ModelSerializer[Replay]):
    result = serializers.DictField(
        read_only=True,
        help_text="Empty until it is done. `unclear_why`: what cannot be judged again, by reason.",
    )

    class Meta:
        model = Replay
        fields = (
            "id", "change", "version", "grant", "identity", "tier", "text_digest", "since", "until",
            "status", "asked_by", "asked_at", "finished_at", "done", "total", "error",
            "input_digest", "result", "result_digest",
        )  # fmt: skip


class ReplayDetailSerializer(ReplaySerializer):
    whole = serializers.SerializerMethodField(
        help_text="Whether the kept result still is what was worked out; null until it is done."
    )

    class Meta(ReplaySerializer.Meta):
        fields = (*ReplaySerializer.Meta.fields, "whole")  # type: ignore[assignment]  # one more

    def get_whole(self, row: Replay) -> bool | None:
        return replays.verified(row) if row.status == Replay.Status.DONE else None


class ReplayRowSerializer(serializers.ModelSerializer[ReplayRow]):
    identity = IdentityRef(read_only=True, allow_null=True)
    task = serializers.IntegerField(source="task_key", read_only=True, allow_null=True)
    policies = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ReplayRow
        fields = (
            "id", "replay", "kind", "identity", "subject", "action", "resource_type", "resource_id",
            "task", "before", "after", "reason", "policies", "times", "first_at", "last_at", "example",
        )  # fmt: skip


class NewReplay(inputs.Given):
    version = inputs.RowField(
        PolicySetVersion.objects.all(), for_all=True, required=False, help_text="Of policies."
    )
    grant = inputs.RowField(Grant.objects.all(), required=False, help_text="What if it ended?")
    identity = inputs.RowField(Identity.objects.all(), required=False, help_text="With a tier.")
    tier = serializers.ChoiceField(Tier.choices, required=False)
    days = serializers.IntegerField(min_value=1, max_value=replays.LONGEST_DAYS, default=7)


class ReplayViewSet(Reading, ReadOnlyModelViewSet[Replay]):
    """What a change would have done to what was asked in the past days."""

    queryset = Replay.objects.all()
    serializer_class = ReplaySerializer
    detail_serializer_class = ReplayDetailSerializer
    filterset_class = ReplayFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        return replays.visible_to(self.who)

    @extend_schema(request=NewReplay, responses={202: ReplayDetailSerializer})
    def create(self, request: Request) -> Response:
        """Ask for one; the answer is the replay, which a worker takes up. Nothing changes by it."""
        asked = self._ask(inputs.read(NewReplay, request))
        made = replay_now.start(asked, at=timezone.now())
        return Response(self.get_serializer(made).data, status=202)

    def _ask(self, given: dict[str, Any]) -> Replay:  # Any: fields
        asking = {"days": given.pop("days"), "by": self.who, "at": timezone.now()}
        if set(given) == {"version"}:
            return replays.of_version(given["version"], **asking)
        if set(given) == {"grant"}:
            return replays.of_grant(given["grant"], **asking)
        if set(given) == {"identity", "tier"}:
            return replays.of_tier(given["identity"], tier=given["tier"], **asking)
        raise ValidationError({"version": CHANGES})


class ReplayRowViewSet(ListModelMixin, Reading):
    """Requests that would have been answered otherwise, those asked most often first."""

    queryset = ReplayRow.objects.all()
    serializer_class = ReplayRowSerializer
    filterset_class = ReplayRowsFilter
    orders = {"-times": "times", "times": "times", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        mine = replays.visible_to(self.who).order_by().values("pk")
        return ReplayRow.objects.filter(replay__in=mine).select_related("identity")
