"""Names of agents in reports: found by rule, set by hand, and what that does to the calls on record."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Identity
from runtime import attribution, ingest, naming
from runtime.models import AgentName, ToolCall
from runtime.naming import Name
from runtime.told import TOOL, Told
from tests.factories import NOW, a_credential, a_user, an_identity
from tests.runtime.reporting import a_reporter

pytestmark = pytest.mark.django_db
SPIFFE = "spiffe://example.org/billing"


def told(span_id: str = "1", **fields: Any) -> Told:
    started = int(NOW.timestamp()) * 10**9
    return Told(TOOL, "", span_id, "", started, None, "ok", tool_name="refund", **fields)


def who(name: Name) -> int | None:
    reporter, _ = a_reporter(NOW)
    return naming.identities_of({name}, reporter=reporter, at=NOW)[name]


def test_the_spiffe_id_counts_before_the_credential_and_that_before_names() -> None:
    workload = an_identity(spiffe_id=SPIFFE)
    keyed = a_credential(key_id="AKIDEXAMPLE").identity
    named = an_identity(name="billing")

    assert who(Name("", "billing", SPIFFE, "AKIDEXAMPLE")) == workload.pk
    assert who(Name("", "billing", "", "AKIDEXAMPLE")) == keyed.pk
    assert who(Name("", "billing")) == named.pk
    assert who(Name("billing", "")) == named.pk


def test_a_service_that_runs_several_agents_is_none_of_them() -> None:
    an_identity(name="platform")

    assert who(Name("platform", "some agent")) is None


def test_a_name_that_fits_several_fits_nobody_unless_one_is_an_agent() -> None:
    an_identity(name="desk")
    an_identity(name="desk")
    assert who(Name("", "desk")) is None

    agent = an_identity(name="desk", kind=Identity.Kind.ASSISTANT)
    assert who(Name("", "desk")) == agent.pk


def test_who_is_gone_or_retired_is_not_found() -> None:
    an_identity(name="old", gone_at=NOW)
    an_identity(name="older", lifecycle="retired", retired_at=NOW)

    assert who(Name("", "old")) is None and who(Name("", "older")) is None


def test_a_name_that_was_met_before_is_believed_only_as_it_is_on_record_now() -> None:
    reporter, _ = a_reporter(NOW)
    met, new = Name("billing", "clerk"), Name("billing", "teller")

    def ask(name: Name) -> int | None:
        return naming.identities_of({name}, reporter=reporter, at=NOW)[name]

    assert ask(met) is None
    identity = an_identity(name="desk")
    AgentName.objects.update(identity=identity)
    assert ask(met) == identity.pk

    AgentName.objects.update(agent_name="teller")  # where its row was, there is another name's
    assert (ask(met), ask(new)) == (None, identity.pk)

    AgentName.objects.all().delete()
    assert ask(new) is None
    assert AgentName.objects.get().agent_name == "teller"


def test_what_the_inventory_learns_later_is_found_by_the_job() -> None:
    reporter, _ = a_reporter(NOW)
    ingest.take([told(agent_name="late")], reporter=reporter, token=None, at=NOW)
    identity = an_identity(name="late")

    known = naming.try_again(NOW)
    changed = [attribution.assign_past(AgentName.objects.get(pk=pk)) for pk in known]

    assert changed == [1]
    assert ToolCall.objects.get().identity == identity
    assert naming.try_again(NOW) == []


def test_security_says_who_it_is_and_the_calls_on_record_follow() -> None:
    reporter, _ = a_reporter(NOW)
    ingest.take([told(agent_name="x-1")], reporter=reporter, token=None, at=NOW)
    name, identity = AgentName.objects.get(), an_identity(name="desk")
    client = Client()
    client.force_login(a_user("security"))

    answer = client.post(
        reverse("runtime:agent-name-assign", args=[name.pk]),
        {"identity": "desk", "reason": "Asked"},
    )
    name.refresh_from_db()
    attribution.assign_past(name)

    assert answer.status_code == 302
    assert (name.identity, name.how) == (identity, "set")
    assert ToolCall.objects.get().identity == identity
    ingest.take([told("2", agent_name="x-1")], reporter=reporter, token=None, at=NOW)
    assert ToolCall.objects.filter(identity=identity).count() == 2


def test_a_name_that_nobody_or_several_have_is_refused_with_a_sentence() -> None:
    name = AgentName.objects.create(
        reporter=a_user("security"), agent_name="x", first_seen_at=NOW, last_used_at=NOW
    )
    client = Client()
    client.force_login(a_user("security"))

    answer = client.post(
        reverse("runtime:agent-name-assign", args=[name.pk]), {"identity": "nobody", "reason": "r"}
    )

    assert answer.status_code == 422
    assert "No identity is called “nobody”" in answer.content.decode()


def test_what_is_no_agent_of_ours_leaves_the_unknown_ones() -> None:
    reporter, _ = a_reporter(NOW)
    ingest.take([told(agent_name="x-1")], reporter=reporter, token=None, at=NOW)

    naming.ignore(AgentName.objects.get(), by=a_user("security"), reason="A test", at=NOW)

    assert not AgentName.objects.unknown().exists()
    assert ToolCall.objects.unknown().count() == 1


def test_a_library_that_makes_up_names_does_not_fill_the_table(monkeypatch: Any) -> None:
    monkeypatch.setattr(naming, "MOST_NAMES", 3)
    reporter, _ = a_reporter(NOW)
    calls = [told(str(n), agent_name=f"run-{n}") for n in range(9)]

    taken = ingest.take(calls, reporter=reporter, token=None, at=NOW + timedelta(minutes=1))

    assert (taken.new, AgentName.objects.count()) == (9, 3)
