"""The named situations of the demo, each in an inventory of its own: they are what their names say."""

from collections.abc import Callable
from datetime import datetime

import pytest

from inventory.models import Delegation, Grant, Identity, Risk, ToolBinding, User
from inventory.rules import RuleBroken
from mandate import demo
from mandate.demo import worlds
from reviews import sweep
from reviews.models import Finding
from tests.factories import NOW, a_person

pytestmark = pytest.mark.django_db


def failing(check_id: str, at: datetime) -> set[str]:
    sweep.run(at, by="job sweep", checks=[check_id])
    found = Finding.objects.open(at).filter(check_id=check_id)
    return {finding.identity.name for finding in found if finding.identity}


@pytest.mark.parametrize(
    ("world", "check_id"),
    [
        (worlds.departed_owner, "owner-active"),
        (worlds.departed_owner, "owner-offboarded-sla"),
        (worlds.shared_key, "credential-single-workload"),
        (worlds.shared_key, "env-separation"),
        (worlds.unreviewed_vendor_app, "third-party-known"),
        (worlds.retired_but_alive, "decommission-complete"),
    ],
)
def test_a_world_shows_what_it_is_named_for(
    world: Callable[[datetime], worlds.World], check_id: str
) -> None:
    made = world(NOW)

    assert failing(check_id, NOW) == set(made.identities)


def test_the_access_of_a_finished_task_is_dead_before_its_end() -> None:
    worlds.finished_task(NOW)

    assert Grant.objects.in_force(NOW).count() == 1
    assert Grant.objects.effective(NOW).count() == 0


def test_an_assistant_that_became_an_actor_holds_tools_that_nobody_approved() -> None:
    agent = worlds.assistant_became_actor(NOW).identities["sales-desk-helper"]

    held = ToolBinding.objects.filter(identity=agent, tool__writes=True, tool__approved_digest="")
    systems = Grant.objects.effective(NOW).filter(identity=agent).values("entitlement__system")

    assert held.count() == 2
    assert systems.distinct().count() == 3


def test_a_chain_ends_with_more_than_its_first_person_asked_for() -> None:
    made = worlds.widening_chain(NOW)

    hops = Delegation.objects.effective(NOW).order_by("pk")
    last = Grant.objects.effective(NOW).get(identity=made.identities["archive-cleaner"])

    assert [hop.delegate.name for hop in hops] == list(made.identities)
    assert last.entitlement.risk == Risk.CRITICAL


def test_all_worlds_live_side_by_side() -> None:
    made = [world(NOW) for world in worlds.ALL]

    assert Identity.objects.count() == sum(len(each.identities) for each in made)


def test_one_person_is_enough_to_be_left_alone() -> None:
    a_person()

    with pytest.raises(RuleBroken, match="not empty"):
        demo.build(NOW)

    assert not User.objects.exists()
