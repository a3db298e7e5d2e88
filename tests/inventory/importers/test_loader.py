"""One import through the command: what is refused, what is told, who is named as author, who hears of it."""

import gzip
import io
import json
import logging
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from inventory.importers import apply
from inventory.importers.base import Connector, SourceFile
from inventory.importers.records import IdentityRow, PersonRow, Row, Said
from inventory.models import (
    Change,
    Credential,
    Delegation,
    Grant,
    Identity,
    ImportRun,
    Person,
    Source,
)
from inventory.signals import MANY, identities_changed
from tests.factories import NOW, a_person, a_source, an_identity, days
from tests.inventory.importers.loading import (
    Files,
    aws_user,
    counts,
    history,
    is_unchanged,
    run,
)

pytestmark = pytest.mark.django_db

NORA = {"email": "nora@example.org", "name": "Nora Lind"}
BOT = {"name": "bot", "kind": "assistant"}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def refusal(kind: str, *paths: Path, **options: Any) -> str:
    """The sentence of a failed import. Nothing but JSON stands on stdout, and nothing was written."""
    before = history()
    written = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("import", kind, *map(str, paths), json=True, stdout=written, **options)
    told = json.loads(written.getvalue())
    assert (told["status"], told["error"]) == ("failed", str(refused.value))
    assert history() == before
    assert str(refused.value).endswith(".")
    return str(refused.value)


# Bad rows


def test_a_bad_row_is_told_with_line_field_and_reason_and_the_rest_is_loaded(files: Files) -> None:
    outcome = run("csv", files.csv("identities", BOT, BOT | {"name": "x", "kind": "robot"}))

    assert outcome["status"] == "applied"
    assert counts(outcome, "identity") == (1, 0, 0, 0)
    (told,) = outcome["rejections"]
    assert (told["place"], told["field"]) == ("identities.csv line 3", "kind")
    assert "robot" in told["reason"]


def test_a_file_of_which_no_row_can_be_read_is_a_failure_that_still_tells_why(
    files: Files,
) -> None:
    path = files.csv("identities", BOT | {"kind": "robot"})

    assert "No row could be read" in refusal("csv", path)

    (told,) = ImportRun.objects.get().rejected
    assert told[:2] == ["identities.csv line 2", "kind"]


def test_an_unknown_owner_is_noted_and_the_identity_is_imported(files: Files) -> None:
    path = files.csv("identities", BOT | {"owner": "who@example.org"})

    outcome = run("csv", path)

    assert Identity.objects.get().owner is None
    assert outcome["complete"]
    (told,) = outcome["rejections"]
    assert (told["place"], told["field"]) == ("identities.csv line 2", "owner_email")
    assert "who@example.org" in told["reason"]
    assert "imported without it" in told["reason"]


def test_an_unknown_owner_does_not_take_away_the_one_there_was(files: Files) -> None:
    people = files.csv("people", NORA)
    run("csv", people, files.csv("identities", BOT | {"owner": NORA["email"]}))

    run("csv", files.csv("identities", BOT | {"owner": "who@example.org"}))

    owner = Identity.objects.get().owner
    assert owner is not None
    assert owner.name == "Nora Lind"


def test_unknown_managers_successors_and_scopes_are_noted(files: Files) -> None:
    paths = [
        files.csv("people", NORA | {"manager": "boss@example.org"}),
        files.csv("identities", BOT | {"successors": "next@example.org"}),
        files.csv(
            "delegations",
            {
                "delegator": NORA["email"], "delegate": "bot", "how": "on_behalf_of",
                "scope": "Ledger||read",
            },
        ),
    ]  # fmt: skip

    outcome = run("csv", *paths)

    assert {each["field"] for each in outcome["rejections"]} == {"manager", "successors", "scope"}
    assert (Person.objects.count(), Identity.objects.count()) == (1, 1)
    # A scope that leads nowhere narrows the delegation to nothing, never to everything.
    delegation = Delegation.objects.get()
    assert (delegation.scope_all, delegation.limits.count()) == (False, 0)


