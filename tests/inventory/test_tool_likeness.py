"""Tools whose names could be mistaken: the quick comparison finds what comparing each with each would."""

import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import name_neighbours, signals, tool_likeness, tools_seen
from inventory.models import Tool, ToolBinding, ToolLikeness
from inventory.name_neighbours import LONGEST
from inventory.tool_likeness import FARTHEST, LONG_ENOUGH, SHORT, Named, distance_within
from tests.factories import NOW, a_tool, an_identity

NAMES = st.text(alphabet="abc", min_size=4, max_size=11)


def slow_distance(one: str, other: str) -> int:
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return slow_distance(one[1:], other[1:])
    return 1 + min(
        slow_distance(one[1:], other),
        slow_distance(one, other[1:]),
        slow_distance(one[1:], other[1:]),
    )


@given(st.text(alphabet="ab", max_size=6), st.text(alphabet="ab", max_size=6))
def test_the_distance_is_the_edit_distance(one: str, other: str) -> None:
    real = slow_distance(one, other)

    assert distance_within(one, other, 2) == (real if real <= 2 else None)


@settings(max_examples=300)
@given(st.lists(NAMES, max_size=8), NAMES)
def test_nothing_is_missed(approved: list[str], name: str) -> None:
    known = [Named(number, "ours", text, text) for number, text in enumerate(approved)]
    allowed = {
        one.pk: FARTHEST if min(len(one.read), len(name)) >= LONG_ENOUGH else 1 for one in known
    }

    found = {
        like for _, like, _, _ in tool_likeness.likenesses(known, [Named(99, "theirs", name, name)])
    }

    near = {
        one.pk
        for one in known
        if min(len(one.read), len(name)) >= SHORT
        and distance_within(one.read, name, allowed[one.pk])
    }
    assert found <= near
    assert len(found) == min(len(near), tool_likeness.MOST_OF_ONE)


def a_family(drawn: random.Random, letters: str, longest: int) -> list[str]:
    """Names, some of which are others with up to three letters changed, added or left out."""
    names = [
        "".join(drawn.choice(letters) for _ in range(drawn.randint(3, longest))) for _ in range(40)
    ]
    for name in [*names, *names]:
        changed = list(name)
        for _ in range(drawn.randint(0, 3)):
            at = drawn.randrange(len(changed) + 1)
            changed[at : at + drawn.randint(0, 1)] = drawn.choice(["", drawn.choice(letters)])
        names.append("".join(changed))
    return names


def plainly(approved: list[Named], others: list[Named]) -> Iterator[tuple[int, int, str, int]]:
    """The definition: each compared with each, and of each the five nearest."""
    for other in others:
        found, named = [], dict[str, int]()
        for one in approved:
            short = min(len(one.read), len(other.read))
            most = 0 if short < SHORT else 1 if short < LONG_ENOUGH else FARTHEST
            distance = distance_within(one.read, other.read, most)
            named[one.read] = named.get(one.read, 0) + 1
            if distance and named[one.read] <= 5 and one.provider != other.provider:
                found.append((distance, one.pk))
        yield from ((other.pk, pk, "near", distance) for distance, pk in sorted(found)[:5])


@pytest.mark.parametrize("at_once", [1_000, 4_000_000])
@pytest.mark.parametrize(
    ("letters", "longest"), [("ab", 9), ("abcdefgh", 14), ("xyz\u0430\U0001f600", 20), ("abc", 60)]
)
def test_random_names_are_found_as_by_comparing_each_with_each(
    monkeypatch: pytest.MonkeyPatch, letters: str, longest: int, at_once: int
) -> None:
    """Also in many rounds, and around the length from which on names are cut into pieces."""
    monkeypatch.setattr(name_neighbours, "_AT_ONCE", at_once)
    drawn = random.Random(longest)
    for _ in range(6):
        names = a_family(drawn, letters, longest)
        tools = [
            Named(number, drawn.choice(["ours", "theirs", "else"]), name, name)
            for number, name in enumerate(names)
        ]
        drawn.shuffle(tools)
        approved, others = tools[:60], tools[60:]

        found = list(tool_likeness.likenesses(approved, others))

        assert sorted(found) == sorted(plainly(approved, others))
    assert longest < LONGEST or any(len(name) > LONGEST for name in names)


