"""Answers that are kept: the same as those worked out anew, whatever happens in between, and never a moment longer."""

import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory import fact_changes
from inventory.models import ApiToken, FactChange, Grant, Identity
from inventory.noted import EVERYTHING, MOST_ROWS
from runtime import asked_again, decisions, recording
from runtime.authzen_requests import question_of
from runtime.kept_answers import KEPT, Kept, KeptAnswers, Seen
from runtime.models import Decision
from runtime.questions import EMPTY_DIGEST
from tests.factories import a_grant, an_entitlement, an_identity
from tests.runtime import kept_world
from tests.runtime.conftest import Ask
from tests.runtime.kept_world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_kept")]


@pytest.fixture
def nothing_kept() -> Iterator[None]:
    KEPT.forget()
    yield
    KEPT.forget()


@pytest.fixture
def world() -> World:
    return kept_world.build(timezone.now(), random.Random(7))


Said = tuple[bool, str]


def asked(ask: Ask, world: World, name: str) -> tuple[Said, int]:
    """What is answered, and how many statements that took."""
    with (
        patch("runtime.api.machine.timezone.now", lambda: world.now),
        CaptureQueriesContext(connection) as made,
    ):
        answer = ask("evaluation", world.questions[name])
    assert answer.status_code == 200, answer.content
    said = answer.json()
    return (said["decision"], said["context"]["code"]), len(made)


def known_decisions() -> list[Any]:
    return list(Decision.objects.values_list("pk", flat=True))


def anew(world: World, name: str) -> Said:
    (answer,) = decisions.weigh([question_of(world.questions[name])], at=world.now)
    return answer.permitted, answer.reason_code


def until_kept(ask: Ask, world: World, name: str) -> Said:
    """Asks until one statement is enough."""
    for _ in range(4):
        said, made = asked(ask, world, name)
        if made == 1:
            return said
    raise AssertionError(f"{name} is not kept")


def test_each_is_kept_and_recorded_each_time(ask: Ask, world: World) -> None:
    for name in world.questions:
        assert until_kept(ask, world, name) == anew(world, name), name
        assert anew(world, name)[0], name

    own = world.questions["own"]["resource"]
    rows = Decision.objects.filter(resource_type=own["type"], resource_id=own["id"])
    first, *again = list(rows.filter(context={}).order_by("id").values())
    assert len(again) >= 2
    for row in again:
        changed = {key for key in row if row[key] != first[key]}
        assert changed <= {"id", "made_at", "latency_us"}
        assert row["asked_by"] == ApiToken.objects.get().user.username


def test_what_does_not_count_in_a_context_makes_no_other_question_and_is_digested(
    ask: Ask, world: World
) -> None:
    until_kept(ask, world, "own")
    until_kept(ask, world, "app")
    with_trace = {**world.questions["own"], "context": {"trace": "t-1", "risk": "low"}}
    world.questions["risky"] = {**with_trace, "context": {"risk": "low"}}
    until_kept(ask, world, "risky")
    for number in range(3):
        with_trace["context"]["trace"] = f"t-{number}"
        world.questions["traced"] = with_trace
        before = known_decisions()
        assert asked(ask, world, "traced") == ((True, "permitted"), 1)
        recorded = Decision.objects.exclude(pk__in=before).get()
        assert recorded.context == {"risk": "low"}
        assert recorded.context_digest == question_of(with_trace).context_digest

    before = known_decisions()
    assert asked(ask, world, "risky")[1] == 1
    of_risk = question_of(world.questions["risky"]).context_digest
    assert Decision.objects.exclude(pk__in=before).get().context_digest == of_risk
    # To an application everything counts.
    world.questions["other app"] = {**world.questions["app"], "context": {"trace": "t-1"}}
    assert asked(ask, world, "other app")[1] > 1


def test_a_question_that_was_kept_with_a_trace_is_digested_without_it(
    ask: Ask, world: World
) -> None:
    world.questions["traced"] = {**world.questions["own"], "context": {"trace": "t-1"}}
    until_kept(ask, world, "traced")

    before = known_decisions()
    assert asked(ask, world, "own")[1] == 1
    assert Decision.objects.exclude(pk__in=before).get().context_digest == EMPTY_DIGEST


