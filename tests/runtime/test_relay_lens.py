"""The relay lens: what the actor may do, what those above it may do, and the difference that was used."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.models import Identity
from runtime import relay_lens
from runtime.relay_lens import used_beyond
from tests.factories import (
    a_delegation,
    a_grant,
    a_person,
    a_system,
    an_entitlement,
    an_identity,
)
from tests.runtime.call_factories import a_tool_call

RIGHTS = st.frozensets(st.integers(1, 6))
TRACE = "d" * 32


@given(RIGHTS, RIGHTS, RIGHTS)
@settings(max_examples=200)
def test_the_difference_is_the_actors_and_nothing_that_those_above_may_do(
    actor: frozenset[int], above: frozenset[int], more: frozenset[int]
) -> None:
    used = used_beyond(actor, above)

    assert used <= actor
    assert not used & above
    assert not used_beyond(actor, above | actor), "who may do as much relays nothing"
    assert used_beyond(actor, above | more) <= used, "more rights above never make it worse"
    assert used <= used_beyond(actor | more, above), "more rights of the actor never hide it"
    assert not used_beyond(actor, None), "what cannot be told is no relay"


def agent(name: str, **fields: Any) -> Identity:
    return an_identity(name=name, kind=Identity.Kind.ASSISTANT, **fields)


@pytest.mark.django_db
class TestOnCalls:
    def test_a_right_that_the_caller_lacks_is_the_difference(self) -> None:
        caller, callee = agent("desk"), agent("clerk")
        pay = an_entitlement(name="pay", system=a_system(name="bank"))
        a_grant(identity=callee, entitlement=pay)

        lens = relay_lens.through(self.call(caller, callee))

        assert lens.used == [pay]
        assert [(side.name, side.word) for side in lens.sides] == [
            ("clerk", "May do this"),
            ("desk", "May not do this"),
        ]

    def test_a_caller_that_reaches_the_right_through_others_relays_nothing(self) -> None:
        caller, callee, payer = agent("desk"), agent("clerk"), an_identity()
        pay = an_entitlement(name="pay", system=a_system(name="bank"))
        a_grant(identity=callee, entitlement=pay)
        a_grant(identity=payer, entitlement=pay)
        a_delegation(delegate=caller, delegator_identity=payer, how="assume_role")

        lens = relay_lens.through(self.call(caller, callee))

        assert not lens.is_relay

    def test_a_person_is_known_by_what_they_delegated_and_otherwise_cannot_be_told(self) -> None:
        caller, callee, person = agent("desk"), agent("clerk"), a_person()
        bank = a_system(name="bank")
        a_grant(identity=callee, entitlement=an_entitlement(name="pay", system=bank))
        call = self.call(caller, callee, on_behalf_of=person)
        assert relay_lens.through(call).sides[-1].word == "Cannot tell"

        given = a_delegation(delegate=caller, delegator_person=person, scope_all=False)
        given.entitlements.add(an_entitlement(name="read", system=bank))

        lens = relay_lens.through(call)
        assert (lens.sides[-1].name, lens.sides[-1].word) == (person.name, "May not do this")
        assert person.name in [side.name for side in lens.lacking]

    @staticmethod
    def call(caller: Identity, callee: Identity, **fields: Any) -> Any:
        a_tool_call(
            identity=caller, agent_name="desk", kind="agent", tool_name="clerk", trace_id=TRACE,
            span_id="1" * 16,
        )  # fmt: skip
        return a_tool_call(
            identity=callee, agent_name="clerk", tool_name="pay", provider="bank", trace_id=TRACE,
            parent_span_id="1" * 16, **fields,
        )  # fmt: skip