def test_a_credential_of_nobody_is_left_out(files: Files) -> None:
    row = {"identity": "nobody", "kind": "api_key", "key_id": "k1"}

    outcome = run("csv", files.csv("credentials", row))

    assert not Credential.objects.exists()
    assert "No identity called nobody is known" in outcome["rejections"][0]["reason"]


def test_a_key_that_moves_to_another_identity_is_no_obstacle(files: Files) -> None:
    both = files.csv("identities", BOT, BOT | {"name": "new"})
    row = {"identity": "bot", "kind": "api_key", "key_id": "k1"}
    run("csv", both, files.csv("credentials", row))

    outcome = run("csv", files.csv("credentials", row | {"identity": "new"}))

    assert counts(outcome, "credential") == (1, 0, 0, 1)
    assert Credential.objects.get(gone_at=None).identity.name == "new"


def test_a_key_that_two_rows_claim_is_told_and_the_first_keeps_it(files: Files) -> None:
    both = files.csv("identities", BOT, BOT | {"name": "new"})
    row = {"identity": "bot", "kind": "api_key", "key_id": "k1"}
    run("csv", both, files.csv("credentials", row))

    outcome = run("csv", files.csv("credentials", row | {"identity": "new"}), partial=True)

    assert "has this key ID" in outcome["rejections"][0]["reason"]
    assert Credential.objects.get().identity.name == "bot"


def test_somebody_who_is_back_is_active_again(files: Files) -> None:
    run("csv", files.csv("people", NORA | {"status": "left", "left": "2025-01-31"}))

    outcome = run("csv", files.csv("people", NORA | {"status": "active"}))

    assert outcome["status"] == "applied"
    nora = Person.objects.get()
    assert (nora.status, nora.left_at) == ("active", None)
    assert nora.can_answer(NOW)


def test_a_person_who_gets_an_id_is_the_same_person(files: Files) -> None:
    run("csv", files.csv("people", NORA))

    outcome = run("csv", files.csv("people", NORA | {"id": "P-1"}))

    assert counts(outcome, "person") == (0, 1, 0, 0)
    assert Person.objects.get().external_id == "P-1"
    assert is_unchanged(run("csv", files.csv("people", NORA | {"id": "P-1"})))


def test_an_address_that_one_gives_up_another_may_take(files: Files) -> None:
    nora, samir = NORA | {"id": "P-1"}, {"id": "P-2", "email": "samir@example.org", "name": "Samir"}
    run("csv", files.csv("people", nora))

    new = [nora | {"email": "lind@example.org"}, samir | {"email": NORA["email"]}]
    outcome = run("csv", files.csv("people", *new))

    assert outcome["rejected"] == 0
    found = dict(Person.objects.values_list("external_id", "email"))
    assert found == {"P-1": "lind@example.org", "P-2": NORA["email"]}


def test_a_scope_that_was_narrowed_is_narrow(files: Files) -> None:
    grants = [
        {"identity": "bot", "system": "Ledger", "resource": "invoices", "action": action}
        for action in ("read", "post")
    ]
    base = [
        files.csv("people", NORA),
        files.csv("identities", BOT),
        files.csv("grants", *grants),
    ]
    row = {"delegator": NORA["email"], "delegate": "bot", "how": "on_behalf_of"}
    wide = row | {"scope": "Ledger|invoices|read;Ledger|invoices|post"}
    run("csv", *base, files.csv("delegations", wide))
    assert Delegation.objects.get().limits.count() == 2

    narrow = files.csv("delegations", row | {"scope": "Ledger|invoices|read"})
    outcome = run("csv", narrow)

    assert [each.entitlement.name for each in Delegation.objects.get().limits.all()] == ["read"]
    assert counts(outcome, "delegation") == (0, 1, 0, 0)
    assert is_unchanged(run("csv", narrow))


# Files that are refused


