"""The delegation explorer: what is in it, how far, in which order, for whom, and as which files."""

import csv
import io
import random
from datetime import timedelta
from html import unescape
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory import explorer, explorer_layout
from inventory.access_graph import WIDEST, Hop, Place, Walk
from inventory.delegation_picture import WIDE
from inventory.explorer import Edge, Explored, Node
from inventory.explorer_layout import COLUMN, HIGH, Picture, lay_out
from inventory.explorer_state import Asked
from inventory.models import Identity, User
from tests.factories import (
    a_delegation,
    a_grant,
    a_person,
    a_user,
    an_entitlement,
    an_identity,
)

PAGE = "/delegations/explore/"
database = pytest.mark.django_db


def chain(*names: str, **fields: object) -> dict[str, Identity]:
    """Each may act as the next."""
    made = {name: an_identity(name=name) for name in names}
    for actor, subject in pairwise(names):
        a_delegation(
            delegator_identity=made[subject],
            delegate=made[actor],
            **{"may_redelegate": True, **fields},
        )
    return made


def found_from(start: Identity, user: User | None = None, **asked: object) -> Explored:
    asked_for = Asked(identity=start.pk, **asked)  # type: ignore[arg-type]  # of the fields
    return explorer.explore(start.pk, asked_for, user=user or a_user("security"), at=timezone.now())


def columns(found: Explored) -> dict[str, int]:
    return {node.name: node.column for node in found.nodes.values()}


def page(user: User | None = None, **query: object) -> str:
    return unescape(answer(user, **query).content.decode())


def answer(user: User | None = None, *, htmx: bool = False, **query: object):  # type: ignore[no-untyped-def]  # the test client's answer has no public type
    client = Client()
    client.force_login(user or a_user("security"))
    headers = {"HX-Request": "true", "HX-Target": "explorer"} if htmx else {}
    return client.get(PAGE, query, headers=headers)


@database
def test_whom_it_acts_as_stands_left_and_who_acts_as_it_right_by_hops() -> None:
    made = chain("a", "b", "c", "d", "e", "f", "g")

    found = found_from(made["d"])

    assert columns(found) == {"b": 2, "c": 1, "d": 0, "e": -1, "f": -2}
    assert [box.node.name for box in sorted(boxes(found), key=lambda box: box.x)] == list("fedcb")


def boxes(found: Explored, **asked: object) -> list[explorer_layout.Box]:
    return lay_out(found, Asked(**asked)).boxes  # type: ignore[arg-type]  # of the fields


@database
def test_a_person_is_where_the_ways_begin() -> None:
    made = chain("worker", "agent")
    a_delegation(delegator_person=a_person(name="Ada"), delegate=made["agent"], may_redelegate=True)

    assert columns(found_from(made["worker"])) == {"worker": 0, "agent": -1, "Ada": -2}


@database
def test_more_hops_are_shown_when_asked_for() -> None:
    made = chain("a", "b", "c", "d", "e")

    assert len(found_from(made["a"], hops=1).nodes) == 2
    assert len(found_from(made["a"], hops=4).nodes) == 5


@database
def test_what_may_not_be_passed_on_ends_there() -> None:
    made = chain("a", "b", "c", may_redelegate=False)

    assert set(columns(found_from(made["a"]))) == {"a", "b"}


@database
def test_both_sides_of_a_diamond_are_drawn() -> None:
    made = chain("a", "b", "d")
    c = an_identity(name="c")
    a_delegation(delegate=made["a"], delegator_identity=c, may_redelegate=True)
    a_delegation(delegate=c, delegator_identity=made["d"], may_redelegate=True)

    found = found_from(made["a"])

    assert len(found.edges) == 4
    assert columns(found) == {"a": 0, "b": -1, "c": -1, "d": -2}


@database
def test_opening_a_box_shows_what_lies_one_hop_behind_it_and_no_other() -> None:
    made = chain("a", "b", "c", "d")
    beside = chain("e", "f", "g")
    a_delegation(delegate=made["a"], delegator_identity=beside["e"], may_redelegate=True)

    closed = found_from(made["a"], hops=1)
    opened = found_from(made["a"], hops=1, opened=(made["b"].pk,))

    assert {node.name: node.further for node in closed.nodes.values() if node.further} == {
        "b": 1, "e": 1,
    }  # fmt: skip
    assert set(columns(opened)) == {"a", "b", "c", "e"}
    assert opened.nodes[("identity", made["b"].pk)].opened
    assert opened.nodes[("identity", made["c"].pk)].further == 1