@pytest.mark.parametrize("seed", range(3))
def test_whatever_changes_the_answer_is_the_one_of_this_moment(
    ask: Ask, world: World, seed: int
) -> None:
    world.draw.seed(seed)
    kept, seen = 0, set()
    for _ in range(70):
        change = world.draw.choice(kept_world.CHANGES)
        change(world)
        world.now += timedelta(minutes=world.draw.choice([0, 0, 1, 3]))
        for name in world.questions:
            for _ in range(3):
                said, made = asked(ask, world, name)
                assert said == anew(world, name), (change, name)
                kept += made == 1
                seen.add((name, said))

    assert kept > 300
    assert len(seen) > 15


@pytest.mark.parametrize("change", kept_world.CHANGES, ids=lambda change: change.__name__)
def test_no_kind_of_change_leaves_a_stale_answer(
    ask: Ask, world: World, change: Callable[[World], None]
) -> None:
    kept = 0
    for _ in range(8):
        for name in world.questions:
            kept += [asked(ask, world, name)[1] for _ in range(3)][-1] == 1
        change(world)
        for name in world.questions:
            assert asked(ask, world, name)[0] == anew(world, name), name
    assert kept > 8


def test_what_is_no_fact_throws_nothing_away(ask: Ask, world: World) -> None:
    until_kept(ask, world, "own")
    noted = FactChange.objects.count()

    kept_world.no_fact(world)

    assert FactChange.objects.count() == noted
    assert asked(ask, world, "own")[1] == 1


def test_a_change_of_another_identity_leaves_it_kept(ask: Ask, world: World) -> None:
    held = an_entitlement()
    until_kept(ask, world, "own")

    a_grant(identity=an_identity(), entitlement=held)

    assert FactChange.objects.order_by("-pk")[0].key > 0
    # The statement that finds the change cannot know whom it concerns; so another one writes.
    assert [asked(ask, world, "own")[1] for _ in range(2)] == [2, 1]


def test_it_ends_with_its_grant_without_anybody_changing_anything(ask: Ask, world: World) -> None:
    ends = world.now + timedelta(minutes=3)
    Grant.objects.filter(task=None).update(expires_at=ends)
    until_kept(ask, world, "own")

    world.now = ends - timedelta(microseconds=1)
    assert asked(ask, world, "own")[0] == (True, "permitted")
    world.now = ends
    assert asked(ask, world, "own")[0] == (False, "no_grant")


def test_a_token_that_is_revoked_or_expires_is_refused_at_once(ask: Ask, world: World) -> None:
    until_kept(ask, world, "own")
    ApiToken.objects.update(revoked_at=world.now)

    assert ask("evaluation", world.questions["own"]).status_code == 401

    ApiToken.objects.update(revoked_at=None)
    until_kept(ask, world, "own")
    world.now += timedelta(days=2)
    with patch("runtime.api.machine.timezone.now", lambda: world.now):
        assert ask("evaluation", world.questions["own"]).status_code == 401


def test_a_change_that_is_committed_while_others_still_run_is_seen(ask: Ask, world: World) -> None:
    """A transaction that began before the last look, and ended after it."""
    began, go_on = threading.Event(), threading.Event()

    def suspend() -> None:
        try:
            with transaction.atomic():
                Identity.objects.filter(name="agent").update(lifecycle="suspended")
                began.set()
                go_on.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=suspend)
    thread.start()
    assert began.wait(30)
    until_kept(ask, world, "own")
    go_on.set()
    thread.join(30)

    assert asked(ask, world, "own")[0] == (False, "identity_inactive")


def test_a_change_that_others_learn_of_between_finding_and_recording_counts(
    ask: Ask, world: World
) -> None:
    until_kept(ask, world, "own")
    make_id = asked_again.new_decision_id

    def meanwhile(at: Any) -> Any:
        Identity.objects.filter(name="agent").update(lifecycle="suspended")
        recording.RECORDER.record([])
        return make_id(at)

    with patch.object(asked_again, "new_decision_id", meanwhile):
        said, _ = asked(ask, world, "own")

    assert said == (False, "identity_inactive")