def test_candidates_come_once_and_are_never_the_same_name() -> None:
    names = ["transferfunds", "transferfundz", "transferfund", "short", "sh0rt", ""]

    ours, theirs = name_neighbours.candidates(names, names, long_enough=LONG_ENOUGH)
    pairs = [(names[one], names[other]) for one, other in zip(ours, theirs, strict=True)]

    assert len(pairs) == len(set(pairs))
    assert all(one != other for one, other in pairs)
    assert {("transferfunds", "transferfund"), ("short", "sh0rt")} <= set(pairs)
    nobody = name_neighbours.candidates(names, [], long_enough=LONG_ENOUGH)
    assert [len(side) for side in nobody] == [0, 0]


def test_many_names_that_are_much_alike_are_compared_quickly() -> None:
    verbs = ("create", "delete", "search", "update", "export", "import", "archive", "publish")
    names = [
        f"{verb}record{number * 7919 % 1_000_003:07d}" for verb in verbs for number in range(625)
    ]
    approved = [Named(number, "ours", name, name) for number, name in enumerate(names[::50])]
    others = [Named(number, "theirs", f"{name}q", f"{name}q") for number, name in enumerate(names)]
    began = time.process_time()

    found = sum(1 for _ in tool_likeness.likenesses(approved, others))

    assert found >= len(approved)
    assert time.process_time() - began < 10  # 0.5 seconds where nothing else runs


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("Read_Mailbox", "readmailbox"),
        ("read-mail.box", "readmailbox"),
        ("re\u0430d_m\u0430ilbox", "readmailbox"),
        ("\uff52\uff45\uff41\uff44mailbox", "readmailbox"),
        ("g3t_f00", "g3tfoo"),
    ],
)
def test_a_name_reads_as_an_eye_takes_it_in(name: str, reads: str) -> None:
    assert Tool.objects.get(pk=a_tool(name=name).pk).read_name == reads


@pytest.mark.django_db
def test_what_is_computed_twice_is_written_once_and_goes_with_its_cause() -> None:
    approved = a_tool(name="transfer_funds", state="approved")
    a_tool(provider="other", name="transfer_fundz")
    tool_likeness.refresh()
    first = list(ToolLikeness.objects.values())

    tool_likeness.refresh()

    assert list(ToolLikeness.objects.values()) == first
    assert [row["kind"] for row in first] == ["near"]
    Tool.objects.filter(pk=approved.pk).update(state="disabled")
    assert tool_likeness.refresh() == 0
    assert not ToolLikeness.objects.exists()


@pytest.mark.django_db
def test_a_tool_that_is_seen_for_the_first_time_is_known_and_undecided(
    django_capture_on_commit_callbacks: object,
) -> None:
    agent = an_identity()
    seen = [tools_seen.Seen(agent.pk, "shell-mcp", "run_command")]
    told: list[object] = []
    signals.identities_changed.connect(
        lambda ids, **rest: told.append(ids), weak=False, dispatch_uid="test"
    )

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        found = tools_seen.note(seen, by="job ingest", at=NOW)
    signals.identities_changed.disconnect(dispatch_uid="test")

    tool = Tool.objects.get(pk=found[seen[0]])
    assert (tool.state, tool.judged_risk, tool.writes) == ("unset", "high", True)
    assert ToolBinding.objects.get().origin == "observed"
    assert told == [frozenset({agent.pk})]
    assert tools_seen.note(seen, by="job ingest", at=NOW) == found
    assert ToolBinding.objects.count() == 1


@pytest.mark.django_db
def test_a_call_is_of_the_tool_that_a_source_described() -> None:
    described = a_tool(provider="ledger-mcp", name="post_invoice")
    seen = tools_seen.Seen(an_identity().pk, "ledger-mcp", "post_invoice")

    assert tools_seen.note([seen], by="job ingest", at=NOW) == {seen: described.pk}
