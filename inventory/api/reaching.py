"""Effective access over REST: what an identity reaches, who acts as it, and who reaches something."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from inventory import access_questions, blast
from inventory.access_questions import Path, Someone
from inventory.api import stopping, systems
from inventory.api.views import Readers
from inventory.effective import RISKS, Right, access_of, who_acts_as
from inventory.models import Entitlement, Resource

MOST = 1_000  # of each list; `total` says how many there are


class HopSerializer(serializers.Serializer[Any]):
    """One delegation on the way."""

    delegation = serializers.IntegerField()
    actor = serializers.CharField(help_text="Name of who acts.")
    subject = serializers.CharField(help_text="Name of whom it acts as.")
    how = serializers.CharField()
    method = serializers.CharField(help_text="The known method it rests on, where it is derived.")
    meaning = serializers.CharField()
    reference = serializers.CharField()
    scope = serializers.CharField()
    certain = serializers.BooleanField()


class WaySerializer(serializers.Serializer[Any]):
    """The shortest way; without hops where the identity holds it itself."""

    certain = serializers.BooleanField()
    grant = serializers.IntegerField(allow_null=True, help_text="The grant at its end.")
    hops = HopSerializer(many=True)


class ReachedSerializer(serializers.Serializer[Any]):
    """One entitlement that is reached."""

    entitlement = serializers.IntegerField()
    name = serializers.CharField()
    system = serializers.CharField()
    resource = serializers.CharField(allow_blank=True)
    sensitivity = serializers.CharField(allow_blank=True)
    risk = serializers.CharField()
    holder = serializers.IntegerField(help_text="The identity whose grant it is.")
    hops = serializers.IntegerField(help_text="0: its own grant.")
    certain = serializers.BooleanField(help_text="False: it may, under conditions or doubts.")


class EffectiveAccessSerializer(serializers.Serializer[Any]):
    """What the identity can do at this moment, the riskiest first."""

    total = serializers.IntegerField()
    truncated = serializers.BooleanField(help_text="More exist than are listed or followed.")
    reached = ReachedSerializer(many=True)


class SomeoneSerializer(serializers.Serializer[Any]):
    """An identity, by its shortest way."""

    identity = serializers.IntegerField(source="key")
    name = serializers.CharField()
    kind = serializers.CharField(source="words")
    hops = serializers.IntegerField()
    certain = serializers.BooleanField()


class PeopleAndOthersSerializer(serializers.Serializer[Any]):
    """Identities, the nearest first."""

    total = serializers.IntegerField()
    truncated = serializers.BooleanField(help_text="More exist than are listed or followed.")
    identities = SomeoneSerializer(many=True)


class BlastRadiusSerializer(serializers.Serializer[Any]):
    """What a leak of the identity's credential opens."""

    entitlements = serializers.IntegerField()
    through_others = serializers.IntegerField()
    risks = serializers.DictField(child=serializers.IntegerField())
    systems = serializers.DictField(
        child=serializers.IntegerField(), help_text="Entitlements by system."
    )
    datasets = serializers.DictField(
        child=serializers.IntegerField(), help_text="Datasets by sensitivity."
    )
    identities = serializers.IntegerField(help_text="As whom it can act.")
    people = serializers.IntegerField(help_text="On whose behalf it can act.")
    truncated = serializers.BooleanField()


