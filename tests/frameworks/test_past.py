"""The past, reconstructed from row history, equals what was; whatever was changed in between."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frameworks import past_difference, past_nouns, past_rows
from frameworks.as_of import Moment
from frameworks.past_rows import Within
from inventory.models import Grant, Identity, Person
from mandate.demo.history import Past
from tests.factories import NOW, a_grant, a_person, an_entitlement, an_identity, days

pytestmark = pytest.mark.django_db

Picture = dict[str, Any]  # Any: what each list held
ACTS = (
    "add", "hand_over", "rename", "retire", "suspend", "grant", "revoke", "expire", "leave", "remove",
)  # fmt: skip


def act(name: str, pick: int, at: datetime) -> None:
    """One change of something; nothing where there is nothing to change."""
    identity = _one(Identity.objects.all(), pick)
    if name == "add" or identity is None:
        an_identity(owner=a_person())
        return
    grant = _one(Grant.objects.all(), pick)
    rows, grants = (
        model.objects.filter(pk=row.pk if row else 0)
        for model, row in ((Identity, identity), (Grant, grant))
    )
    acts = {
        "hand_over": lambda: rows.update(owner=_one(Person.objects.all(), pick)),
        "rename": lambda: rows.update(name=f"renamed {pick} {at:%j}"),
        "retire": lambda: rows.update(lifecycle="retired"),
        "suspend": lambda: rows.update(lifecycle="suspended"),
        "leave": lambda: Person.objects.filter(pk=identity.owner_id).update(status="left"),
        "remove": rows.delete,
        "grant": lambda: a_grant(identity=identity, entitlement=an_entitlement()),
        "revoke": lambda: grants.update(revoked_at=at),
        "expire": lambda: grants.update(expires_at=at + days(pick % 3)),
    }
    acts[name]()


def _one(rows: Any, pick: int) -> Any:
    found = list(rows.order_by("pk"))
    return found[pick % len(found)] if found else None


def as_it_is(at: datetime) -> Picture:
    """By the product's own questions to the present."""
    return {
        "identities": [
            (one.name, one.lifecycle, one.owner.name if one.owner else "")
            for one in Identity.objects.live().select_related("owner").order_by("pk")
        ],
        "grants": [
            (one.identity.name, one.entitlement.name)
            for one in Grant.objects.effective(at)
            .select_related("identity", "entitlement")
            .order_by("pk")
        ],
    }


def as_it_was(at: datetime) -> Picture:
    """By history."""
    moment = Moment.of(at)
    return {
        "identities": [
            (one.name, one.lifecycle, one.owner) for one in past_rows.identities(moment, Within())
        ],
        "grants": [(one.identity, one.entitlement) for one in past_rows.grants(moment, Within())],
    }


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5)), min_size=4, max_size=14))
def test_the_past_is_what_it_was(story: list[tuple[str, int]]) -> None:
    Grant.objects.all().delete()
    Identity.objects.all().delete()
    past, pictures = Past(), {}
    past.happened(NOW - days(1))
    for number, (name, pick) in enumerate(story):
        at = NOW + days(number)
        act(name, pick, at)
        past.happened(at)
        pictures[at] = as_it_is(at)

    for at, picture in pictures.items():
        assert as_it_was(at) == picture


def test_a_day_before_the_first_record_knows_nothing() -> None:
    an_identity()

    assert as_it_was(NOW) == {"identities": [], "grants": []}


def test_two_days_differ_in_what_came_went_and_changed_hands() -> None:
    past = Past()
    stays, goes = an_identity(), an_identity()
    kept = a_grant(identity=stays)
    past.happened(NOW)
    Identity.objects.filter(pk=goes.pk).update(lifecycle="retired")
    Identity.objects.filter(pk=stays.pk).update(owner=a_person(name="Ada"))
    Grant.objects.filter(pk=kept.pk).update(revoked_at=NOW + days(1))
    came = an_identity()
    new = a_grant(identity=came)
    past.happened(NOW + days(1))

    parts = past_difference.between(Moment.of(NOW), Moment.of(NOW + days(2)), limit=10)

    found = {part.title: [row[0] for row in part.rows] for part in parts}
    assert found == {
        "New identities": [came.name],
        "Identities that are gone": [goes.name],
        "Changed owner": [stays.name],
        "New grants": [new.identity.name],
        "Grants that ended": [stays.name],
    }


def test_a_scope_and_a_name_narrow_the_past() -> None:
    an_identity(name="pay-roll", environment="production")
    an_identity(name="pay-desk", environment="sandbox")
    Past().happened(NOW)
    moment = Moment.of(NOW)

    named = [one.name for one in past_rows.identities(moment, Within(name="PAY-R"))]
    placed = [
        row[0] for row in past_nouns.rows("identities", moment, Within(environment="sandbox"))
    ]

    assert (named, placed) == (["pay-roll"], ["pay-desk"])
    assert not list(past_rows.identities(moment, Within(name="%")))