@database
def test_kinds_and_certainty_filter_the_hops() -> None:
    hub = an_identity()
    for name, fields in {
        "plain": {"how": "assume_role"},
        "guarded": {"how": "assume_role", "conditions": {"mfa": "true"}},
        "work": {"how": "orchestrate"},
    }.items():
        a_delegation(delegate=hub, delegator_identity=an_identity(name=name), **fields)

    kinds = set(columns(found_from(hub, hows=("assume_role",)))) - {hub.name}
    certain = set(columns(found_from(hub, certain=True))) - {hub.name}

    assert kinds == {"plain", "guarded"}
    assert certain == {"plain", "work"}


@database
def test_the_mark_is_the_highest_risk_of_its_own_grants_that_work() -> None:
    made = chain("a", "b")
    for risk in ("medium", "high"):
        a_grant(identity=made["b"], entitlement=an_entitlement(risk=risk))
    a_grant(
        identity=made["b"],
        entitlement=an_entitlement(risk="critical"),
        revoked_at=timezone.now() - timedelta(days=1),
    )

    found = found_from(made["a"])

    assert found.nodes[("identity", made["b"].pk)].risk == "high"
    assert found.nodes[("identity", made["a"].pk)].risk == ""


@database
def test_the_riskiest_are_drawn_and_the_others_counted() -> None:
    hub = an_identity(name="hub")
    for number in range(COLUMN + 5):
        a_delegation(delegate=hub, delegator_identity=an_identity(name=f"role-{number:02}"))
    risky = Identity.objects.get(name="role-13")
    a_grant(identity=risky, entitlement=an_entitlement(risk="critical"))

    found = found_from(hub)
    picture = lay_out(found, Asked())
    wide = lay_out(found, Asked(wide=(-1,)))

    assert len(picture.boxes) == COLUMN + 1
    assert "role-13" in {box.node.name for box in picture.boxes}
    assert [(more.number, more.widens) for more in picture.more] == [(5, True)]
    assert len(wide.boxes) == COLUMN + 6 and not wide.more


@database
def test_the_picture_and_the_table_say_the_same() -> None:
    made = chain("agent", "role", conditions={"mfa": "true"})

    text = page(identity=made["agent"].pk)

    assert 'class="arrow may"' in text
    assert "agent acts on behalf of role (may)" in text
    assert f'<a href="/identities/{made["role"].pk}/">role</a>' in text
    assert ">May</td>" in text


@database
def test_a_way_is_explained_at_every_hop() -> None:
    made = chain("a", "b")
    scoped = a_delegation(
        delegate=made["b"], delegator_identity=an_identity(name="c"), may_redelegate=True,
        scope_all=False, conditions={"source_ip": "10.0.0.0/8"}, caveats=["A boundary is not read."],
    )  # fmt: skip
    scoped.entitlements.add(an_entitlement(name="read-ledger"))
    end = Identity.objects.get(name="c")

    text = page(identity=made["a"].pk, path=end.pk)

    assert "How a can act as c" in text
    assert "who stays visible as the subject" in text  # the meaning of the kind
    assert "1 named entitlement: read-ledger." in text
    assert "source_ip: 10.0.0.0/8" in text and "A boundary is not read." in text
    assert text.count("May be passed on.") == 2
    assert text.count('class="arrow may on-path"') == 1 and text.count('class="arrow on-path"') == 1


@database
def test_a_way_that_is_not_in_the_picture_is_said() -> None:
    made = chain("a", "b", "c")

    assert "is not reached within 1 hops" in page(identity=made["a"].pk, hops=1, path=made["c"].pk)


@database
def test_the_explorer_can_start_again_from_the_end_of_a_way() -> None:
    made = chain("a", "b", "c")

    text = page(identity=made["a"].pk, path=made["b"].pk)

    assert f'href="{PAGE}?identity={made["b"].pk}">Start from here' in text


def test_a_walk_that_was_cut_short_says_so() -> None:
    too_many = Walk([Place(n) for n in range(WIDEST + 1)], cut_short=True)
    too_far = Walk([Place(1)], cut_short=True)

    assert explorer.notes([too_many])[0].startswith("More than 20,000 identities are reached")
    assert explorer.notes([too_far])[0].startswith("Ways go on beyond 8 hops")
    assert explorer.notes([Walk([Place(1)])]) == []


