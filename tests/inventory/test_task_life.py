"""Tasks: opened, kept alive, ended; and what hangs on them."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from inventory import endings, ownership, task_life
from inventory.models import Change, EndCause, Grant, Identity, Task
from inventory.rules import RuleBroken
from inventory.task_life import Work
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_successor,
    a_system,
    a_user,
    an_identity,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def an_open_task(**terms: object) -> Task:
    identity = terms.pop("identity", None) or an_identity(owner=a_person())
    given = {"purpose": "Match the invoices of October", "deadline": NOW + 8 * HOUR, **terms}
    return task_life.open_task(identity, work=Work(**given), by=a_user("security"), at=NOW)  # type: ignore[arg-type]


def on(task: Task, **terms: object) -> Grant:
    return a_grant(
        identity=task.identity, task=task, starts_at=NOW, expires_at=task.deadline, **terms
    )


def effective(grant: Grant, at: object) -> bool:
    return Grant.objects.effective(at).filter(pk=grant.pk).exists()  # type: ignore[arg-type]


def test_a_task_keeps_what_it_is_for() -> None:
    ledger = a_system(name="Ledger")

    task = an_open_task(systems=(ledger, ledger), risk="high")

    assert task.purpose == "Match the invoices of October"
    assert [target.system for target in task.targets.all()] == [ledger]
    assert Change.objects.of(task).get().verb == "task.opened"


def test_the_same_reference_is_the_same_task_while_it_is_open() -> None:
    agent = an_identity(owner=a_person())
    first = an_open_task(identity=agent, reference="run-7")

    again = an_open_task(identity=agent, reference="run-7")
    task_life.end_task(first, how="done", by=a_user("security"), at=NOW + HOUR)
    later = an_open_task(identity=agent, reference="run-7")

    assert again.pk == first.pk
    assert later.pk != first.pk


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"purpose": "  "}, "no purpose"),
        ({"deadline": NOW}, "is past"),
        ({"deadline": NOW + timedelta(days=40)}, "at most 31 days"),
        ({"heartbeat_every": timedelta(seconds=1)}, "A heartbeat comes"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(
    terms: dict[str, object], said: str
) -> None:
    with pytest.raises(RuleBroken, match=said):
        an_open_task(**terms)


def test_somebody_who_left_is_not_worked_for() -> None:
    gone = a_person(status="left", left_at=NOW - HOUR)

    with pytest.raises(RuleBroken, match="has left"):
        an_open_task(on_behalf_of=gone)


def test_what_is_stopped_starts_no_work() -> None:
    with pytest.raises(RuleBroken, match="is suspended"):
        an_open_task(identity=an_identity(lifecycle=Identity.Lifecycle.SUSPENDED))


def test_an_auditor_and_a_stranger_open_nothing() -> None:
    agent = an_identity(owner=a_person())
    work = Work(purpose="x", deadline=NOW + HOUR)

    for user in (a_user("auditor"), a_user("owner", person=a_person())):
        with pytest.raises(PermissionDenied):
            task_life.open_task(agent, work=work, by=user, at=NOW)


@pytest.mark.parametrize("how", ["done", "failed", "cancelled"])
def test_all_that_hangs_on_a_task_ends_with_it_at_the_same_moment(how: str) -> None:
    task = an_open_task()
    grant, other = on(task), a_grant(identity=task.identity)
    delegation = a_delegation(delegate=task.identity, task=task, expires_at=task.deadline)

    ended = task_life.end_task(task, how=how, by=a_user("security"), at=NOW + HOUR)

    grant.refresh_from_db()
    delegation.refresh_from_db()
    assert (ended.grants, ended.delegations) == (1, 1)
    assert ended.names == (str(grant.entitlement),)
    assert grant.revoked_at == delegation.revoked_at == NOW + HOUR
    assert grant.end_cause == delegation.end_cause == EndCause.TASK
    assert effective(other, NOW + HOUR)
    change = Change.objects.of(grant).first()
    assert change is not None
    assert change.verb == f"task.{how}"


def test_ending_twice_keeps_the_first_end() -> None:
    task = an_open_task()
    security = a_user("security")
    task_life.end_task(task, how="done", by=security, at=NOW + HOUR)

    again = task_life.end_task(task, how="failed", by=security, at=NOW + 2 * HOUR)

    assert (again.task.status, again.task.ended_at) == ("done", NOW + HOUR)


def test_with_every_worker_dead_a_silent_task_still_lets_nothing_through() -> None:
    task = an_open_task(heartbeat_every=timedelta(minutes=5))
    grant = on(task)

    assert effective(grant, NOW + timedelta(minutes=4))
    assert not effective(grant, NOW + timedelta(minutes=5))
    assert Task.objects.get(pk=task.pk).state(NOW + timedelta(minutes=5)) == "silent"


def test_a_beat_puts_silence_off_and_wakes_nobody() -> None:
    task = an_open_task(heartbeat_every=timedelta(minutes=5))
    security = a_user("security")

    task_life.beat(task, by=security, at=NOW + timedelta(minutes=4))

    assert Task.objects.get(pk=task.pk).is_open(NOW + timedelta(minutes=8))
    with pytest.raises(RuleBroken, match="is silent and stays so"):
        task_life.beat(task, by=security, at=NOW + timedelta(minutes=10))


def test_the_job_writes_down_what_time_has_ended() -> None:
    overdue, silent = an_open_task(), an_open_task(heartbeat_every=timedelta(minutes=5))
    alive = an_open_task(deadline=NOW + 20 * HOUR)
    grant, expired = on(silent), on(overdue)

    number = task_life.end_over(NOW + 9 * HOUR)

    for row in (overdue, silent, alive, grant, expired):
        row.refresh_from_db()
    assert number == 2
    assert (overdue.status, overdue.ended_at) == ("overdue", overdue.deadline)
    assert (silent.status, silent.ended_at) == ("silent", NOW + timedelta(minutes=5))
    assert alive.status == "open"
    assert expired.revoked_at is None  # it expired, which is not the same as revoked
    assert task_life.end_over(NOW + 9 * HOUR) == 0


def test_done_after_the_deadline_is_overdue() -> None:
    task = an_open_task()

    ended = task_life.end_task(task, how="done", by=a_user("security"), at=NOW + 9 * HOUR)

    assert ended.task.status == "overdue"


def test_nothing_comes_back_when_the_owner_is_replaced() -> None:
    owner = a_person()
    task = an_open_task(identity=an_identity(owner=owner))
    grant = on(task)
    owner.status, owner.left_at = "left", NOW + HOUR
    owner.save()

    assert not effective(grant, NOW + 2 * HOUR)
    assert endings.settle(NOW + 2 * HOUR) == 1
    assert endings.settle(NOW + 2 * HOUR) == 0

    Identity.objects.filter(pk=task.identity_id).update(owner=a_person())
    grant.refresh_from_db()
    assert not effective(grant, NOW + 3 * HOUR)
    assert grant.end_cause == EndCause.OWNER


def test_it_ends_when_the_person_acted_for_leaves() -> None:
    person = a_person()
    grant = on(an_open_task(on_behalf_of=person))
    person.status, person.left_at = "left", NOW + HOUR
    person.save()

    endings.settle(NOW + 2 * HOUR)

    grant.refresh_from_db()
    assert grant.end_cause == EndCause.PERSON


def test_what_goes_unused_ends_by_itself() -> None:
    used = a_grant(
        starts_at=NOW, last_used_at=NOW + HOUR, idle_limit=timedelta(days=30), use_known=True
    )
    never = a_grant(starts_at=NOW, idle_limit=timedelta(days=30), use_known=True)
    day = NOW + timedelta(days=30)

    assert effective(used, day)
    assert not effective(never, day)
    endings.settle(day)

    used.refresh_from_db()
    never.refresh_from_db()
    assert (used.end_cause, never.end_cause) == ("", EndCause.UNUSED)


@pytest.mark.parametrize("how", ["assigned", "handed over", "in bulk", "by succession"])
def test_nothing_comes_back_when_somebody_takes_over(how: str) -> None:
    """Its owner left and no job has run: the access is dead already, and a new owner does not wake it."""
    owner, heir, security = a_person(), a_person(), a_user("security")
    agent = an_identity(owner=owner)
    grant = on(an_open_task(identity=agent))
    a_successor(identity=agent, person=heir)
    later = NOW + HOUR
    type(owner).objects.filter(pk=owner.pk).update(status="leaving", leaves_at=later)
    assert not effective(grant, later)
    terms = {"by": security, "reason": "Next.", "at": later + HOUR}

    if how == "assigned":
        ownership.assign_owner(agent, owner=heir, **terms)
    elif how == "in bulk":
        ownership.assign_owner_of_all(Identity.objects.filter(pk=agent.pk), owner=heir, **terms)
    else:
        ownership.hand_over(owner, to=heir if how == "handed over" else None, **terms)

    agent.refresh_from_db()
    grant.refresh_from_db()
    assert agent.owner == heir
    assert grant.end_cause == EndCause.OWNER
    assert not effective(grant, later + HOUR)
