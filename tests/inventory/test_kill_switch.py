"""The kill switch: what a stop reaches, that nothing is left after it, that lifting restores nothing, and the drill."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import identities, kill_switch
from inventory.endings import OWN_SOURCE
from inventory.models import (
    Change,
    Delegation,
    EndCause,
    Grant,
    Identity,
    KillSwitchUse,
    Task,
)
from inventory.rules import RuleBroken
from inventory.signals import identities_changed, tasks_ended
from tests.factories import (
    NOW,
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_source,
    a_task,
    a_user,
    ago,
    an_identity,
    days,
)

pytestmark = pytest.mark.django_db
LATER = NOW + days(1)


def ticking(*seconds: float) -> Callable[[], datetime]:
    """A clock that says these seconds after NOW, one after the other; the last one for good."""
    left = list(seconds)
    return lambda: NOW + timedelta(seconds=left.pop(0) if len(left) > 1 else left[0])


def chain() -> tuple[Identity, Identity, Identity]:
    """A gave work to B, and B to C."""
    first, second, third = (an_identity(name=name) for name in "ABC")
    a_delegation(delegator_identity=first, delegate=second)
    a_delegation(delegator_identity=second, delegate=third)
    return first, second, third


def for_a_while(identity: Identity, **fields: Any) -> Grant:
    return a_grant(identity=identity, just_in_time=True, expires_at=NOW + days(2), **fields)


def stopped(identity: Identity, **fields: Any) -> KillSwitchUse:
    given = {"by": "job", "reason": "It sends odd mails.", "at": NOW, "clock": ticking(0.5)}
    return kill_switch.stop(identity, **{**given, **fields})


def drilled(identity: Identity, **fields: Any) -> KillSwitchUse:
    given = {"by": "job", "reason": "Quarterly drill.", "at": NOW, "clock": ticking(0.25)}
    return kill_switch.drill(identity, **{**given, **fields})


def everything() -> list[object]:
    """All that a stop could change, and its history."""
    tables = (Identity, Grant, Delegation, Task)
    rows = [tuple(model.objects.order_by("pk").values_list()) for model in tables]
    return [*rows, Change.objects.count()]


def test_the_preview_counts_the_whole_cascade_and_changes_nothing() -> None:
    first, second, third = chain()
    task = a_task(identity=first)
    a_grant(identity=first)
    a_grant(identity=first, task=task, expires_at=NOW + days(1))
    for_a_while(first)
    a_grant(identity=first, revoked_at=ago(1))
    a_credential(identity=first)
    a_credential(identity=first, enabled=False)
    before = everything()

    found = kill_switch.preview(first, at=NOW)

    assert (found.grants, found.ending, found.resting) == (3, 2, 1)
    assert (found.tasks, found.delegations, found.credentials) == (1, 1, 1)
    assert found.reached == (second.pk, third.pk)
    assert everything() == before


def test_a_ring_of_delegations_is_walked_once_and_leaves_the_identity_itself_out() -> None:
    first, second, third = chain()
    a_delegation(delegator_identity=third, delegate=first)

    assert kill_switch.reached(first.pk, NOW) == (second.pk, third.pk)


def test_what_no_longer_works_is_not_reached() -> None:
    first, second, _ = chain()
    Delegation.objects.filter(delegator_identity=second).update(expires_at=ago(1))

    assert kill_switch.reached(first.pk, NOW) == (second.pk,)


def test_a_stop_ends_all_that_it_gave_and_leaves_what_others_gave() -> None:
    first, second, third = chain()
    task = a_task(identity=first)
    helper = a_grant(identity=third, task=task, expires_at=NOW + days(1))
    on_task = a_delegation(
        delegator_person=a_person(), delegate=third, task=task, expires_at=NOW + days(1)
    )
    own = for_a_while(first)
    standing = a_grant(identity=first)
    others = for_a_while(second)

    use = stopped(first)

    first.refresh_from_db()
    task.refresh_from_db()
    assert (first.lifecycle, first.suspended_at) == ("suspended", NOW)
    assert (task.status, task.ended_at) == (Task.Status.CANCELLED, NOW)
    for row in (helper, own):
        row.refresh_from_db()
        assert (row.revoked_at, row.end_cause) == (NOW, EndCause.SUSPENSION)
    on_task.refresh_from_db()
    assert on_task.end_cause == EndCause.SUSPENSION
    given = Delegation.objects.get(delegator_identity=first)
    assert (given.revoked_at, given.end_cause) == (NOW, EndCause.SUSPENSION)
    assert Delegation.objects.get(delegator_identity=second).revoked_at is None
    standing.refresh_from_db()
    others.refresh_from_db()
    assert (standing.revoked_at, others.revoked_at) == (None, None)
    assert not Grant.objects.effective(NOW).filter(identity=first).exists()
    assert not kill_switch.remains(first.pk, NOW)
    assert use.stopped_at == NOW + timedelta(seconds=0.5)


def test_the_counts_and_the_time_are_kept_with_who_and_why() -> None:
    first, *_ = chain()
    a_grant(identity=first)
    a_task(identity=first)
    a_credential(identity=first)
    security = a_user(username="sam")

    use = stopped(first, by=security, clock=ticking(1.5, 2.25))

    assert (use.grants, use.delegations, use.tasks, use.reached, use.left_over) == (1, 1, 1, 2, 1)
    assert (use.author, use.reason, use.drill) == ("sam", "It sends odd mails.", False)
    assert use.took == timedelta(seconds=2.25)


def test_as_long_as_something_is_effective_no_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = chain()
    monkeypatch.setattr(
        kill_switch, "remains", lambda *_: kill_switch.Remains(grants=1, delegations=0, tasks=0)
    )
    use = stopped(first)
    monkeypatch.undo()

    seen_later = kill_switch.verify_all(clock=ticking(60))

    assert use.stopped_at is None
    use.refresh_from_db()
    assert (seen_later, use.took) == (1, timedelta(seconds=60))
    assert kill_switch.verify_all(clock=ticking(90)) == 0


def test_stopping_twice_keeps_the_first_use_and_its_time() -> None:
    first, *_ = chain()
    once = stopped(first)

    again = stopped(first, at=LATER, clock=lambda: LATER)

    assert again == once
    assert again.stopped_at == once.stopped_at
    assert KillSwitchUse.objects.count() == 1


@pytest.mark.parametrize("rule", [stopped, drilled])
def test_what_is_retired_is_neither_stopped_nor_drilled(rule: Any) -> None:
    gone = an_identity(lifecycle="retired", retired_at=ago(1))

    with pytest.raises(RuleBroken, match="retired"):
        rule(gone)


@pytest.mark.parametrize("rule", [stopped, drilled])
def test_a_reason_is_needed(rule: Any) -> None:
    with pytest.raises(RuleBroken, match="Say why"):
        rule(an_identity(), reason="  ")


@pytest.mark.parametrize("rule", [stopped, drilled])
def test_an_owner_stops_and_drills_their_own_and_nobody_elses(rule: Any) -> None:
    identity = an_identity()
    owner, stranger = a_user("owner", person=identity.owner), a_user("owner", person=a_person())

    with pytest.raises(PermissionDenied):
        rule(identity, by=stranger)
    with pytest.raises(PermissionDenied):
        rule(identity, by=a_user("auditor"))
    assert rule(identity, by=owner).stopped_at


def test_what_had_ended_by_itself_keeps_its_own_cause() -> None:
    identity = an_identity()
    over = a_task(identity=identity, opened_at=ago(3), deadline=ago(1))
    on_task = a_grant(identity=identity, task=over, expires_at=NOW + days(1))
    expired = for_a_while(identity)
    Grant.objects.filter(pk=expired.pk).update(expires_at=ago(1))

    stopped(identity)

    on_task.refresh_from_db()
    expired.refresh_from_db()
    over.refresh_from_db()
    assert on_task.end_cause == EndCause.TASK
    assert (expired.revoked_at, expired.state(NOW)) == (None, "expired")
    assert over.status == Task.Status.OPEN


def test_what_was_issued_here_is_confirmed_and_what_a_platform_holds_is_not() -> None:
    identity = an_identity()
    here = for_a_while(identity, source=a_source(key=OWN_SOURCE, kind="manual"))
    there = for_a_while(identity)

    stopped(identity)

    here.refresh_from_db()
    there.refresh_from_db()
    assert here.revocation_confirmed_at == NOW
    assert there.revocation_confirmed_at is None


def test_a_drill_changes_nothing_and_the_history_shows_only_the_drill() -> None:
    first, *_ = chain()
    task = a_task(identity=first)
    a_grant(identity=first, task=task, expires_at=NOW + days(1))
    before = everything()

    use = drilled(first)

    *rows, changes = everything()
    assert [*rows, changes - 1] == before
    added = Change.objects.latest("pk")
    assert (added.noun, added.verb) == ("inventory_killswitchuse", "identity.drilled")
    assert (use.drill, use.took) == (True, timedelta(seconds=0.25))
    assert (use.grants, use.tasks, use.delegations, use.reached) == (1, 1, 1, 2)


def test_a_drill_tells_nobody_that_something_ended(
    django_capture_on_commit_callbacks: Any,
) -> None:
    first, *_ = chain()
    a_task(identity=first)
    heard: list[object] = []

    def hear(sender: object, ids: object, **_: object) -> None:
        heard.append(ids)

    for signal in (tasks_ended, identities_changed):
        signal.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            drilled(first)
    finally:
        for signal in (tasks_ended, identities_changed):
            signal.disconnect(hear)

    assert heard == [frozenset({first.pk})]  # that the drill took place, so that its check is asked


def test_what_is_stopped_already_is_not_drilled() -> None:
    with pytest.raises(RuleBroken, match="stopped already"):
        drilled(an_identity(lifecycle="suspended"))


def test_lifting_restores_nothing_by_itself() -> None:
    first, *_ = chain()
    task = a_task(identity=first)
    for_a_while(first)
    a_grant(identity=first, task=task, expires_at=NOW + days(2))
    standing = a_grant(identity=first)
    stopped(first)
    slipped_in = for_a_while(first)  # given by somebody while it was stopped

    identities.activate(first, by="job", reason="Cleared.", at=LATER)

    effective = Grant.objects.effective(LATER).filter(identity=first)
    assert list(effective) == [standing]
    slipped_in.refresh_from_db()
    assert (slipped_in.revoked_at, slipped_in.end_cause) == (LATER, EndCause.SUSPENSION)
    assert not Delegation.objects.effective(LATER).filter(delegator_identity=first).exists()
    assert not Task.objects.open(LATER).filter(identity=first).exists()
    assert KillSwitchUse.objects.get().lifted_at == LATER


def test_a_second_stop_after_lifting_is_a_use_of_its_own() -> None:
    identity = an_identity()
    stopped(identity)
    identities.activate(identity, by="job", reason="", at=NOW + days(1))

    stopped(identity, at=NOW + days(2), clock=lambda: NOW + days(2))

    assert KillSwitchUse.objects.filter(identity=identity).count() == 2
    assert KillSwitchUse.objects.filter(identity=identity, lifted_at=None).count() == 1


@pytest.mark.parametrize("many", [False, True])
def test_every_way_to_suspend_ends_what_it_gave(many: bool) -> None:
    first, second, _ = chain()
    task = a_task(identity=first)
    mine = for_a_while(first)

    if many:
        rows = Identity.objects.filter(lifecycle="active", name="A")
        identities.suspend_all(rows, by="job", reason="Odd.", at=NOW)
    else:
        identities.suspend(first, by="job", reason="Odd.", at=NOW)

    mine.refresh_from_db()
    task.refresh_from_db()
    assert mine.end_cause == EndCause.SUSPENSION
    assert task.status == Task.Status.CANCELLED
    assert not kill_switch.remains(first.pk, NOW)
    assert kill_switch.reached(second.pk, NOW)  # B was not suspended


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["delegate", "task", "for a while", "standing", "on a task"]),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=12,
)


@given(steps=STEPS, chosen=st.integers(0, 3), later=st.integers(0, 72))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_given_nothing_is_left_after_a_stop_and_nothing_comes_back(
    steps: list[tuple[str, int, int]], chosen: int, later: int
) -> None:
    """Law: after a stop nothing of it is effective at any later moment, nobody acts through it, and once it is lifted
    only standing grants work."""
    with _undone():
        everybody = [an_identity() for _ in range(4)]
        for what, giver, taker in steps:
            _give(what, everybody[giver], everybody[taker])
        one, after = everybody[chosen], NOW + timedelta(hours=later)

        use = stopped(one)

        assert use.stopped_at is not None
        assert not kill_switch.remains(one.pk, after)
        assert kill_switch.reached(one.pk, after) == ()
        identities.activate(one, by="job", reason="", at=after)
        assert kill_switch.reached(one.pk, after) == ()
        left = Grant.objects.effective(after).filter(identity=one, just_in_time=True)
        assert not left.exclude(task__identity__in=[x.pk for x in everybody if x != one]).exists()


def _give(what: str, giver: Identity, taker: Identity) -> None:
    if what == "delegate" and giver != taker:
        a_delegation(delegator_identity=giver, delegate=taker)
    elif what == "task":
        a_task(identity=giver, deadline=NOW + days(4))
    elif what == "for a while":
        for_a_while(giver)
    elif what == "standing":
        a_grant(identity=giver)
    elif what == "on a task":
        task = a_task(identity=giver, deadline=NOW + days(4))
        a_grant(identity=taker, task=task, expires_at=NOW + days(4))


class _undone:  # noqa: N801  reads as a word where it is used
    """What a hypothesis example made is gone before the next one."""

    def __enter__(self) -> None:
        self._atomic = transaction.atomic()
        self._atomic.__enter__()

    def __exit__(self, *error: Any) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)
