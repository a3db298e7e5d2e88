"""Where a policy set begins, and a draft that nobody wants any more."""

from datetime import datetime

from django.db import transaction

from inventory import access, audit
from inventory.audit import Actor
from inventory.rules import RuleBroken
from runtime import policies
from runtime.models import PolicySet, PolicySetVersion
from runtime.policies import Written
from runtime.starter_policies import STARTER_TESTS, STARTER_TEXT

State = PolicySetVersion.State
# An application's policies speak of its own types, so its first draft shows only how they are written.
FIRST_TEXT = """@id("owners-read")
@title("Who owns an item may read it")
permit (principal is App::user, action == App::Action::"read", resource is App::item)
when { resource.owner == principal };
"""
FIRST_SCHEMA = """namespace App {
  entity user;
  entity item = { owner: user };
  action "read" appliesTo { principal: [user], resource: [item] };
}
"""


@transaction.atomic
def begin(
    *, name: str, domain: str, purpose: str, by: Actor, at: datetime
) -> PolicySetVersion:  # fmt: skip
    """A new set with its first draft: about the inventory, the starter policies with their tests."""
    made = policies.make_set(name=name, domain=domain, purpose=purpose.strip(), by=by, at=at)
    if domain != PolicySet.Domain.INVENTORY:
        first = Written(FIRST_TEXT, FIRST_SCHEMA, "First draft.")
        return policies.draft(made, first, by=by, at=at)
    starter = Written(STARTER_TEXT, note="The starter policies.")
    version = policies.draft(made, starter, by=by, at=at)
    for title, request, permitted in STARTER_TESTS:
        policies.put_test(version, name=title, request=request, permitted=permitted, by=by)
    return version


def draft_from(base: PolicySetVersion, *, by: Actor, at: datetime) -> PolicySetVersion:
    """A draft that begins with the text and the tests of the version."""
    same = Written(base.text, base.schema)
    return policies.draft(base.policy_set, same, base=base, by=by, at=at)


def discard(version: PolicySetVersion, *, by: Actor, reason: str) -> None:
    """Removes a draft with its tests and replays; the history keeps what it was."""
    access.require_security(by)
    with audit.acting(by, "policy_version.discarded", reason):
        if PolicySetVersion.objects.filter(base=version.pk).exists():
            raise RuleBroken("Another version was made from it. Discard that one first.")
        if not PolicySetVersion.objects.filter(pk=version.pk, state=State.DRAFT).delete()[0]:
            raise RuleBroken("It is not a draft any more, and what was live once is kept.")
