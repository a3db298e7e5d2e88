"""Where access leads: target systems, resources in them, and what can be done there."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models.identity import Environment, Risk
from inventory.models.person import Person
from inventory.models.source import Sourced
from inventory.noted import CHANGED, OF_ALL, noted


class System(Sourced):
    """A target system: an AWS account, a cluster, a SaaS product, a database server."""

    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=40, blank=True, default="")
    environment = models.CharField(max_length=12, choices=Environment, blank=True, default="")
    owner = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="systems"
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="system_is_once_in_a_namespace"
            ),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(OF_ALL)]

    def __str__(self) -> str:
        return self.name


class Resource(Sourced):
    """Something in a system: a dataset, a bucket, a repository."""

    class Sensitivity(models.TextChoices):
        PUBLIC = "public", "Public"
        INTERNAL = "internal", "Internal"
        CONFIDENTIAL = "confidential", "Confidential"
        RESTRICTED = "restricted", "Restricted"

    system = models.ForeignKey(System, models.CASCADE, related_name="resources")
    name = models.CharField(max_length=500)
    kind = models.CharField(max_length=40, blank=True, default="")
    sensitivity = models.CharField(max_length=12, choices=Sensitivity, blank=True, default="")
    environment = models.CharField(max_length=12, choices=Environment, blank=True, default="")
    owner = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="resources"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="resource_is_once_in_a_namespace"
            ),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(OF_ALL)]

    def __str__(self) -> str:
        return self.name


class Entitlement(Sourced):
    """What can be held: one action or role on a system or resource, or one statement of a policy kept as patterns."""

    class Effect(models.TextChoices):
        ALLOW = "allow", "Allow"
        DENY = "deny", "Deny"

    system = models.ForeignKey(System, models.CASCADE, related_name="entitlements")
    resource = models.ForeignKey(
        Resource, models.CASCADE, null=True, blank=True, related_name="entitlements"
    )
    name = models.CharField(max_length=500)
    effect = models.CharField(max_length=5, choices=Effect, default=Effect.ALLOW)
    actions = ArrayField(models.TextField(), default=list, blank=True)
    not_actions = ArrayField(models.TextField(), default=list, blank=True)
    resources = ArrayField(models.TextField(), default=list, blank=True)
    not_resources = ArrayField(models.TextField(), default=list, blank=True)
    conditions = models.JSONField(default=dict, blank=True)
    policy = models.CharField(max_length=1000, blank=True, default="")
    risk = models.CharField(max_length=8, choices=Risk, default=Risk.LOW)
    writes = models.BooleanField(null=True, blank=True)
    wildcard = models.BooleanField(default=False)
    admin = models.BooleanField(default=False)
    caveats = ArrayField(models.TextField(), default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="entitlement_is_once_in_a_namespace"
            ),
            models.CheckConstraint(
                condition=Q(risk__in=["low", "medium", "high", "critical"]),
                name="entitlement_risk_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["risk", "id"], name="entitlement_by_risk"),
            models.Index(fields=["policy"], name="entitlement_of_policy"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="entitlement_name_search"),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(OF_ALL, on=CHANGED)]

    def __str__(self) -> str:
        return self.name
