"""Access reviews over REST, to read: what was asked, decided and done. People decide in a browser."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory.api.serializers import IdentityRef, PersonRef
from inventory.api.views import Reading
from reviews import campaigns, review_items
from reviews.api import UserRef
from reviews.campaign_list import CampaignFilter, ItemFilter
from reviews.models import Campaign, ReviewItem


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    named_reviewer = PersonRef(read_only=True, allow_null=True)

    class Meta:
        model = Campaign
        fields = (
            "id", "name", "status", "scope", "team", "reviewers", "named_reviewer", "on_silence",
            "spare_used", "due_at", "grace", "repeat_days", "repeats", "author", "created_at",
            "launched_at", "closed_at", "report_digest",
        )  # fmt: skip


class ReviewItemSerializer(serializers.ModelSerializer[ReviewItem]):
    identity = IdentityRef(read_only=True)
    reviewer = PersonRef(read_only=True, allow_null=True)
    decided_by = UserRef(read_only=True, allow_null=True)
    facts = serializers.SerializerMethodField(
        help_text="What the reviewer was shown, as of the launch."
    )

    class Meta:
        model = ReviewItem
        fields = (
            "id", "campaign", "grant", "identity", "reviewer", "recommendation", "because", "facts",
            "shown_at", "decision", "decided_by", "decided_at", "in_bulk", "reason", "ends_at",
            "done_at", "outcome",
        )  # fmt: skip

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_facts(self, item: ReviewItem) -> dict[str, Any]:  # Any: JSON
        return dict(item.facts)


class CampaignViewSet(Reading, ReadOnlyModelViewSet[Campaign]):
    """Access reviews."""

    queryset = Campaign.objects.all()
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        return campaigns.visible_to(self.who).select_related("named_reviewer")


class ReviewItemViewSet(Reading, ReadOnlyModelViewSet[ReviewItem]):
    """One grant that one reviewer judges in one access review."""

    queryset = ReviewItem.objects.all()
    serializer_class = ReviewItemSerializer
    filterset_class = ItemFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        rows = review_items.visible_to(self.who)
        return rows.select_related("identity", "reviewer", "decided_by")