@database
def test_lists_and_pages_lead_to_it() -> None:
    identity = an_identity()
    client = Client()
    client.force_login(a_user("security"))

    assert f'href="{PAGE}"' in client.get("/delegations/").content.decode()
    there = f'href="{PAGE}?identity={identity.pk}"'
    assert there in client.get(f"/identities/{identity.pk}/").content.decode()


@database
def test_htmx_gets_only_the_part_that_changes() -> None:
    made = chain("a", "b")

    part = answer(identity=made["a"].pk, htmx=True)

    assert part.content.decode().lstrip().startswith('<section id="explorer"')
    assert "HX-Request" in part.headers["Vary"]


@database
@pytest.mark.parametrize(
    "query",
    [
        {"hops": "9"},
        {"hops": "x"},
        {"how": "magic"},
        {"open": "x"},
        {"wide": "1e9"},
        {"path": "-"},
        {"format": "pdf"},
    ],
)
def test_what_cannot_be_asked_is_refused_and_not_left_out(query: dict[str, str]) -> None:
    assert answer(identity=an_identity().pk, **query).status_code == 400


@database
def test_an_unknown_identity_is_not_found() -> None:
    assert answer(identity=987654).status_code == 404


@database
def test_without_an_identity_the_busiest_are_offered_and_others_are_searched() -> None:
    made = chain("busy-agent", "role")

    assert f'href="{PAGE}?identity={made["busy-agent"].pk}"' in page()
    assert "busy-agent" not in page(q="role")
    assert "No identity that you may see fits." in page(q="nothing-like-it")


@database
def test_empty_pictures_say_why() -> None:
    made = chain("a", "b", conditions={"mfa": "true"})

    assert "It can act as nobody else" in page(identity=an_identity().pk)
    text = page(identity=made["a"].pk, how="take_over", certain=1)
    assert "Only “Can take over”, only certain hops." in text


@database
def test_an_owner_starts_from_their_own_and_sees_others_by_name_only() -> None:
    made = chain("mine", "other", "far", conditions={"secret": "detail"})
    ada = a_person()
    Identity.objects.filter(pk=made["mine"].pk).update(owner=ada)
    Identity.objects.filter(pk=made["other"].pk).update(declared_tier=4)
    a_grant(identity=made["other"], entitlement=an_entitlement(risk="critical"))
    user = a_user("owner", person=ada)

    text = page(user, identity=made["mine"].pk, path=made["far"].pk)

    assert ">other</text>" in text and ">far</text>" in text
    assert f'href="/identities/{made["mine"].pk}/"' in text
    assert f'href="/identities/{made["other"].pk}/"' not in text
    assert "4 Broker" not in text and "Critical" not in text
    assert text.count("secret: detail") == 1  # of their own delegation
    assert answer(user, identity=made["other"].pk).status_code == 404


@database
def test_the_picture_as_a_file_is_xml_and_escapes_names() -> None:
    agent = an_identity(name="<b>agent</b>")
    a_delegation(delegate=agent, delegator_identity=an_identity(name='"><script>\x01&x</script>'))

    file = answer(identity=agent.pk, format="svg")
    tree = ElementTree.fromstring(file.content)

    assert file.content.startswith(b"<?xml")
    assert file.headers["Content-Type"] == "image/svg+xml"
    assert file.headers["Content-Disposition"].startswith('attachment; filename="delegations-')
    kinds = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert not kinds & {"script", "b", "a"}
    assert "style" in kinds


@database
def test_the_table_as_a_file_holds_all_and_no_formula() -> None:
    hub = an_identity(name="hub")
    for number in range(COLUMN + 3):
        a_delegation(delegate=hub, delegator_identity=an_identity(name=f"=role-{number}"))

    file = answer(identity=hub.pk, format="csv")
    rows = list(csv.DictReader(io.StringIO(file.content.decode())))

    assert len(rows) == COLUMN + 3
    assert {row["Who"] for row in rows} == {"hub"}
    assert all(row["Acts as, or for"][:2] == "'=" for row in rows)


@database
def test_the_number_of_queries_does_not_grow_with_the_picture() -> None:
    made = chain("a", "b", "c")
    end = made["c"]
    client = Client()
    client.force_login(a_user("owner", person=made["a"].owner))
    address = f"{PAGE}?identity={made['a'].pk}&path={end.pk}"
    client.get(address)

    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(30):
        a_delegation(
            delegate=made["b"], delegator_identity=an_identity(name=f"more-{number}"),
            may_redelegate=True,
        )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few) <= 24


