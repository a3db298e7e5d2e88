"""People who decide at the same instant, on a real database: one consistent outcome, whoever comes first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from inventory import grants, identities, task_life
from inventory.models import Grant, Identity, Task
from inventory.rules import RuleBroken
from reviews import action_approvals, request_life, requests
from reviews.action_approvals import Action
from reviews.models import AccessRequest
from reviews.requests import Answer
from tests.factories import NOW
from tests.reviews.asking import HOUR, Office
from tests.reviews.test_action_approvals import a_tool

pytestmark = pytest.mark.django_db(transaction=True)
YES = Answer(True)
LATER = NOW + timedelta(minutes=5)
ROUNDS = range(2)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Lets every act go at the same instant, each on a connection of its own; "" or what the rule said, for each."""
    barrier = Barrier(len(acts))

    def go(act: Callable[[], object]) -> str:
        try:
            barrier.wait(timeout=10)
            act()
        except RuleBroken as error:
            return str(error)
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(go, acts))


def effective(request: AccessRequest) -> int:
    keys = request.items.values("grant")
    return Grant.objects.effective(LATER).filter(pk__in=keys).count()


@pytest.mark.parametrize("round_", ROUNDS)
def test_two_approvers_at_the_same_instant_make_the_grants_once(round_: int) -> None:
    office = Office()
    request = office.ask(office.can("critical"), task=office.task())
    owner, keeper = office.login(office.owner), office.login(office.keeper)

    said = at_once(
        lambda: requests.answer(request, given=YES, by=owner, at=LATER),
        lambda: requests.answer(request, given=YES, by=keeper, at=LATER),
    )

    assert said == ["", ""]
    assert Grant.objects.filter(identity=office.agent).count() == 1
    assert AccessRequest.objects.get(pk=request.pk).status == "approved"


@pytest.mark.parametrize("round_", ROUNDS)
def test_one_approves_while_another_refuses_and_one_of_them_wins(round_: int) -> None:
    office = Office()
    request = office.ask(task=office.task())
    request_life.escalate_now(request, by=office.security, at=NOW)
    owner, manager = office.login(office.owner), office.login(office.manager)

    said = at_once(
        lambda: requests.answer(request, given=YES, by=owner, at=LATER),
        lambda: requests.answer(request, given=Answer(False, "No."), by=manager, at=LATER),
    )

    request.refresh_from_db()
    assert sorted(map(bool, said)) == [False, True]  # the second finds it decided
    assert effective(request) == (1 if request.status == "approved" else 0)
    assert request.approvals.exclude(answer="").count() == 1


@pytest.mark.parametrize("round_", ROUNDS)
def test_an_approval_while_the_task_ends_leaves_nothing_effective(round_: int) -> None:
    office = Office()
    task = office.task()
    request = office.ask(task=task)
    owner = office.login(office.owner)

    at_once(
        lambda: requests.answer(request, given=YES, by=owner, at=LATER),
        lambda: task_life.end_task(task, how="done", by=office.platform, at=LATER),
    )

    assert Task.objects.get(pk=task.pk).status == "done"
    assert effective(request) == 0
    assert not Grant.objects.filter(task=task, revoked_at=None).exists()


@pytest.mark.parametrize("round_", ROUNDS)
def test_an_approval_while_the_agent_is_stopped_leaves_nothing_to_come_back(round_: int) -> None:
    office = Office()
    request = office.ask(task=office.task())
    owner = office.login(office.owner)

    at_once(
        lambda: requests.answer(request, given=YES, by=owner, at=LATER),
        lambda: identities.suspend(office.agent, by=office.security, reason="Stop.", at=LATER),
    )
    identities.activate(
        Identity.objects.get(pk=office.agent.pk), by=office.security, reason="Go.", at=LATER + HOUR
    )

    assert Grant.objects.effective(LATER + HOUR).filter(identity=office.agent).count() == 0


@pytest.mark.parametrize("round_", ROUNDS)
def test_a_revocation_while_it_is_extended_wins(round_: int) -> None:
    office = Office()
    request = office.ask(office.can("low"), task=office.task(), lasts=HOUR)
    grant = Grant.objects.get(pk__in=request.items.values("grant"))

    at_once(
        lambda: grants.extend(
            grant, until=NOW + 2 * HOUR, by=office.security, reason="Longer.", at=LATER
        ),
        lambda: grants.revoke(grant, by=office.security, reason="Stop.", at=LATER),
    )

    assert effective(request) == 0


@pytest.mark.parametrize("round_", ROUNDS)
def test_one_approval_is_used_once_by_two_who_come_together(round_: int) -> None:
    office = Office()
    action = Action(a_tool(), {"order": 7})
    asked = action_approvals.ask(office.agent, action=action, by=office.platform, at=NOW)
    action_approvals.answer(asked, approved=True, by=office.login(office.owner), reason="", at=NOW)

    said = at_once(
        *[lambda: action_approvals.use(office.agent, action=action, by=office.platform, at=LATER)]
        * 3
    )

    assert said.count("") == 1


def test_an_approval_after_the_time_is_over_makes_nothing() -> None:
    office = Office()
    request = office.ask(task=office.task(deadline=NOW + 30 * 24 * HOUR))
    owner = office.login(office.owner)

    said = at_once(
        lambda: requests.answer(request, given=YES, by=owner, at=request.answer_by),
        lambda: request_life.look_after(request.answer_by),
    )

    request.refresh_from_db()
    assert "unanswered already" in said[0]
    assert (request.status, effective(request)) == ("lapsed", 0)


def test_the_same_task_opened_twice_at_once_is_one() -> None:
    office = Office()

    at_once(*[lambda: office.task(reference="run-1")] * 3)

    assert Task.objects.filter(identity=office.agent, status="open").count() == 1
