"""Trust bundles, OIDC issuers and OAuth clients over REST: the rules of the pages."""

import json
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
from inventory.api.inputs import RowField
from inventory.api.serializers import IdentityRef
from inventory.api.views import Readers, act
from inventory.models import Identity
from runtime import trust
from runtime.models import OAuthClient, OidcIssuer, TrustBundle
from runtime.trust import IssuerWish

_NOTE: dict[str, Any] = {"max_length": 300, "required": False, "default": "", "allow_blank": True}


class TrustBundleSerializer(serializers.ModelSerializer[TrustBundle]):
    """The public keys of a SPIFFE trust domain."""

    keys = serializers.SerializerMethodField(help_text="How many keys for JWT-SVIDs.")
    authorities = serializers.SerializerMethodField(help_text="How many for X.509-SVIDs.")

    class Meta:
        model = TrustBundle
        fields = (
            "id", "trust_domain", "keys", "authorities", "sequence", "note", "created_at",
            "read_at", "retired_at",
        )  # fmt: skip

    def get_keys(self, bundle: TrustBundle) -> int:
        return len(bundle.jwt_keys)

    def get_authorities(self, bundle: TrustBundle) -> int:
        return len(bundle.x509_authorities)


class OidcIssuerSerializer(serializers.ModelSerializer[OidcIssuer]):
    """An issuer whose tokens may be exchanged."""

    required_claims = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = OidcIssuer
        fields = (
            "id", "issuer", "audience", "claim", "names", "namespace", "required_claims",
            "jwks_url", "note", "created_at", "read_at", "fetch_error", "retired_at",
        )  # fmt: skip


class OAuthClientSerializer(serializers.ModelSerializer[OAuthClient]):
    """A workload that proves itself with a key of its own."""

    identity = IdentityRef(read_only=True)

    class Meta:
        model = OAuthClient
        fields = (
            "id", "client_id", "identity", "thumbprint", "note", "created_at", "last_used_at",
            "retired_at",
        )  # fmt: skip


class GivenBundle(inputs.Given):
    trust_domain = serializers.CharField(max_length=300, help_text="Such as example.org.")
    bundle = serializers.DictField(help_text="The document, as SPIRE shows it.")
    note = serializers.CharField(help_text="Where it comes from.", **_NOTE)


class GivenIssuer(inputs.Given):
    issuer = serializers.CharField(max_length=500, help_text="Exactly as the tokens say it.")
    names = serializers.ChoiceField(OidcIssuer.Names.choices, help_text="Whom the claim names.")
    claim = serializers.CharField(max_length=100, required=False, default="sub")
    namespace = serializers.CharField(
        max_length=40,
        required=False,
        default="",
        allow_blank=True,
        help_text="For IDs of a platform.",
    )
    audience = serializers.CharField(
        max_length=500, required=False, default="", allow_blank=True, help_text="Left out: Mandate."
    )
    required_claims = serializers.DictField(
        child=serializers.CharField(max_length=500), required=False, default=dict
    )
    jwks = serializers.DictField(required=False, help_text="A JWK set; or else its address.")
    jwks_url = serializers.CharField(
        max_length=1_000, required=False, default="", allow_blank=True, help_text="HTTPS, public."
    )
    note = serializers.CharField(help_text="Kept with it.", **_NOTE)


class GivenClient(inputs.Given):
    client_id = serializers.CharField(max_length=200)
    identity = RowField(Identity.objects.all(), help_text="The id of the identity that it is.")
    jwk = serializers.DictField(help_text="Its public key.")
    note = serializers.CharField(help_text="Kept with it.", **_NOTE)


class TrustBundleViewSet(Readers, ReadOnlyModelViewSet[TrustBundle]):
    """SPIFFE trust bundles: what SVIDs are verified against."""

    queryset = TrustBundle.objects.all()
    serializer_class = TrustBundleSerializer
    orders = {"id": "pk"}

    @extend_schema(request=GivenBundle, responses={201: TrustBundleSerializer})
    def create(self, request: Request) -> Response:
        """Give the bundle of a trust domain: a new one, or newer keys for the one that is there."""
        access.require_security(self.who)
        given = inputs.read(GivenBundle, request)
        text = json.dumps(given.pop("bundle"))
        made = trust.give_bundle(
            given.pop("trust_domain"), text, by=self.who, at=timezone.now(), **given
        )
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=inputs.Reason, responses=TrustBundleSerializer)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, pk: str) -> Response:
        """Believe it no more; tokens that rest on it are refused at once."""
        return act(self, inputs.Reason, trust.retire)


class OidcIssuerViewSet(Readers, ReadOnlyModelViewSet[OidcIssuer]):
    """OIDC issuers whose tokens may be exchanged."""

    queryset = OidcIssuer.objects.all()
    serializer_class = OidcIssuerSerializer
    orders = {"id": "pk"}

    @extend_schema(request=GivenIssuer, responses={201: OidcIssuerSerializer})
    def create(self, request: Request) -> Response:
        """Trust an issuer from now on."""
        access.require_security(self.who)
        given = inputs.read(GivenIssuer, request)
        keys = given.pop("jwks", None)
        wish = IssuerWish(**given, jwks=json.dumps(keys) if keys else "")
        made = trust.add_issuer(wish, by=self.who, at=timezone.now())
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=inputs.Reason, responses=OidcIssuerSerializer)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, pk: str) -> Response:
        """Believe it no more; tokens that rest on it are refused at once."""
        return act(self, inputs.Reason, trust.retire)


class OAuthClientViewSet(Readers, ReadOnlyModelViewSet[OAuthClient]):
    """Workloads that prove themselves with a key of their own."""

    queryset = OAuthClient.objects.select_related("identity")
    serializer_class = OAuthClientSerializer
    orders = {"id": "pk"}

    @extend_schema(request=GivenClient, responses={201: OAuthClientSerializer})
    def create(self, request: Request) -> Response:
        """Register the public key of a workload."""
        access.require_security(self.who)
        given = inputs.read(GivenClient, request)
        client_id, identity = given.pop("client_id"), given.pop("identity")
        given["jwk"] = json.dumps(given["jwk"])
        made = trust.register_client(client_id, identity, by=self.who, at=timezone.now(), **given)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=inputs.Reason, responses=OAuthClientSerializer)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, pk: str) -> Response:
        """Believe it no more; tokens that it got are refused at once."""
        return act(self, inputs.Reason, trust.retire)