def made_up(seed: int) -> tuple[Explored, Asked]:
    """A random graph of a few hundred around one start, as the walk would report it."""
    chance = random.Random(seed)
    total, span = chance.randint(1, 400), chance.randint(1, 8)
    column_of = {0: 0} | {
        pk: chance.choice([-1, 1]) * chance.randint(1, span) for pk in range(1, total)
    }
    nodes, edges = {}, []
    for pk, column in sorted(column_of.items(), key=lambda pair: abs(pair[1])):
        nearer = [other for other, there in column_of.items() if abs(there) == abs(column) - 1]
        nearer = [other for other in nearer if column_of[other] * column >= 0]
        hops: tuple[Hop, ...] = ()
        if column and not nearer:
            continue
        for other in chance.sample(nearer, min(len(nearer), 3)):
            ends = (other, pk) if column < 0 else (pk, other)
            hop = Hop(len(edges) + 1, *ends, certain=chance.random() < 0.5, how="run_as")
            edges.append(Edge(hop, abs(column)))
            hops = hops or (hop,)
        name = "".join(chance.choices("abcW@", k=chance.randint(1, 60)))
        risk = chance.choice(["", "low", "medium", "high", "critical"])
        key = ("identity", pk)
        nodes[key] = Node(key, name, "Role", column, Place(pk, hops=hops), risk=risk)
    keys = sorted(nodes)
    asked = Asked(
        path=chance.choice(keys),
        opened=tuple(pk for _, pk in chance.sample(keys, min(len(keys), 4))),
        wide=tuple(chance.sample(range(-span, span + 1), 2)),
    )
    edges = [edge for edge in edges if edge.giver in nodes and edge.taker in nodes]
    return Explored(nodes, edges, []), asked


@pytest.mark.parametrize("seed", range(40))
def test_no_two_boxes_overlap_and_every_arrow_ends_at_its_boxes(seed: int) -> None:
    found, asked = made_up(seed)

    picture = lay_out(found, asked)

    places = [(box.x, box.y) for box in picture.boxes] + [(one.x, one.y) for one in picture.more]
    assert not overlapping(places)
    assert all(x >= 0 and x + WIDE <= picture.width for x, _ in places)
    assert all(y >= 0 and y + HIGH <= picture.height for _, y in places)
    assert len(picture.boxes) <= explorer_layout.MOST
    at = {box.node.key: (box.x, box.y) for box in picture.boxes}
    for arrow in picture.arrows:
        giver, taker = at[arrow.giver], at[arrow.taker]
        assert (arrow.x1, arrow.y1) == (giver[0] + WIDE, giver[1] + HIGH // 2)
        assert (arrow.x2, arrow.y2) == (taker[0], taker[1] + HIGH // 2)


def overlapping(places: list[tuple[int, int]]) -> bool:
    ordered = sorted(places)
    return any(
        (one[0] == other[0] and other[1] - one[1] < HIGH) or 0 < other[0] - one[0] < WIDE
        for one, other in pairwise(ordered)
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_same_rows_in_any_order_are_drawn_the_same(seed: int) -> None:
    found, asked = made_up(seed)
    keys = list(found.nodes)
    random.Random(seed).shuffle(keys)

    shuffled = Explored({key: found.nodes[key] for key in keys}, found.edges, [])

    assert drawn(lay_out(found, asked)) == drawn(lay_out(shuffled, asked))


def drawn(picture: Picture) -> set[tuple[int, int, str]]:
    return {(box.x, box.y, box.node.name) for box in picture.boxes}


def test_neighbours_are_ordered_so_that_arrows_do_not_cross() -> None:
    """Two chains from the start, whose far ends are named the other way round."""
    start = Node(("identity", 0), "start", "Role", 0, Place(0))
    nodes, edges = {start.key: start}, []
    for pk, name, near in ((1, "a", 0), (2, "b", 0), (3, "y", 2), (4, "z", 1)):
        hop = Hop(pk, near, pk)
        edges.append(Edge(hop, 1))
        column = -1 if near == 0 else -2
        nodes["identity", pk] = Node(("identity", pk), name, "Role", column, Place(pk, hops=(hop,)))

    picture = lay_out(Explored(nodes, edges, []), Asked())

    y = {box.node.name: box.y for box in picture.boxes}
    assert y["a"] < y["b"] and y["z"] < y["y"]