def test_files_that_cannot_be_read_are_refused_with_a_sentence(
    files: Files, tmp_path: Path
) -> None:
    (tmp_path / "wide.csv").write_bytes("name,kind\nbot,role\n".encode("utf-16"))
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"name,kind\n" + b"a,role\n" * 3_000_000, 9))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"name,kind\n" + b"," * 30_000_000)
    account = files.account("a", users=[aws_user("one")])

    assert "UTF-16" in refusal("csv", tmp_path / "wide.csv")
    assert "as only an attack does" in refusal("csv", bomb)
    assert "as only an attack does" in refusal("csv", tmp_path / "bomb.zip")
    assert "import it as aws-iam" in refusal("json", account)
    assert "import it as csv" in refusal("spire", files.csv("identities", BOT))
    assert "is not a column of identities" in refusal(
        "csv", files.csv("identities", BOT | {"x": ""})
    )
    assert "cannot be read" in refusal("csv", tmp_path / "missing.csv")
    assert "holds no rows" in refusal("csv", files.text("identities.csv", "name,kind\n"))
    assert not Identity.objects.exists()


def test_a_cell_that_a_spreadsheet_would_run_is_rejected(files: Files) -> None:
    bad = BOT | {"name": "x", "purpose": '=HYPERLINK("http://example.org")'}

    outcome = run("csv", files.csv("identities", BOT, bad))

    (told,) = outcome["rejections"]
    assert (told["place"], told["field"]) == ("identities.csv line 3", "purpose")
    assert "formula" in told["reason"]
    assert Identity.objects.get().name == "bot"


def test_a_source_is_read_by_one_kind_only_and_has_a_plain_name(files: Files) -> None:
    path = files.csv("identities", BOT)
    run("csv", path, source="hr")

    assert "is read as csv" in refusal("aws-iam", files.account("a"), source="hr")
    assert "Choose such a name" in refusal("csv", path, source="../hr sheet")


def test_text_tells_the_counts_and_the_rejected_rows(files: Files) -> None:
    written = io.StringIO()

    path = files.csv("identities", BOT, BOT | {"name": "x", "kind": "robot"})
    call_command("import", "csv", str(path), stdout=written)

    lines = written.getvalue().splitlines()
    assert "identity: 1 new, 0 changed, 0 unchanged, 0 gone" in lines
    assert any(line.startswith("rejected identities.csv line 3 kind:") for line in lines)
    assert "1 rejected" in lines


# No secret enters


AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"
PASSWORD = "correct-horse-battery-77"


