"""Random sequences of what people, platforms, time and dead workers do to access; the laws hold after each step."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inventory import endings, grants, identities, ownership, task_life
from inventory.models import Change, Delegation, Grant, Identity, Person, Task, User
from inventory.rules import RuleBroken
from inventory.task_life import Work
from reviews import request_life, requests
from reviews.models import AccessRequest, Approval
from reviews.requests import Answer, Wish
from tests.factories import (
    NOW,
    a_delegation,
    a_person,
    a_successor,
    a_system,
    a_user,
    an_entitlement,
    an_identity,
)

HOUR = timedelta(hours=1)
some = st.integers(min_value=0, max_value=9)


class Office(RuleBasedStateMachine):
    """Two agents, their owners and a manager; a platform that asks; a job that runs only sometimes."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()  # each sequence begins with an empty organisation
        self.block.__enter__()
        self.at: datetime = NOW
        self.manager = a_person()
        self.people = [a_person(manager=self.manager) for _ in range(3)] + [self.manager]
        self.logins = [a_user("owner", person=person) for person in self.people]
        self.security = a_user("security")
        self.platform = a_user("security", is_service=True)
        self.agents = [
            an_identity(owner=person, kind="autonomous_agent") for person in self.people[:2]
        ]
        a_successor(identity=self.agents[0], person=self.people[2])
        ledger = a_system(owner=self.people[2])
        self.entitlements = [
            an_entitlement(risk=risk, system=ledger)
            for risk in ("low", "medium", "high", "critical")
        ]
        self.closed: dict[int, str] = {}  # how each ended task ended
        self.stopped: set[int] = set()  # grants that were seen ineffective after they had started
        self.get_at_once(0)
        self.get_at_once(1)
        self.open_task(0, 5, beats=True, for_whom=2)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def attempt(self, act: Callable[[], object]) -> None:
        """A rule may refuse; then nothing has changed."""
        try:
            with transaction.atomic():
                act()
        except (RuleBroken, PermissionDenied):
            return

    def pick(self, rows: Any, number: int) -> Any:  # Any: of each noun
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    @rule(who=some, hours=st.integers(1, 6), beats=st.booleans(), for_whom=st.none() | some)
    def open_task(self, who: int, hours: int, beats: bool, for_whom: int | None) -> None:
        person = None if for_whom is None else self.people[for_whom % 4]
        work = Work(
            purpose="work", deadline=self.at + hours * HOUR, on_behalf_of=person,
            heartbeat_every=timedelta(minutes=40) if beats else None,
        )  # fmt: skip
        self.attempt(
            lambda: task_life.open_task(
                self.agents[who % 2], work=work, by=self.platform, at=self.at
            )
        )

    @rule(
        who=some,
        what=some,
        task=some,
        with_task=st.booleans(),
        by=some,
        lasts=st.none() | st.integers(1, 5),
        permanent=st.booleans(),
    )
    def ask(
        self,
        who: int,
        what: int,
        task: int,
        with_task: bool,
        by: int,
        lasts: int | None,
        permanent: bool,
    ) -> None:
        agent = self.agents[who % 2]
        chosen = self.pick(Task.objects.filter(identity=agent), task) if with_task else None
        asker = [self.platform, *self.logins][by % 5]
        wish = Wish(
            "needed",
            lasts=lasts * HOUR if lasts else None,
            task=chosen,
            permanent=permanent and not lasts,
        )
        wanted = self.entitlements[what % 4 : what % 4 + 1 + what % 2]
        self.attempt(
            lambda: requests.ask(agent, entitlements=wanted, wish=wish, by=asker, at=self.at)
        )

    @rule(which=some, who=some, yes=st.booleans(), narrow=st.booleans())
    def answer(self, which: int, who: int, yes: bool, narrow: bool) -> None:
        request = self.pick(AccessRequest.objects.all(), which)
        if request is None:
            return
        user = [*self.logins, self.security, self.platform][who % 6]
        keep = [request.items.order_by("pk")[0].entitlement_id] if narrow else None
        given = Answer(yes, "because", keep=keep, lasts=HOUR / 2 if narrow else None)
        self.attempt(lambda: requests.answer(request, given=given, by=user, at=self.at))

    @rule(who=some)
    def get_at_once(self, who: int) -> None:
        """Low risk, which the rules give without asking: most of what there is."""
        wanted, wish = self.entitlements[:1], Wish("needed", lasts=5 * HOUR)
        self.attempt(
            lambda: requests.ask(
                self.agents[who % 2], entitlements=wanted, wish=wish, by=self.platform, at=self.at
            )
        )

    @rule(which=some)
    def approve_as_asked(self, which: int) -> None:
        """Whoever is asked says yes, as mostly happens."""
        request = self.pick(AccessRequest.objects.waiting(self.at), which)
        if request is None:
            return
        for each in request.approvals.filter(answer="").order_by("pk"):
            mine = [user for user in self.logins if user.person_id == each.person_id]
            user = mine[0] if mine else self.security
            self.attempt(
                lambda user=user: requests.answer(request, given=Answer(True), by=user, at=self.at)  # type: ignore[misc]
            )

    @rule(which=some, how=st.sampled_from(["done", "failed", "cancelled"]))
    def end_task(self, which: int, how: str) -> None:
        task = self.pick(Task.objects.all(), which)
        if task is not None:
            task_life.end_task(task, how=how, by=self.platform, at=self.at)

    @rule(which=some)
    def beat(self, which: int) -> None:
        task = self.pick(Task.objects.all(), which)
        if task is not None:
            self.attempt(lambda: task_life.beat(task, by=self.platform, at=self.at))

    @rule(which=some, act=st.sampled_from(["revoke", "expire", "extend"]))
    def end_grant(self, which: int, act: str) -> None:
        grant = self.pick(Grant.objects.all(), which)
        if grant is None:
            return
        acts: dict[str, Callable[[], object]] = {
            "revoke": lambda: grants.revoke(grant, by=self.security, reason="r", at=self.at),
            "expire": lambda: grants.expire_now(grant, by=self.security, reason="r", at=self.at),
            "extend": lambda: grants.extend(
                grant,
                until=(grant.expires_at or self.at) + HOUR,
                by=self.security,
                reason="r",
                at=self.at,
            ),
        }
        self.attempt(acts[act])

    @rule(who=some)
    def suspend(self, who: int) -> None:
        self.attempt(
            lambda: identities.suspend(
                self.agents[who % 2], by=self.security, reason="r", at=self.at
            )
        )

    @rule(who=some)
    def activate(self, who: int) -> None:
        self.attempt(
            lambda: identities.activate(
                self.agents[who % 2], by=self.security, reason="r", at=self.at
            )
        )

    @rule(who=some)
    def leave(self, who: int) -> None:
        self.attempt(
            lambda: ownership.mark_left(self.people[who % 3], by=self.security, at=self.at)
        )

    @rule(who=some, minutes=st.integers(1, 90))
    def announce_leaving(self, who: int, minutes: int) -> None:
        """The last day comes by itself, and nobody has to do anything then."""
        day = self.at + timedelta(minutes=minutes)
        person = Person.objects.get(pk=self.people[who % 3].pk)
        self.attempt(
            lambda: ownership.mark_leaving(
                person, last_day=day, by=self.security, reason="r", at=self.at
            )
        )

    @rule(who=some, to=some)
    def hand_over(self, who: int, to: int) -> None:
        agent = Identity.objects.get(pk=self.agents[who % 2].pk)
        owner = Person.objects.get(pk=self.people[to % 4].pk)
        self.attempt(
            lambda: ownership.assign_owner(
                agent, owner=owner, by=self.security, reason="r", at=self.at
            )
        )

    @rule(who=some, to=some)
    def change_of_guard(self, who: int, to: int) -> None:
        """The moments in which dead access could wake: the owner's last day passes, and somebody takes over."""
        agent = Identity.objects.select_related("owner").get(pk=self.agents[who % 2].pk)
        owner = agent.owner
        if owner is not None:
            self.attempt(
                lambda: ownership.mark_leaving(
                    owner, last_day=self.at + HOUR / 60, by=self.security, reason="r", at=self.at
                )
            )
        self.time_passes(2)
        self.what_has_stopped_never_comes_back()
        self.hand_over(who, to)

    @rule(who=some)
    def stop_and_go(self, who: int) -> None:
        """The same with a suspension that is lifted."""
        self.suspend(who)
        self.what_has_stopped_never_comes_back()
        self.time_passes(1)
        self.activate(who)

    @rule(giver=some)
    def delegate(self, giver: int) -> None:
        """A delegation for a task: it, too, ends with the task."""
        task = self.pick(Task.objects.filter(status="open"), giver)
        if task is not None:
            a_delegation(
                delegate=task.identity,
                task=task,
                starts_at=task.opened_at,
                expires_at=task.deadline,
            )

    @rule(minutes=st.integers(1, 300))
    def time_passes(self, minutes: int) -> None:
        """With every worker dead."""
        self.at += timedelta(minutes=minutes)

    @rule()
    def the_job_runs(self) -> None:
        task_life.end_over(self.at)
        endings.settle(self.at)
        request_life.look_after(self.at)

    @rule()
    def the_job_runs_twice(self) -> None:
        self.the_job_runs()
        before = Change.objects.count()
        self.the_job_runs()
        assert Change.objects.count() == before

    @invariant()
    def nothing_is_effective_outside_its_interval_task_and_chain(self) -> None:
        people = {person.pk: person for person in Person.objects.all()}
        effective = Grant.objects.effective(self.at).select_related("identity__owner", "task")
        for grant in effective:
            assert grant.revoked_at is None or grant.revoked_at > self.at
            assert grant.expires_at is None or grant.expires_at > self.at
            assert grant.identity.lifecycle == "active"
            if grant.just_in_time:
                assert grant.identity.owner is not None
                assert grant.identity.owner.can_answer(self.at)
            if grant.task is not None:
                assert grant.task.state(self.at) == "open"
                behalf = grant.task.on_behalf_of_id
                assert behalf is None or people[behalf].can_answer(self.at)
        for delegation in (
            Delegation.objects.effective(self.at).filter(task__isnull=False).select_related("task")
        ):
            assert delegation.task is not None
            assert delegation.task.state(self.at) == "open"

    @invariant()
    def what_has_stopped_never_comes_back(self) -> None:
        now = set(
            Grant.objects.effective(self.at).filter(just_in_time=True).values_list("pk", flat=True)
        )
        assert not now & self.stopped
        every = set(Grant.objects.filter(just_in_time=True).values_list("pk", flat=True))
        self.stopped |= every - now

    @invariant()
    def an_ended_task_stays_as_it_ended(self) -> None:
        for pk, status in Task.objects.exclude(status="open").values_list("pk", "status"):
            assert self.closed.setdefault(pk, status) == status

    @invariant()
    def nobody_approves_their_own_and_no_program_approves(self) -> None:
        for each in Approval.objects.exclude(answer="").select_related(
            "answered_by", "request__requested_by"
        ):
            by: User | None = each.answered_by
            assert by is not None
            assert not by.is_service
            assert by.pk != each.request.requested_by_id
            if by.person_id is not None and each.answer == "approved":
                assert by.person_id != each.request.requested_by.person_id
                assert by.person_id != each.request.beneficiary_id

    @invariant()
    def grants_come_from_complete_approvals_and_only_once(self) -> None:
        for request in AccessRequest.objects.prefetch_related("items", "approvals"):
            made = [item for item in request.items.all() if item.grant_id]
            assert bool(made) == (request.status == "approved")
            if made and request.needed:
                given = [each for each in request.approvals.all() if each.answer == "approved"]
                assert len({each.answered_by_id for each in given}) >= sum(request.needed)
            assert all(item.kept for item in made)

    @invariant()
    def every_change_has_an_author(self) -> None:
        assert (
            not Change.objects.filter(noun="inventory_grant", actor__startswith="database user")
            .exclude(verb="sql")
            .exists()
        )
        odd = Change.objects.filter(
            noun__in=["reviews_accessrequest", "reviews_approval"], verb="sql"
        )
        assert not odd.exists()

    @precondition(lambda self: self.at > NOW)
    @invariant()
    def what_is_decided_is_decided_once(self) -> None:
        for request in AccessRequest.objects.exclude(status="waiting"):
            assert request.decided_at is not None


@pytest.mark.django_db
def test_the_laws_hold_whatever_happens() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis ships none here
        Office,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
