"""Importing twice is importing once, and the order of rows does not matter."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.importers import apply, files
from inventory.importers.base import Connector
from inventory.importers.own_format import ENVIRONMENTS, KINDS, LIFECYCLES, RISKS, STATUSES
from inventory.models import Change, Identity, ImportRun, Person, Successor, Team
from tests.factories import NOW

pytestmark = pytest.mark.django_db

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
emails = st.integers(0, 5).map(lambda number: f"p{number}@example.org")
names = st.text("abcäØ☃ -_./|\\", min_size=1, max_size=6)
moments = st.dates().map(str) | st.sampled_from(["2025-02-03", "2026-01-01T10:00:00Z", "never", ""])
maybe = st.sampled_from(["", "yes", "no", "true", "0"])


def some(values: Any) -> Any:
    return st.none() | values


people = st.fixed_dictionaries(
    {"email": emails, "name": names},
    optional={
        "id": some(names),
        "manager": some(emails),
        "team": some(names),
        "status": some(st.sampled_from(STATUSES)),
        "leaves": some(moments),
        "left": some(moments),
    },
)
identities = st.fixed_dictionaries(
    {"name": names, "kind": st.sampled_from(KINDS)},
    optional={
        "id": some(names),
        "environment": some(st.sampled_from(ENVIRONMENTS)),
        "purpose": some(words),
        "owner": some(emails),
        "sponsor": some(emails),
        "successors": some(st.lists(emails, max_size=3, unique=True)),
        "team": some(names),
        "spiffe_id": some(st.sampled_from(["spiffe://a.example/x", "spiffe://a.example/y"])),
        "tier": some(st.integers(-1, 5)),
        "risk": some(st.sampled_from(RISKS)),
        "third_party": some(maybe),
        "lifecycle": some(st.sampled_from(LIFECYCLES)),
        "enabled": some(maybe),
        "last_active": some(moments),
        "model": some(words),
    },
)
documents = st.fixed_dictionaries(
    {
        "teams": st.lists(names, max_size=4, unique=True).map(
            lambda found: [{"name": each} for each in found]
        ),
        "people": st.lists(people, max_size=6),
        "identities": st.lists(identities, max_size=6),
    }
)
quick = settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def load(document: dict[str, Any]) -> ImportRun:
    connector = Connector.registry["json"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        with files.open_files([path]) as opened:
            record = apply.start(apply.source_for(connector, ""), ["all.json"], by="tests", at=NOW)
            return apply.run(record, opened, at=NOW)


@contextmanager
def empty_inventory() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def rows() -> list[Any]:
    """Everything that an import writes, without the keys that depend on the order."""
    person = ("email", "name", "status", "left_at", "leaves_at", "manager__email", "team__name")
    identity = (
        "external_id", "name", "kind", "lifecycle", "environment", "purpose", "owner__email", "sponsor__email",
        "team__name", "spiffe_id", "declared_tier", "risk", "third_party", "source_state", "last_active_at",
        "activity_known", "attributes", "caveats", "stub", "gone_at",
    )  # fmt: skip
    successor = ("identity__external_id", "person__email", "rank")
    return [
        sorted(map(repr, Team.objects.values_list("external_id", "name", "gone_at"))),
        sorted(map(repr, Person.objects.values_list("external_id", *person))),
        sorted(map(repr, Identity.objects.values_list(*identity))),
        sorted(map(repr, Successor.objects.values_list(*successor))),
    ]


@quick
@given(documents)
def test_importing_twice_is_importing_once(document: dict[str, Any]) -> None:
    with empty_inventory():
        first = load(document)
        once, changes = rows(), Change.objects.count()

        second = load(document)

        assert second.status == first.status
        assert second.rejected == first.rejected
        assert rows() == once
        assert Change.objects.count() == changes
        for each in second.counts.values():
            assert (each["new"], each["changed"], each["gone"]) == (0, 0, 0)


def _once(found: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """Without rows that claim what an earlier one has: which of the two is taken depends on the order."""
    met: set[tuple[str, str]] = set()
    kept = []
    for row in found:
        claims = {(key, str(row[key]).strip()) for key in keys if row.get(key)}
        claims.add(("id", str(row.get("id") or row.get("email") or row["name"]).strip()))
        if not claims & met:
            met |= claims
            kept.append(row)
    return kept


@quick
@given(documents, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(document: dict[str, Any], order: Any) -> None:
    document["people"] = _once(document["people"], "email")
    document["identities"] = _once(document["identities"], "spiffe_id")
    turned = {noun: order.sample(found, len(found)) for noun, found in document.items()}
    turned = dict(order.sample(list(turned.items()), len(turned)))

    with empty_inventory():
        load(document)
        expected = rows()
    with empty_inventory():
        load(turned)
        assert rows() == expected


@quick
@given(documents, documents)
def test_a_file_has_the_same_result_once_and_again_whatever_was_there(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    with empty_inventory():
        load(first)
        record = load(second)
        assert "database" not in record.error
        after = rows()

        again = load(second)

        assert again.status == record.status
        assert rows() == after