def test_a_statement_that_changes_very_much_throws_everything_away(ask: Ask, world: World) -> None:
    until_kept(ask, world, "own")
    last = FactChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    one = a_grant(identity=an_identity())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inventory_grant SELECT (jsonb_populate_record(g,"
            " jsonb_build_object('id', g.id + 1 + n, 'external_id', 'many-' || n))).*"
            " FROM inventory_grant g, generate_series(0, %s) n WHERE g.id = %s",
            [MOST_ROWS, one.pk],
        )

    keys = FactChange.objects.filter(pk__gt=last).values_list("key", flat=True)
    assert list(keys.order_by("pk"))[-1] == EVERYTHING
    assert asked(ask, world, "own")[1] > 1


def test_nothing_is_kept_of_a_transaction_that_may_be_undone(ask: Ask, world: World) -> None:
    Grant.objects.filter(task=None).update(revoked_at=world.now)
    with transaction.atomic():
        Grant.objects.filter(task=None).update(revoked_at=None)
        for _ in range(4):
            assert asked(ask, world, "own")[0] == (True, "permitted")
        transaction.set_rollback(True)

    assert asked(ask, world, "own")[0] == (False, "no_grant")


def test_without_the_database_nothing_is_answered_and_nothing_stays_kept(
    ask: Ask, world: World
) -> None:
    until_kept(ask, world, "own")
    lost = OperationalError("The server is gone.")

    with patch.object(recording.prepared, "fetch_texts", side_effect=lost):
        answer = ask("evaluation", world.questions["own"])

    assert answer.status_code == 503
    assert KEPT.mark() is None


def test_a_batch_takes_what_is_kept_and_works_out_the_rest(ask: Ask, world: World) -> None:
    until_kept(ask, world, "own")
    until_kept(ask, world, "app")
    order = ["own", "task", "app", "becomes"]
    body = {"evaluations": [world.questions[name] for name in order] + [{"subject": 1}]}
    before = Decision.objects.count()

    said = ask("evaluations", body).json()["evaluations"]

    assert [one["decision"] for one in said] == [True, True, True, True, False]
    assert Decision.objects.count() == before + 4
    assert "error" in said[-1]["context"]


@pytest.mark.parametrize(
    ("semantic", "given"), [("deny_on_first_deny", 2), ("permit_on_first_permit", 1)]
)
def test_a_batch_of_kept_answers_stops_where_it_should(
    ask: Ask, world: World, semantic: str, given: int
) -> None:
    Identity.objects.filter(name="other").update(lifecycle="suspended")
    order = ["own", "becomes", "task"]
    for name in order:
        until_kept(ask, world, name)
    body = {
        "evaluations": [world.questions[name] for name in order],
        "options": {"evaluations_semantic": semantic},
    }
    before = Decision.objects.count()

    with CaptureQueriesContext(connection) as made:
        said = ask("evaluations", body).json()["evaluations"]

    assert len(made) == 1
    assert len(said) == given
    assert Decision.objects.count() == before + given


def test_notes_go_minutes_after_they_were_seen(world: World) -> None:
    assert fact_changes.forget(world.now) == 0
    assert FactChange.objects.exists()

    assert fact_changes.forget(world.now + fact_changes.KEPT) == 0
    assert fact_changes.forget(world.now + fact_changes.KEPT * 1.1) > 0
    assert not FactChange.objects.exists()


ANSWER = Kept(
    True, b"", b"", b"{}", "", frozenset({5}), timezone.now(), timezone.now() + timedelta(1)
)


def a_look(changed: Any = (), *, server: str = "one") -> Seen:
    return Seen("10:10:", server, changed)


def holding() -> tuple[KeptAnswers, Callable[[], bool]]:
    """With one answer kept, and whether it still is."""
    kept = KeptAnswers()
    kept.learn(a_look())
    mark = kept.mark()
    assert mark is not None
    kept.keep(b"q", ANSWER, mark)
    return kept, lambda: kept.find(b"q", ANSWER.since) is not None


def test_a_look_throws_away_what_it_should_and_no_more() -> None:
    for look, stays in (
        (a_look(), True), (a_look([6, 7]), True), (a_look([5]), False), (a_look([EVERYTHING]), False),
        (a_look(None), False), (a_look(server="another"), False),
    ):  # fmt: skip
        kept, there = holding()
        kept.learn(look)
        assert there() is stays, look


def test_a_long_pause_ends_it() -> None:
    kept, there = holding()
    assert kept.snapshot is not None
    with patch("runtime.kept_answers.time.monotonic", lambda: 1e12):
        assert kept.snapshot is None
        kept.learn(a_look())
    assert not there()


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    kept, _ = holding()
    mark = kept.mark()
    assert mark is not None
    kept.learn(a_look([5]))

    kept.keep(b"q", ANSWER, mark)

    assert kept.find(b"q", ANSWER.since) is None
    assert not kept.holds(mark, ANSWER.rests_on)
    assert kept.holds(mark, frozenset({6}))
    kept.forget()
    assert not kept.holds(mark, frozenset({6}))