class IdentityViewSet(stopping.IdentityViewSet):
    """AI agents and other non-human identities."""

    @extend_schema(responses=EffectiveAccessSerializer)
    @action(detail=True, methods=["get"], url_path="effective-access")
    def effective_access(self, request: Request, pk: str) -> Response:
        """What it can do, by its own grants and by acting as others."""
        found = access_of(self.get_object().pk, timezone.now())
        reached = blast.described(found.rights.values())
        answer = {
            "total": len(reached),
            "truncated": len(reached) > MOST or found.walk.cut_short,
            "reached": [_reached(each) for each in reached[:MOST]],
        }
        return Response(EffectiveAccessSerializer(answer).data)

    @extend_schema(responses=WaySerializer)
    @action(detail=True, methods=["get"], url_path="way-to/(?P<entitlement>[0-9]{1,18})")
    def way(self, request: Request, pk: str, entitlement: str) -> Response:
        """How it reaches the entitlement, hop by hop; 404 when it does not."""
        path = access_questions.path_to_entitlement(
            self.get_object().pk, int(entitlement), user=self.who, at=timezone.now()
        )
        return _way(path)

    @extend_schema(responses=WaySerializer)
    @action(detail=True, methods=["get"], url_path="path-to/(?P<other>[0-9]{1,18})")
    def path_to(self, request: Request, pk: str, other: str) -> Response:
        """How it can act as the other identity, hop by hop; 404 when it cannot."""
        seen = get_object_or_404(self.get_queryset(), pk=other)
        path = access_questions.path_to_identity(
            self.get_object().pk, seen.pk, user=self.who, at=timezone.now()
        )
        return _way(path)

    @extend_schema(responses=PeopleAndOthersSerializer)
    @action(detail=True, methods=["get"])
    def actors(self, request: Request, pk: str) -> Response:
        """Who can act as it, directly or through others."""
        walk = who_acts_as(self.get_object().pk, timezone.now())
        nearest = [places[0] for places in walk.identities().values() if places[0].hops]
        named = access_questions.identities(nearest[:MOST], user=self.who)
        listed = [_someone(who, certain=who.place.certain) for who in named]
        return _listed(listed, len(nearest), cut_short=walk.cut_short)

    @extend_schema(responses=BlastRadiusSerializer)
    @action(detail=True, methods=["get"], url_path="blast-radius")
    def blast_radius(self, request: Request, pk: str) -> Response:
        """What a leak of its credential opens, counted."""
        found = blast.blast_radius(self.get_object().pk, timezone.now())
        answer = {
            "entitlements": len(found.reached),
            "through_others": found.through_others,
            "risks": {risk: found.count(risk) for risk in RISKS},
            "systems": {each.name: each.total for each in found.systems[:MOST]},
            "datasets": {word or "unknown": len(rows) for word, rows in found.datasets.items()},
            "identities": len(found.identities),
            "people": len(found.people),
            "truncated": found.access.walk.cut_short,
        }
        return Response(BlastRadiusSerializer(answer).data)


class EntitlementViewSet(systems.EntitlementViewSet):
    """What can be held on a system: an action, a role, or one statement of a policy, kept as patterns."""

    @extend_schema(responses=PeopleAndOthersSerializer)
    @action(detail=True, methods=["get"], url_path="reached-by")
    def reached_by(self, request: Request, pk: str) -> Response:
        """Who can use it, by holding it or through others."""
        row: Entitlement = self.get_object()
        return _who([row.pk], self)


class ResourceViewSet(Readers):
    """Datasets, buckets, repositories: who reaches them."""

    queryset = Resource.objects.select_related("system")
    serializer_class = PeopleAndOthersSerializer

    @extend_schema(responses=PeopleAndOthersSerializer)
    @action(detail=True, methods=["get"], url_path="reached-by")
    def reached_by(self, request: Request, pk: str) -> Response:
        """Who can use anything on it, by holding it or through others."""
        row: Resource = self.get_object()
        return _who(access_questions.entitlements_on(row), self)


def _who(entitlements: list[int], view: Readers) -> Response:
    found = access_questions.reached_by(entitlements, user=view.who, at=timezone.now())
    listed = [_someone(who, certain=right.certain) for who, right in found[:MOST]]
    return _listed(listed, len(found), cut_short=False)


def _listed(listed: list[dict[str, object]], total: int, *, cut_short: bool) -> Response:
    answer = {"total": total, "truncated": total > MOST or cut_short, "identities": listed}
    return Response(PeopleAndOthersSerializer(answer).data)


def _someone(who: Someone, *, certain: bool) -> dict[str, object]:
    return {
        "key": who.key,
        "name": who.name,
        "words": who.words,
        "hops": who.hops,
        "certain": certain,
    }


def _reached(each: blast.Reached) -> dict[str, object]:
    right: Right = each.right
    return {
        "entitlement": right.held.entitlement, "name": each.name, "system": each.system_name,
        "resource": each.resource_name, "sensitivity": each.sensitivity, "risk": each.risk,
        "holder": right.held.identity, "hops": right.hops, "certain": right.certain,
    }  # fmt: skip


def _way(path: Path | None) -> Response:
    if path is None:
        raise NotFound(access_questions.NO_WAY)
    answer = {
        "certain": path.certain,
        "grant": path.grant.pk if path.grant else None,
        "hops": list(_hops(path)),
    }
    return Response(WaySerializer(answer).data)


def _hops(path: Path) -> Iterable[dict[str, object]]:
    for step in path.steps:
        yield {
            "delegation": step.delegation.pk, "actor": step.actor, "subject": step.subject,
            "how": step.how, "method": step.method, "meaning": step.meaning,
            "reference": step.reference, "scope": step.scope, "certain": step.certain,
        }  # fmt: skip