def _database() -> str:
    """All text of all our tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT COALESCE(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            found.append(cursor.fetchone()[0])
    return "\n".join(found)


def test_a_secret_in_a_file_reaches_neither_database_nor_log_nor_message(
    files: Files, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    sheet = files.csv(
        "identities",
        BOT | {"password": PASSWORD},
        BOT | {"name": "y", "purpose": f"secret={AWS_SECRET}", "password": ""},
    )
    tags = [{"Key": "Description", "Value": f"key {AWS_SECRET}"}]
    account = files.account("a", users=[aws_user("one", Tags=tags, Password=PASSWORD)])
    keys = files.json(
        "keys",
        {"identities": [BOT | {"secret_access_key": AWS_SECRET, "api_key": PASSWORD}]},
    )

    told = [run("csv", sheet), run("aws-iam", account), run("json", keys, source="keys")]

    assert Identity.objects.count() >= 2
    everything = _database() + json.dumps(told) + caplog.text + "".join(capfd.readouterr())
    assert AWS_SECRET not in everything
    assert PASSWORD not in everything
    assert any("looks like a secret" in each["reason"] for each in told[0]["rejections"])


# One transaction, one author


def test_every_change_names_the_import_as_its_author(files: Files) -> None:
    outcome = run("csv", files.csv("people", NORA), files.csv("identities", BOT))

    changes = Change.objects.filter(noun__in=["inventory_person", "inventory_identity"])
    assert changes.count() == 2
    assert set(changes.values_list("actor", "verb")) == {
        (f"import csv #{outcome['run']} by command line", "import.applied")
    }


def test_a_preview_tells_the_same_counts_and_writes_nothing(files: Files) -> None:
    run("csv", files.csv("identities", BOT, BOT | {"name": "old"}))
    new = files.csv("identities", BOT | {"purpose": "Now with words"}, BOT | {"name": "fresh"})
    before = list(Identity.objects.order_by("pk").values()), history()

    preview = run("csv", new, preview=True)

    assert preview["status"] == "previewed"
    assert counts(preview, "identity") == (1, 1, 0, 1)
    assert (list(Identity.objects.order_by("pk").values()), history()) == before
    samples = ImportRun.objects.get(pk=preview["run"]).preview["identity"]
    assert samples == {
        "new_samples": ["fresh"], "changed_samples": ["bot"], "gone_samples": ["old"],
    }  # fmt: skip
    assert run("csv", new)["counts"] == preview["counts"]


class _Boom(Exception):
    pass


class _Broken(Connector):
    """Says one good person, then what the database cannot take or nobody expected."""

    key, label, namespace, help, suffixes = "broken", "Broken", "broken", "", ()
    last: Row | type[Exception] = _Boom

    def rows(self, files: Any) -> Iterator[Said]:
        yield PersonRow(external_id="p", place="1", email="p@example.org", name="P")
        if isinstance(self.last, Row):
            yield self.last
        else:
            raise self.last


@pytest.fixture
def broken() -> Iterator[ImportRun]:
    Connector.registry["broken"] = _Broken
    source = a_source(kind="broken", namespace="broken")
    yield apply.start(source, ["x"], by="tests", at=NOW)
    del Connector.registry["broken"]
    _Broken.last = _Boom


def test_a_run_that_the_database_refuses_leaves_nothing_and_says_so(
    broken: ImportRun, caplog: pytest.LogCaptureFixture
) -> None:
    _Broken.last = IdentityRow(
        external_id="i", place="2", kind="role", name="n", lifecycle=PASSWORD[:9]
    )

    record = apply.run(broken, [SourceFile("x", io.BytesIO(b"-"))], at=NOW)

    assert record.status == "failed"
    assert "nothing was changed" in record.error
    assert PASSWORD[:9] not in record.error + caplog.text
    assert not Person.objects.exists()
    assert Source.objects.get(pk=record.source_id).last_complete_at != NOW


def test_a_connector_that_breaks_ends_the_run_and_leaves_nothing(broken: ImportRun) -> None:
    with pytest.raises(_Boom):
        apply.run(broken, [SourceFile("x", io.BytesIO(b"-"))], at=NOW)

    broken.refresh_from_db()
    assert (broken.status, broken.finished_at) == ("failed", NOW)
    assert broken.error.endswith(".")
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    "row",
    [
        IdentityRow(external_id="i", place="2", kind="role", name="n" * 400),
        IdentityRow(external_id="i", place="2", kind="role", name="n\0"),
        IdentityRow(external_id="i", place="2", kind="role", name="n", attributes={"a": "\0"}),
        IdentityRow(external_id="i", place="2", kind="role", name="n", caveats=("\ud800",)),
        IdentityRow(external_id="", place="2", kind="role", name="n"),
        IdentityRow(external_id="i" * 1_001, place="2", kind="role", name="n"),
    ],
    ids=["long name", "nul", "nul in json", "half a character", "no id", "long id"],
)
def test_what_the_database_cannot_hold_is_rejected_and_the_rest_is_loaded(
    broken: ImportRun, row: IdentityRow
) -> None:
    _Broken.last = row

    record = apply.run(broken, [SourceFile("x", io.BytesIO(b"-"))], at=NOW)

    assert record.status == "applied"
    assert [place for place, _, _ in record.rejected] == ["2"]
    assert Person.objects.count() == 1
    assert not Identity.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_source_never_load_at_once(files: Files) -> None:
    path = files.csv("identities", BOT)
    run("csv", path)
    source = Source.objects.get(key="csv")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('import'), %s)", [source.pk])
        try:
            assert "Another import" in refusal("csv", path)
        finally:
            # A closed connection gives its locks back only some time after.
            cursor.execute("SELECT pg_advisory_unlock_all()")
            other.close()

    assert run("csv", path)["status"] == "applied"


# Who hears of it


@pytest.fixture
def heard() -> Iterator[list[frozenset[int] | None]]:
    calls: list[frozenset[int] | None] = []

    def listen(ids: frozenset[int] | None, **_: object) -> None:
        calls.append(ids)

    identities_changed.connect(listen)
    yield calls
    identities_changed.disconnect(listen)


def _ids(*names: str) -> frozenset[int]:
    return frozenset(Identity.objects.filter(name__in=names).values_list("pk", flat=True))


def test_an_import_announces_the_identities_that_it_touched(
    files: Files, heard: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    names = ("bot", "keyed", "granted", "owned", "gone", "same", "tooled", "followed")
    rows = [{"name": each, "kind": "assistant"} for each in names]
    rows[3]["owner"] = NORA["email"]
    tool = {"provider": "mail", "name": "send", "identities": "tooled", "risk": "low"}
    grant = {"identity": "granted", "system": "Ledger", "action": "read"}
    key = {"identity": "keyed", "kind": "api_key", "key_id": "k"}
    run(
        "csv", files.csv("people", NORA), files.csv("identities", *rows),
        files.csv("tools", tool), files.csv("grants", grant), files.csv("credentials", key),
    )  # fmt: skip
    del heard[:]

    with django_capture_on_commit_callbacks(execute=True):
        rows[0]["purpose"] = "Now with words"
        rows[7]["successors"] = NORA["email"]
        rows.pop(4)
        run(
            "csv",
            files.csv("people", NORA | {"status": "left"}),
            files.csv("identities", *rows, {"name": "new", "kind": "role"}),
            files.csv("tools", tool | {"risk": "high"}),
            files.csv("grants", grant | {"risk": "critical"}),
            files.csv("credentials", key | {"last_used": "2026-05-01"}),
        )

    assert heard == [_ids("bot", "keyed", "granted", "owned", "gone", "tooled", "followed", "new")]


def test_a_repeated_import_and_a_preview_announce_nothing(
    files: Files, heard: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    path = files.csv("identities", BOT)
    run("csv", path)

    with django_capture_on_commit_callbacks(execute=True):
        run("csv", path)
        run("csv", files.csv("identities", BOT, BOT | {"name": "new"}), preview=True)

    assert heard == []


def test_data_that_was_stale_and_is_fresh_again_is_announced(
    files: Files, heard: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    path = files.csv("identities", BOT)
    run("csv", path)
    Source.objects.filter(key="csv").update(last_complete_at=timezone.now() - days(30))

    with django_capture_on_commit_callbacks(execute=True):
        assert is_unchanged(run("csv", path))

    assert heard == [_ids("bot")]


def test_an_import_of_many_announces_everything(
    files: Files, heard: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    rows = "".join(f"agent-{number},role\n" for number in range(MANY + 1))

    with django_capture_on_commit_callbacks(execute=True):
        run("csv", files.text("identities.csv", "name,kind\n" + rows))

    assert heard == [None]


# What stays


def test_what_people_decided_in_the_product_survives_an_import(files: Files) -> None:
    path = files.csv("identities", BOT)
    run("csv", path)
    owner = a_person()
    decided = {"owner": owner, "lifecycle": "suspended", "purpose": "By hand", "declared_tier": 2}
    Identity.objects.update(**decided)

    assert is_unchanged(run("csv", path))

    found = Identity.objects.values("owner", "lifecycle", "purpose", "declared_tier").get()
    assert found == decided | {"owner": owner.pk}


def test_an_earlier_use_never_replaces_a_later_one(files: Files) -> None:
    def path(day: str) -> Path:
        return files.csv("identities", BOT | {"last_active": day})

    run("csv", path("2026-05-02"))
    run("csv", path("2026-05-01"))

    assert Identity.objects.get().last_active_at == datetime(2026, 5, 2, tzinfo=UTC)


def test_a_spreadsheet_may_grant_to_an_identity_of_a_platform(files: Files) -> None:
    role = an_identity(namespace="aws", external_id="arn:aws:iam::111122223333:role/Deploy")
    row = {"identity": role.external_id, "system": "Ledger", "action": "read"}

    run("csv", files.csv("grants", row))

    assert Grant.objects.get().identity == role
