"""What the API shows of each noun: plain values, other nouns by reference, never a secret."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from inventory.models import (
    Credential,
    Delegation,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Person,
    Source,
    System,
    Team,
    Tool,
    ToolBinding,
)

PROVENANCE = ("source", "external_id", "first_seen_at", "gone_at")


class TeamRef(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ("id", "name")


class PersonRef(serializers.ModelSerializer[Person]):
    class Meta:
        model = Person
        fields = ("id", "name", "email")


class IdentityRef(serializers.ModelSerializer[Identity]):
    class Meta:
        model = Identity
        fields = ("id", "name", "kind")


class SystemRef(serializers.ModelSerializer[System]):
    class Meta:
        model = System
        fields = ("id", "name")


class Sourced(serializers.ModelSerializer[Any]):
    """Where the row came from; `source` is the key of the source."""

    source = serializers.SlugRelatedField[Source](  # type: ignore[assignment]  # the noun's own name
        slug_field="key", read_only=True
    )


class StateField(serializers.CharField):
    """The row's state at the moment of the request (law 1)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(source="*", read_only=True, **options)

    def to_representation(self, value: Any) -> str:
        return str(value.state(self.context["at"]))


class TeamSerializer(Sourced):
    class Meta:
        model = Team
        fields = ("id", "name", *PROVENANCE)


class PersonSerializer(Sourced):
    team = TeamRef(read_only=True, allow_null=True)
    manager = PersonRef(read_only=True, allow_null=True)

    class Meta:
        model = Person
        fields = (
            "id", "name", "email", "status", "leaves_at", "left_at", "team", "manager", *PROVENANCE,
        )  # fmt: skip


class IdentitySerializer(Sourced):
    owner = PersonRef(read_only=True, allow_null=True)
    sponsor = PersonRef(read_only=True, allow_null=True)
    team = TeamRef(read_only=True, allow_null=True)
    is_agent = serializers.BooleanField(read_only=True)

    class Meta:
        model = Identity
        fields = (
            "id", "name", "kind", "is_agent", "lifecycle", "environment", "purpose", "spiffe_id",
            "owner", "owner_confirmed_at", "owner_lost_at", "sponsor", "team",
            "declared_tier", "observed_tier", "risk", "risk_assessed_at",
            "third_party", "supplier", "supplier_reviewed_at", "platform_managed", "source_state",
            "created_at", "suspended_at", "retired_at", "compromised_at", "last_active_at", "activity_known",
            "open_findings", "worst_severity", "caveats", *PROVENANCE,
        )  # fmt: skip


class CredentialSerializer(Sourced):
    identity = IdentityRef(read_only=True)
    state = StateField()

    class Meta:
        model = Credential
        fields = (
            "id", "identity", "kind", "key_id", "fingerprint", "bound_to", "environment", "state",
            "issued_at", "rotated_at", "expires_at", "expiry_known", "lifetime_seconds",
            "last_used_at", "use_known", "enabled", "compromised_at", "revoked_at",
            "revocation_confirmed_at", "revocation_proof", "caveats", *PROVENANCE,
        )  # fmt: skip


class EntitlementSerializer(serializers.ModelSerializer[Entitlement]):
    system = SystemRef(read_only=True)

    class Meta:
        model = Entitlement
        fields = ("id", "system", "name", "effect", "policy", "risk", "writes", "wildcard", "admin")


class SystemSerializer(Sourced):
    owner = PersonRef(read_only=True, allow_null=True)

    class Meta:
        model = System
        fields = ("id", "name", "kind", "environment", "owner", *PROVENANCE)


class EntitlementDetailSerializer(EntitlementSerializer):
    """With its patterns as the platform has them, never expanded, and where the effect is only approximated."""

    source = serializers.SlugRelatedField[Source](  # type: ignore[assignment]  # the noun's own name
        slug_field="key", read_only=True
    )

    class Meta(EntitlementSerializer.Meta):
        fields = (  # type: ignore[assignment]  # more of them
            *EntitlementSerializer.Meta.fields, "actions", "not_actions", "resources", "not_resources",
            "conditions", "caveats", *PROVENANCE,
        )  # fmt: skip


