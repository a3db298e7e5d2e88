"""Replay: what a change would have done to what was asked, kept so that it is the same for ever."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.models import Grant, Identity, Tool, ToolBinding
from runtime import decisions, policies, replays
from runtime.models import Decision, PolicySet, PolicySetVersion, Replay
from runtime.questions import Answer, Question
from runtime.replay_words import said_of
from runtime.starter_policies import STARTER_TEXT
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_task,
    a_user,
    an_entitlement,
    an_identity,
)
from tests.runtime.call_factories import a_tool_call
from tests.runtime.factories import PERMIT_ALL, a_version

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


class Desk:
    """A reader with a standing grant to read a dataset, and an actor with one to write it."""

    def __init__(self) -> None:
        self.security = a_user("security")
        self.dataset = a_resource(name="bookings")
        self.reader = self._agent("finder", Identity.Kind.RETRIEVAL_PIPELINE, 1)
        self.actor = self._agent("mover", Identity.Kind.AUTONOMOUS_AGENT, 3)
        self.reads = self.grant(self.reader, "read", writes=False)
        self.writes = self.grant(self.actor, "write", writes=True)
        self.live = a_version(PERMIT_ALL)

    def _agent(self, name: str, kind: str, tier: int) -> Identity:
        return an_identity(name=name, kind=kind, declared_tier=tier, owner=a_person())

    def grant(self, identity: Identity, action: str, *, writes: bool) -> Grant:
        entitlement = an_entitlement(
            system=self.dataset.system, resource=self.dataset, name=action, writes=writes
        )
        return a_grant(identity=identity, entitlement=entitlement)

    def ask(self, identity: Identity, action: str, times: int = 1, **context: Any) -> Answer:
        question = Question(
            "identity", str(identity.pk), action, "resource", str(self.dataset.pk), context
        )
        return [decisions.decide(question, at=NOW) for _ in range(times)][-1]

    def draft(self, text: str) -> PolicySetVersion:
        return a_version(text, policy_set=self.live.policy_set, state="draft")

    def replay(self, version: PolicySetVersion) -> Replay:
        return self.done(replays.of_version(version, days=7, by=self.security, at=LATER))

    def done(self, asked: Replay) -> Replay:
        replays.run(asked.pk, LATER)
        return Replay.objects.get(pk=asked.pk)


def a_tool(holder: Identity) -> Tool:
    """An approved tool that the identity holds."""
    given = {"source": holder.source, "namespace": holder.namespace, "first_seen_at": NOW}
    tool = Tool.objects.create(
        provider="crm", name="find", external_id="find", descriptor_digest="1" * 64,
        approved_digest="1" * 64, state="approved", writes=False, **given,
    )  # fmt: skip
    ToolBinding.objects.create(
        identity=holder, tool=tool, origin="declared", external_id="holds", **given
    )
    return tool


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_draft_says_who_would_have_been_stopped(desk: Desk) -> None:
    task = a_task(identity=desk.actor, purpose="Move the bookings")
    assert desk.ask(desk.reader, "read").permitted
    assert desk.ask(desk.actor, "write", times=3, task=task.pk).permitted

    done = desk.replay(desk.draft(STARTER_TEXT))

    assert done.status == "done", done.error
    assert done.result["all"] == {"questions": 2, "times": 4}
    assert done.result["denied"] == {"questions": 1, "times": 3}
    assert done.result["permitted"] == {"questions": 0, "times": 0}
    assert done.result["by_identity"] == [
        {"name": "mover", "key": desk.actor.pk, "denied": 3, "permitted": 0}
    ]
    assert done.result["by_task"][0]["name"] == "Move the bookings"
    row = done.rows.get()
    assert (row.subject, row.action, row.times) == ("mover", "write", 3)
    assert row.policies == ["actor-works-in-tasks"]
    assert row.example in set(Decision.objects.values_list("pk", flat=True))


def test_what_the_facts_denied_no_policy_would_have_permitted(desk: Desk) -> None:
    assert desk.ask(desk.reader, "delete").reason_code == "no_grant"

    done = desk.replay(desk.draft(PERMIT_ALL))

    assert done.result["by_facts"] == {"questions": 1, "times": 1}
    assert not done.rows.exists()


def test_a_draft_that_permits_more_says_so(desk: Desk) -> None:
    a_version('@id("none") forbid (principal, action, resource);', policy_set=desk.live.policy_set)
    assert not desk.ask(desk.reader, "read").permitted

    done = desk.replay(desk.draft(PERMIT_ALL))

    assert done.result["permitted"] == {"questions": 1, "times": 1}


def test_what_a_watching_set_would_have_denied_counts_as_denied(desk: Desk) -> None:
    Identity.objects.filter(pk=desk.reader.pk).update(environment="sandbox")
    policies.monitor(
        desk.live.policy_set, environments=["sandbox"], by=desk.security, reason="First look."
    )
    a_version('@id("none") forbid (principal, action, resource);', policy_set=desk.live.policy_set)
    assert desk.ask(desk.reader, "read").permitted

    done = desk.replay(desk.draft(PERMIT_ALL))

    assert done.result["permitted"]["times"] == 1


def test_what_left_the_inventory_cannot_be_told(desk: Desk) -> None:
    desk.ask(desk.reader, "read")
    desk.dataset.gone_at = NOW
    desk.dataset.save()

    done = desk.replay(desk.draft(STARTER_TEXT))

    assert done.result["unclear"] == {"questions": 1, "times": 1}
    assert not done.rows.exists()


def test_without_a_grant_its_requests_and_those_through_others_are_denied(desk: Desk) -> None:
    helper = an_identity(name="helper", owner=a_person())
    a_delegation(delegate=helper, delegator_identity=desk.reader)
    assert desk.ask(desk.reader, "read", times=2).permitted
    assert desk.ask(helper, "read").permitted
    desk.ask(desk.actor, "write")

    asked = replays.of_grant(desk.reads, days=7, by=desk.security, at=LATER)
    done = desk.done(asked)

    assert done.status == "done", done.error
    assert {(row.subject, row.times) for row in done.rows.all()} == {("finder", 2), ("helper", 1)}
    assert Grant.objects.get(pk=desk.reads.pk).revoked_at is None


def test_with_a_second_grant_for_the_same_nothing_would_have_changed(desk: Desk) -> None:
    desk.grant(desk.reader, "read", writes=False)
    desk.ask(desk.reader, "read")

    done = desk.done(replays.of_grant(desk.reads, days=7, by=desk.security, at=LATER))

    assert done.result["denied"]["times"] == 0


def test_another_tier_is_judged_by_the_live_policies(desk: Desk) -> None:
    a_version(STARTER_TEXT, policy_set=desk.live.policy_set)
    assert desk.ask(desk.reader, "read").permitted

    done = desk.done(replays.of_tier(desk.reader, tier=2, days=7, by=desk.security, at=LATER))

    assert done.rows.get().policies == ["assistant-acts-for-a-person"]
    assert Identity.objects.get(pk=desk.reader.pk).declared_tier == 1


def test_calls_that_nobody_asked_about_are_judged_too(desk: Desk) -> None:
    tool = a_tool(desk.reader)
    for minutes in range(3):
        a_tool_call(started_at=NOW + timedelta(minutes=minutes), identity=desk.reader, tool=tool)
    a_tool_call(started_at=NOW, identity=desk.actor, tool=tool)  # not given to it: the facts deny

    done = desk.replay(
        desk.draft('@id("shut") forbid (principal, action, resource is Mandate::Tool);')
    )

    assert done.result["denied"] == {"questions": 1, "times": 3}
    assert done.result["by_facts"] == {"questions": 1, "times": 1}
    assert (done.rows.get().kind, done.rows.get().times) == ("call", 3)


def test_the_same_change_over_the_same_record_has_the_same_bytes(desk: Desk) -> None:
    desk.ask(desk.reader, "read")
    desk.ask(desk.actor, "write", times=2)
    draft = desk.draft(STARTER_TEXT)

    first, second = desk.replay(draft), desk.replay(draft)

    assert first.pk != second.pk
    assert (first.input_digest, first.result_digest) == (second.input_digest, second.result_digest)
    assert replays.verified(first)
    first.rows.update(times=1)
    assert not replays.verified(first)


def test_what_is_asked_after_the_interval_or_before_it_does_not_count(desk: Desk) -> None:
    desk.ask(desk.reader, "read")

    asked = replays.of_version(
        desk.draft(PERMIT_ALL), days=1, by=desk.security, at=NOW + timedelta(days=2)
    )
    replays.run(asked.pk, LATER)

    assert Replay.objects.get(pk=asked.pk).result["all"]["times"] == 0


def test_a_draft_that_cannot_be_read_fails_with_a_sentence(desk: Desk) -> None:
    done = desk.replay(desk.draft("permit(principal, action resource);"))

    assert done.status == "failed"
    assert "Line 1" in done.error


def test_a_draft_that_changed_since_is_not_passed_off_as_replayed(desk: Desk) -> None:
    draft = desk.draft(PERMIT_ALL)
    done = desk.replay(draft)
    late = replays.of_version(draft, days=7, by=desk.security, at=LATER)
    written = policies.Written(STARTER_TEXT)
    policies.edit(draft, written, by=desk.security, at=LATER)

    late = desk.done(late)

    assert (late.status, late.error[:22]) == ("failed", "The draft was changed ")
    assert "of an earlier text" in said_of(Replay.objects.get(pk=done.pk))


def test_a_second_worker_leaves_a_replay_alone_and_a_killed_one_is_noticed(desk: Desk) -> None:
    asked = replays.of_version(desk.live, days=7, by=desk.security, at=NOW)
    Replay.objects.filter(pk=asked.pk).update(status="running")

    replays.run(asked.pk, LATER)

    assert Replay.objects.get(pk=asked.pk).status == "running"
    assert replays.abandoned(NOW + timedelta(minutes=30)) == 0
    assert replays.abandoned(NOW + timedelta(hours=2)) == 1


POLICIES = st.lists(
    st.sampled_from(
        [
            "permit (principal, action, resource);",
            'forbid (principal in Mandate::Tier::"1", action, resource);',
            'forbid (principal, action in Mandate::Action::"group:write", resource);',
            "forbid (principal, action, resource) unless { context has task };",
            'permit (principal, action, resource) when { context.risk == "low" };',
            'forbid (principal, action, resource) when { principal.name == "mover" };',
        ]
    ),
    min_size=1,
    max_size=4,
)
ASKED = st.lists(
    st.tuples(
        st.sampled_from(["reader", "actor"]),
        st.sampled_from(["read", "write", "delete"]),
        st.booleans(),
        st.sampled_from(["", "low", "high"]),
    ),
    max_size=6,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=POLICIES, asked=ASKED, watched=st.booleans())
def test_replaying_the_live_policies_over_their_own_decisions_changes_nothing(
    desk: Desk, written: list[str], asked: list[tuple[str, str, bool, str]], watched: bool
) -> None:
    with transaction.atomic():  # each example has a record of its own
        done = _asked_and_replayed(desk, written, asked, watched=watched)
        transaction.set_rollback(True)

    assert done.status == "done", done.error
    assert done.result["all"]["times"] == len(asked)
    assert done.result["denied"] == done.result["permitted"] == {"questions": 0, "times": 0}
    assert done.result["unclear"]["times"] == 0


def _asked_and_replayed(
    desk: Desk, written: list[str], asked: list[tuple[str, str, bool, str]], *, watched: bool
) -> Replay:
    text = "\n".join(f'@id("p{n}") {policy}' for n, policy in enumerate(written))
    live = a_version(text, policy_set=desk.live.policy_set)
    PolicySet.objects.update(monitored=["production"] if watched else [])
    Identity.objects.update(environment="production")
    task = a_task(identity=desk.reader)
    for who, action, in_task, risk in asked:
        context: dict[str, object] = {"risk": risk} if risk else {}
        if in_task and who == "reader":
            context["task"] = task.pk
        desk.ask(getattr(desk, who), action, **context)
    return desk.replay(live)
