"""Policies: sets of Cedar text in versions, the tests beside a version, and entities of applications."""

import hashlib
from typing import Any

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models import Environment
from inventory.noted import OF_ALL, OF_APPLICATIONS, noted

# An AuthZEN type becomes a Cedar type (App::user), so it is a Cedar identifier.
TYPE_NAME = r"^[A-Za-z][A-Za-z0-9_]{0,99}$"
# These AuthZEN types mean rows of the inventory; no policy entity can pose as one.
INVENTORY_TYPES = ("identity", "person", "resource", "system", "tool")


class PolicySet(models.Model):
    """Policies that belong together: about the inventory, of which there is one set, or about an application."""

    class Domain(models.TextChoices):
        INVENTORY = "inventory", "The inventory"
        APPLICATION = "application", "An application"

    name = models.SlugField(max_length=60, unique=True)
    domain = models.CharField(max_length=11, choices=Domain)
    purpose = models.TextField(blank=True, default="", help_text="What it is for, in words.")
    monitored = ArrayField(
        models.CharField(max_length=12, choices=Environment),
        default=list,
        blank=True,
        help_text="Environments in which its answers are recorded and not enforced.",
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(domain__in=["inventory", "application"]),
                name="policy_set_domain_is_known",
            ),
            models.UniqueConstraint(
                fields=["domain"],
                condition=Q(domain="inventory"),
                name="policy_set_of_the_inventory_is_one",
                violation_error_message="The inventory has a policy set already. Make a new version of it.",
            ),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(OF_ALL)]

    def __str__(self) -> str:
        return self.name

    def is_monitored(self, environment: str) -> bool:
        """Whether the set only watches there. An identity without an environment is never spared."""
        return environment in self.monitored


class PolicySetVersionQuerySet(models.QuerySet["PolicySetVersion"]):
    def live(self) -> "PolicySetVersionQuerySet":
        return self.filter(state=PolicySetVersion.State.LIVE)


class PolicySetVersion(models.Model):
    """One text of a policy set. A draft may change; what was live once never does again."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        LIVE = "live", "Live"
        RETIRED = "retired", "Retired"

    policy_set = models.ForeignKey(PolicySet, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    base = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+",
        help_text="The version it was made from; the difference is shown against it.",
    )  # fmt: skip
    text = models.TextField(help_text="Cedar policies.")
    schema = models.TextField(
        blank=True,
        default="",
        help_text="Cedar schema of the namespace App; only for an application.",
    )
    note = models.TextField(blank=True, default="", help_text="What changes, and why.")
    state = models.CharField(max_length=7, choices=State, default=State.DRAFT)
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.CharField(max_length=200, blank=True, default="")
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = PolicySetVersionQuerySet.as_manager()

    class Meta:
        ordering = ["policy_set", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["policy_set", "number"], name="policy_set_version_number_is_once"
            ),
            models.UniqueConstraint(
                fields=["policy_set"],
                condition=Q(state="live"),
                name="policy_set_has_one_live_version",
                violation_error_message="Another version of this set is live.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "live", "retired"]),
                name="policy_set_version_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(activated_at__isnull=False),
                name="policy_set_version_was_activated",
            ),
        ]
        triggers = [
            *tracked(identity="NULL::bigint"),
            *noted(OF_ALL),
            pgtrigger.Protect(
                name="text_stays_once_live",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=["live", "retired"])
                & (
                    pgtrigger.Q(old__text__df=pgtrigger.F("new__text"))
                    | pgtrigger.Q(old__schema__df=pgtrigger.F("new__schema"))
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_set_id} version {self.number}"

    @property
    def is_live(self) -> bool:
        return self.state == self.State.LIVE

    @property
    def digest(self) -> str:
        """SHA-256 of what decides: the text and the schema."""
        return hashlib.sha256(f"{self.text}\x00{self.schema}".encode()).hexdigest()


class PolicyTest(models.Model):
    """A request and the answer that the policies of a version must give to it.

    The request is an AuthZEN evaluation request. What the inventory would say is told by its `properties` and
    `context`, so that a test means the same on any day.
    """

    version = models.ForeignKey(PolicySetVersion, models.CASCADE, related_name="tests")
    name = models.CharField(max_length=200)
    request = models.JSONField()
    permitted = models.BooleanField(help_text="The answer that is right.")

    class Meta:
        ordering = ["version", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "name"],
                name="policy_test_name_is_once_in_a_version",
                violation_error_message="A test with this name is there already.",
            ),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return self.name


class PolicyEntity(models.Model):
    """A subject, resource, action or group of an application, which is not in the inventory.

    It is decided about by the policies of applications alone, as App::<type>, and can never reach the inventory.
    """

    type = models.CharField(max_length=100)
    key = models.CharField(max_length=500, help_text="Its id, unique within its type.")
    attributes = models.JSONField(default=dict, blank=True)
    parents = models.JSONField(
        default=list, blank=True, help_text='Groups that it is in: [{"type": ..., "id": ...}].'
    )
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "policy entities"
        ordering = ["type", "key"]
        constraints = [
            models.UniqueConstraint(fields=["type", "key"], name="policy_entity_is_once_in_a_type"),
            models.CheckConstraint(
                condition=Q(type__regex=TYPE_NAME) & ~Q(type__in=INVENTORY_TYPES),
                name="policy_entity_type_is_not_the_inventorys",
                violation_error_message="This type belongs to the inventory, or is no name.",
            ),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(OF_APPLICATIONS)]

    def __str__(self) -> str:
        return f"{self.type}/{self.key}"

    @property
    def uid(self) -> dict[str, str]:
        return {"type": f"App::{self.type}", "id": self.key}

    def as_cedar(self) -> dict[str, Any]:  # Any: JSON
        return {
            "uid": self.uid,
            "attrs": self.attributes,
            "parents": [{"type": f"App::{one['type']}", "id": one["id"]} for one in self.parents],
        }


def live_versions(domain: str) -> models.QuerySet[PolicySetVersion]:
    """What decides now in a domain."""
    rows = PolicySetVersion.objects.live().filter(policy_set__domain=domain)
    return rows.select_related("policy_set").order_by("pk")


def next_number(policy_set: PolicySet) -> int:
    newest = policy_set.versions.aggregate(newest=models.Max("number"))["newest"]
    return (newest or 0) + 1