class GrantSerializer(Sourced):
    identity = IdentityRef(read_only=True)
    entitlement = EntitlementSerializer(read_only=True)
    approved_by = PersonRef(read_only=True, allow_null=True)
    state = StateField()

    class Meta:
        model = Grant
        fields = (
            "id", "identity", "entitlement", "task", "just_in_time", "via", "state", "starts_at",
            "expires_at", "extended_at", "idle_limit", "replaces", "revoked_at", "end_cause",
            "revocation_confirmed_at", "revocation_proof", "granted_by", "approved_by", "approved_at",
            "reason", "last_used_at", "use_known", "caveats", *PROVENANCE,
        )  # fmt: skip


class DelegationSerializer(Sourced):
    delegator_person = PersonRef(read_only=True, allow_null=True)
    delegator_identity = IdentityRef(read_only=True, allow_null=True)
    delegate = IdentityRef(read_only=True)
    state = StateField()

    class Meta:
        model = Delegation
        fields = (
            "id", "delegator_person", "delegator_identity", "delegate", "how", "scope_all", "task",
            "may_redelegate", "state", "starts_at", "expires_at", "revoked_at", "end_cause",
            "revocation_confirmed_at", "revocation_proof", "conditions", "caveats", *PROVENANCE,
        )  # fmt: skip


class ToolSerializer(Sourced):
    approval = serializers.SerializerMethodField(
        help_text="Only an approved one may be called. Changed: it was approved as something else."
    )

    class Meta:
        model = Tool
        fields = (
            "id", "provider", "name", "description", "descriptor", "descriptor_digest", "state",
            "state_reason", "approval", "approved_digest", "approved_by", "approved_at", "writes",
            "risk", "hinted_risk", "hinted_why", "judged_risk", "judged_why", *PROVENANCE,
        )  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(["approved", "changed", "pending", "disabled"]))
    def get_approval(self, tool: Tool) -> str:
        if tool.state == Tool.State.UNSET:
            return "pending"
        return "changed" if tool.is_changed else tool.state


class ToolBindingSerializer(Sourced):
    tool = ToolSerializer(read_only=True)

    class Meta:
        model = ToolBinding
        fields = ("id", "tool", "origin", "ended_at", *PROVENANCE)


class SuccessorSerializer(serializers.Serializer[Any]):
    rank = serializers.IntegerField()
    person = PersonRef()


class IdentityDetailSerializer(IdentitySerializer):
    """One identity, with its successors in order and the tools it holds."""

    successors = SuccessorSerializer(many=True, read_only=True)
    tools = ToolBindingSerializer(many=True, read_only=True, source="tool_bindings")

    class Meta(IdentitySerializer.Meta):
        fields = (*IdentitySerializer.Meta.fields, "successors", "tools")  # type: ignore[assignment]


class SourceSerializer(serializers.ModelSerializer[Source]):
    is_stale = serializers.SerializerMethodField()

    class Meta:
        model = Source
        fields = (
            "id", "key", "kind", "namespace", "label", "expected_every", "last_complete_at",
            "last_run_at", "is_stale",
        )  # fmt: skip

    def get_is_stale(self, source: Source) -> bool:
        return source.is_stale(self.context["at"])


class CountsSerializer(serializers.Serializer[Any]):
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    gone = serializers.IntegerField()


class ImportSerializer(serializers.ModelSerializer[ImportRun]):
    """A run without its rejected rows, of which the detail shows the first 1,000."""

    source = serializers.SlugRelatedField[Source](  # type: ignore[assignment]  # the noun's own name
        slug_field="key", read_only=True
    )
    kind = serializers.CharField(source="source.kind", read_only=True)
    counts = serializers.DictField(
        child=CountsSerializer(),
        read_only=True,
        help_text="By noun: rows new, changed, unchanged, gone.",
    )
    tallies = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="What the file itself holds."
    )
    file_names = serializers.ListField(child=serializers.CharField(), read_only=True)
    incomplete_reasons = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ImportRun
        fields: tuple[str, ...] = (
            "id", "source", "kind", "status", "partial", "complete", "incomplete_reasons", "file_names",
            "file_digest", "author", "created_at", "started_at", "finished_at", "progress",
            "rows_read", "counts", "tallies", "rejected_count", "error",
        )  # fmt: skip


class RejectedSerializer(serializers.Serializer[Any]):
    place = serializers.CharField()
    field = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()

    def to_representation(self, row: Any) -> dict[str, str]:
        return dict(zip(("place", "field", "reason"), map(str, row), strict=True))


class ImportDetailSerializer(ImportSerializer):
    rejected = RejectedSerializer(many=True, read_only=True)

    class Meta(ImportSerializer.Meta):
        fields = (*ImportSerializer.Meta.fields, "rejected")
