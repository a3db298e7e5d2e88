"""Importing in the browser: choose, look, apply; and what is said when something is wrong."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from inventory import import_now, tasks, uploads
from inventory.importers.own_format import NOUNS, template_csv
from inventory.models import Change, ImportRun, Person
from tests.factories import NOW, a_source, a_user, days

pytestmark = pytest.mark.django_db


def signed_in(role: str = "security") -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client


def people(*rows: str, name: str = "people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, "\n".join(["email,name", *rows]).encode())


def uploaded(client: Client, *files: SimpleUploadedFile, **fields: str) -> ImportRun:
    answer = client.post(reverse("inventory:import-new"), {"kind": "csv", "files": files, **fields})
    assert answer.status_code == 302, answer.content.decode()
    run = ImportRun.objects.latest("pk")
    tasks.read_upload(run.pk, write=False)
    run.refresh_from_db()
    return run


def page(client: Client, run: ImportRun) -> str:
    return client.get(reverse("inventory:import-detail", args=[run.pk])).content.decode()


def test_files_are_shown_before_they_are_applied(settings: Any, tmp_path: Any) -> None:
    client = signed_in()

    run = uploaded(client, people("ada@example.org,Ada", "not-an-address,Ben"))
    shown = page(client, run)
    before = Person.objects.count()
    client.post(reverse("inventory:import-apply", args=[run.pk]))
    tasks.read_upload(run.pk, write=True)

    assert (run.status, before) == ("previewed", 0)
    assert "Apply this?" in shown and "1 rejected" in shown and "Ada" in shown
    assert Person.objects.get().name == "Ada"
    run.refresh_from_db()
    assert (run.status, run.stored_as) == ("applied", "")
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
    assert Change.objects.filter(verb="import.applied", noun="inventory_person").count() == 1


def test_a_second_time_nothing_would_change() -> None:
    client = signed_in()
    first = uploaded(client, people("ada@example.org,Ada"))
    import_now.apply(first, by=a_user(), at=timezone.now())
    tasks.read_upload(first.pk, write=True)

    again = uploaded(client, people("ada@example.org,Ada"))

    assert "Nothing would change" in page(client, again)


def test_a_preview_is_applied_once_and_not_after_it_was_discarded() -> None:
    client = signed_in()
    run = uploaded(client, people("ada@example.org,Ada"))

    client.post(reverse("inventory:import-discard", args=[run.pk]))
    answer = client.post(reverse("inventory:import-apply", args=[run.pk]), follow=True)

    assert "applied or discarded already" in answer.content.decode()
    assert not Person.objects.exists()


def test_a_task_that_comes_twice_applies_once() -> None:
    client = signed_in()
    run = uploaded(client, people("ada@example.org,Ada"))
    import_now.apply(run, by=a_user(), at=timezone.now())

    tasks.read_upload(run.pk, write=True)
    Person.objects.update(name="Changed since")
    tasks.read_upload(run.pk, write=True)

    assert Person.objects.get().name == "Changed since"


def test_a_worker_that_was_killed_is_followed_by_one_that_starts_over() -> None:
    run = uploaded(signed_in(), people("ada@example.org,Ada"))
    ImportRun.objects.update(status="running", started_at=timezone.now(), finished_at=None)

    tasks.read_upload(run.pk, write=True)

    assert Person.objects.get().name == "Ada"


def test_a_part_of_a_source_takes_nothing_for_gone() -> None:
    client = signed_in()
    for files, fields in (
        (people("a@example.org,A", "b@example.org,B"), {}),
        (people("a@example.org,A"), {"partial": "on"}),
    ):
        run = uploaded(client, files, **fields)
        import_now.apply(run, by=a_user(), at=timezone.now())
        tasks.read_upload(run.pk, write=True)

    assert not Person.objects.exclude(gone_at=None).exists()
    assert "Only a part of the source" in page(client, ImportRun.objects.latest("pk"))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "excel"}, "excel is not one of the available choices"),
        ({"kind": "csv", "files": ()}, "This field is required"),
        ({"kind": "csv", "source": "two words"}, "valid “slug”"),
        ({"kind": "csv", "source": "theirs"}, "is read as json, not as csv"),
    ],
)
def test_a_form_that_cannot_be_taken_says_why_and_starts_nothing(
    fields: dict[str, Any], says: str
) -> None:
    a_source(key="theirs", kind="json")

    answer = signed_in().post(reverse("inventory:import-new"), {"files": people(), **fields})

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_a_file_of_another_kind_fails_with_a_sentence_and_can_be_tried_again() -> None:
    client = signed_in()
    wrong = SimpleUploadedFile("people.csv", b'{"UserDetailList": []}')

    run = uploaded(client, wrong)

    assert run.status == "failed"
    assert "Try again" in page(client, run)


def test_too_much_is_refused_before_it_is_stored(settings: Any, tmp_path: Any) -> None:
    settings.IMPORT_MAX_BYTES = 10

    answer = signed_in().post(
        reverse("inventory:import-new"), {"kind": "csv", "files": people("a@example.org,Ada")}
    )

    assert answer.status_code == 422 and "at most" in answer.content.decode()
    assert not (tmp_path / "uploads").exists()


def test_a_queue_that_does_not_answer_fails_the_import(
    settings: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    settings.SEND_TASKS = True

    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(tasks.read_upload, "delay", refuse)
    client = signed_in()

    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("inventory:import-new"), {"kind": "csv", "files": people()})

    run = ImportRun.objects.get()
    assert (run.status, run.stored_as) == ("failed", "")
    assert "job queue does not answer" in run.error


def test_a_waiting_import_renews_itself_until_there_is_something_to_see() -> None:
    client = signed_in("auditor")
    run = uploads.keep([people()], uploads.Asked("csv"), by=a_user(), at=NOW)
    address = reverse("inventory:import-status", args=[run.pk])

    waiting = client.get(address, headers={"HX-Request": "true"})
    ImportRun.objects.update(status="previewed")
    ready = client.get(address, headers={"HX-Request": "true"})

    assert "Waiting for a worker" in waiting.content.decode()
    assert ready.headers["HX-Refresh"] == "true"


def test_what_nobody_applied_within_a_day_is_thrown_away(tmp_path: Any) -> None:
    run = uploaded(signed_in(), people("ada@example.org,Ada"))
    ImportRun.objects.update(created_at=timezone.now() - days(2))

    tasks.tidy_uploads()

    run.refresh_from_db()
    assert (run.status, run.stored_as) == ("discarded", "")
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_uploaded_files_are_readable_by_nobody_else(tmp_path: Any) -> None:
    uploads.keep([people(name="../../etc/passwd.csv")], uploads.Asked("csv"), by=a_user(), at=NOW)

    files = [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
    assert [(path.name, path.stat().st_mode & 0o777) for path in files] == [("0", 0o600)]
    assert ImportRun.objects.get().file_names == ["passwd.csv"]


def test_rejected_rows_are_downloaded_without_a_formula() -> None:
    client = signed_in("auditor")
    run = ImportRun.objects.create(
        source=a_source(), status="applied", author="ada", created_at=NOW,
        rejected=[["row 2", "name", "=HYPERLINK(1)"]], rejected_count=1,
    )  # fmt: skip

    answer = client.get(reverse("inventory:import-rejected", args=[run.pk]))

    assert "\n=" not in answer.content.decode() and ",=" not in answer.content.decode()


@pytest.mark.parametrize("noun", NOUNS)
def test_a_template_is_read_and_loses_no_row(noun: str) -> None:
    client = signed_in()
    body = client.get(reverse("inventory:import-template", args=[noun])).content
    others = [
        SimpleUploadedFile(f"{one}.csv", template_csv(one).encode()) for one in NOUNS if one != noun
    ]

    run = uploaded(client, SimpleUploadedFile(f"{noun}.csv", body), *others)

    assert run.status == "previewed"
    # An example names colleagues who are not in the file; that is a note, and no row is lost.
    assert all("Nobody with the e-mail address" in reason for _, _, reason in run.rejected)
    assert all(counts["new"] for counts in run.counts.values()) and len(run.counts) >= len(NOUNS)


def test_the_help_names_every_column() -> None:
    shown = signed_in("auditor").get(reverse("inventory:import-columns")).content.decode()

    assert "spiffe_id" in shown and "Required" in shown


def test_the_list_is_filtered_by_status() -> None:
    client = signed_in("auditor")
    for status in ("failed", "applied"):
        ImportRun.objects.create(source=a_source(), status=status, author="ada", created_at=NOW)

    shown = client.get(reverse("inventory:import-list"), {"status": "failed"})

    assert shown.context["list"].on_page == 1


def test_an_auditor_sees_imports_and_starts_none() -> None:
    client = signed_in("auditor")
    run = uploaded(signed_in(), people("ada@example.org,Ada"))

    shown = page(client, run)

    assert "Security applies or discards it" in shown and ">Apply<" not in shown
    assert client.post(reverse("inventory:import-apply", args=[run.pk])).status_code == 403
    assert client.get(reverse("inventory:import-new")).status_code == 403
