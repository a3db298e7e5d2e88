"""The delegation picture: who is in it, in which order, what is left out, and who may see what."""

import re
from datetime import timedelta
from html import unescape
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory import delegation_picture, delegation_walk
from inventory.delegation_picture import Picture
from inventory.models import Identity, User
from tests.factories import (
    a_delegation,
    a_person,
    a_successor,
    a_task,
    a_user,
    an_identity,
)

pytestmark = pytest.mark.django_db


def picture_of(identity: Identity, user: User | None = None) -> Picture | None:
    seen_by = user or a_user("security")
    steps = delegation_walk.around(identity, seen_by=seen_by, at=timezone.now())
    return delegation_picture.draw(identity, steps)


def columns(picture: Picture | None) -> list[list[str]]:
    """The names from left to right, and from top to bottom."""
    assert picture is not None
    places: dict[int, list[tuple[int, str]]] = {}
    for box in picture.boxes:
        places.setdefault(box.x, []).append((box.y, box.name))
    return [[name for _, name in sorted(boxes)] for _, boxes in sorted(places.items())]


def chain(*names: str) -> dict[str, Identity]:
    """Each delegates to the next."""
    made = {name: an_identity(name=name) for name in names}
    for giver, taker in pairwise(names):
        a_delegation(delegator_identity=made[giver], delegate=made[taker])
    return made


def page_of(identity: Identity, user: User) -> str:
    client = Client()
    client.force_login(user)
    return unescape(client.get(f"/identities/{identity.pk}/").content.decode())


def test_two_steps_each_way_are_drawn_from_left_to_right() -> None:
    made = chain("a", "b", "c", "d", "e", "f")

    picture = picture_of(made["d"])

    assert columns(picture) == [["b"], ["c"], ["d"], ["e"], ["f"]]
    assert picture is not None
    assert [box.name for box in picture.boxes if box.is_root] == ["d"]
    assert len(picture.arrows) == 4
    assert picture.told.endswith("d acts as, or for: c. Acting as, or for, d: e.")


def test_an_identity_without_delegations_has_no_picture() -> None:
    lonely = an_identity()

    assert picture_of(lonely) is None
    assert '<svg class="picture"' not in page_of(lonely, a_user("auditor"))


def test_people_stand_on_the_left_of_what_acts_for_them() -> None:
    agent = an_identity(name="agent")
    a_delegation(delegator_person=a_person(name="Ada"), delegate=agent)

    assert columns(picture_of(agent)) == [["Ada"], ["agent"]]


def test_two_that_delegate_to_each_other_are_drawn_once_with_both_arrows() -> None:
    one, two = an_identity(name="one"), an_identity(name="two")
    a_delegation(delegator_identity=one, delegate=two)
    a_delegation(delegator_identity=two, delegate=one)

    picture = picture_of(one)

    assert columns(picture) == [["two"], ["one"]]
    assert picture is not None and len(picture.arrows) == 2


def test_several_delegations_between_two_are_one_arrow_that_names_each() -> None:
    giver, taker = an_identity(name="giver"), an_identity(name="taker")
    for how in ("assume_role", "run_as"):
        a_delegation(delegator_identity=giver, delegate=taker, how=how)

    picture = picture_of(taker)

    assert picture is not None
    assert [arrow.told for arrow in picture.arrows] == ["giver → taker: assumes the role, runs as"]


def test_what_finds_no_room_is_counted() -> None:
    hub = an_identity(name="hub")
    for number in range(14):
        a_delegation(delegator_identity=hub, delegate=an_identity(name=f"worker-{number:02}"))

    picture = picture_of(hub)

    assert picture is not None
    assert len(picture.boxes) == 1 + delegation_picture.COLUMN
    assert [(more.text, more.linked) for more in picture.more] == [("+5 more", True)]
    assert f'href="/delegations/?identity={hub.pk}"' in page_of(hub, a_user("security"))


def test_what_works_is_shown_before_what_has_ended() -> None:
    hub, at = an_identity(), timezone.now()
    for _ in range(delegation_walk.NEAR):
        a_delegation(delegator_identity=hub, revoked_at=at - timedelta(days=1))
    live = an_identity(name="zz-live")
    a_delegation(delegator_identity=hub, delegate=live)

    picture = picture_of(hub)

    assert picture is not None
    assert columns(picture)[1][0] == "zz-live"
    assert [arrow.passes for arrow in picture.arrows] == [True] + [False] * 8


@pytest.mark.parametrize("why", ["revoked", "expired", "suspended giver", "task over"])
def test_what_passes_nothing_is_dashed(why: str) -> None:
    past, agent = timezone.now() - timedelta(days=1), an_identity()
    fields = {
        "revoked": {"revoked_at": past},
        "expired": {"expires_at": past},
        "suspended giver": {"delegator_identity": an_identity(lifecycle="suspended")},
        "task over": {
            "task": a_task(identity=agent, deadline=past, opened_at=past - timedelta(days=1)),
            "expires_at": timezone.now() + timedelta(days=1),
        },
    }[why]
    a_delegation(delegate=agent, **fields)

    picture = picture_of(agent)

    assert picture is not None
    assert [arrow.passes for arrow in picture.arrows] == [False]
    assert 'class="arrow idle"' in page_of(agent, a_user("security"))


def test_an_owner_sees_the_nearest_by_name_and_further_only_what_is_theirs() -> None:
    made = chain("far-left", "left", "mine", "right", "far-right")
    ada = a_person()
    Identity.objects.filter(name="mine").update(owner=ada)
    a_successor(identity=made["far-right"], person=ada)
    user = a_user("owner", person=ada)

    picture = picture_of(made["mine"], user)
    page = page_of(made["mine"], user)

    assert columns(picture) == [["left"], ["mine"], ["right"], ["far-right"]]
    assert picture is not None and [more.text for more in picture.more] == ["+1 more"]
    assert "far-left" not in page
    links = set(re.findall(r'href="(/identities/\d+/)"', page))
    assert f"/identities/{made['far-right'].pk}/" in links
    assert f"/identities/{made['right'].pk}/" not in links


def test_the_walk_is_one_query_however_many_there_are() -> None:
    made = chain("a", "b", "c", "d", "e")
    for _ in range(30):
        a_delegation(delegator_identity=made["b"], delegate=made["c"])
        a_delegation(delegator_identity=made["c"])

    with CaptureQueriesContext(connection) as queries:
        steps = delegation_walk.around(
            made["c"], seen_by=User(role="security", is_active=True), at=timezone.now()
        )
        delegation_picture.draw(made["c"], steps)

    assert len(queries) == 1
    assert len(steps) <= 2 * delegation_walk.NEAR * (1 + delegation_walk.FAR)


def test_names_of_others_cannot_write_into_the_page() -> None:
    agent = an_identity()
    a_delegation(delegate=agent, delegator_identity=an_identity(name="<script>x</script>"))
    client = Client()
    client.force_login(a_user("security"))

    page = client.get(f"/identities/{agent.pk}/").content.decode()

    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_a_leaving_owners_page_with_a_picture_stays_within_twelve_queries() -> None:
    made = chain("a", "b", "c", "d", "e")
    leaving = a_person(status="leaving", manager=a_person())
    Identity.objects.filter(pk=made["c"].pk).update(owner=leaving)
    client = Client()
    client.force_login(a_user("owner", person=leaving))
    client.get(f"/identities/{made['c'].pk}/")

    with CaptureQueriesContext(connection) as queries:
        client.get(f"/identities/{made['c'].pk}/")

    assert len(queries) <= 12
