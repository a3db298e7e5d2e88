"""A framework of one's own: every error with its place, versions that stay, and what they differ in."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from frameworks import (
    assessments,
    loading,
    own_files,
    own_frameworks,
    snapshots,
    version_difference,
)
from frameworks.models import Framework
from frameworks.own_files import FileWrong
from frameworks.snapshot import Scope
from inventory.rules import RuleBroken
from tests.factories import a_user, an_identity

pytestmark = pytest.mark.django_db
CHECKS = frozenset({"owner-active", "credential-age"})
GOOD = """
id: acme
name: Acme baseline
version: "1"
kind: control-catalogue
controls:
- {id: A, title: Ownership, kind: domain}
- id: A.1
  title: Every agent has an owner
  parent: A
  checks:
  - {id: owner-active, strength: primary, why: Lists those without.}
- {id: A.2, title: Somebody trained the owners}
"""
WRONG = """
id: acme
version: "1"
kind: catalogue
controls:
- {id: A, title: Ownership, kind: domain, checks: [{id: owner-active, strength: primary, why: w}]}
- {id: A, title: Again}
- {id: B, title: "", parent: C, checks: [{id: no-such-check, strength: strong, why: w}]}
"""


def read(text: str) -> own_files.OwnFramework:
    return own_files.read_yaml(text.encode(), checks=CHECKS)


def test_every_error_is_told_with_its_place() -> None:
    with pytest.raises(FileWrong) as caught:
        read(WRONG)

    assert {(one.place, one.field) for one in caught.value.problems} == {
        ("the file", "name"), ("the file", "kind"), ("control 1 (A)", "checks"),
        ("control 2 (A)", "id"), ("control 3 (B)", "title"), ("control 3 (B)", "parent"),
        ("control 3 (B)", "check"), ("control 3 (B)", "strength"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"id: [", "line 1"),
        (b"\xff", "the file"),
        (b"- a", "line 1"),
        (b"x" * 2_097_153, "the file"),
    ],
)
def test_what_is_no_file_of_ours_is_refused(content: bytes, place: str) -> None:
    with pytest.raises(FileWrong) as caught:
        own_files.read_yaml(content, checks=CHECKS)

    assert [one.place for one in caught.value.problems] == [place]


def test_csv_and_yaml_say_the_same() -> None:
    text = (
        "control,title,kind,parent,check,strength,why\n"
        "A,Ownership,domain,,,,\n"
        "A.1,Every agent has an owner,,A,owner-active,primary,Lists those without.\n"
        "A.2,Somebody trained the owners,,,,,\n"
    )
    about = {"id": "acme", "name": "Acme baseline", "version": "1", "kind": "control-catalogue"}

    assert own_files.read_csv(text.encode(), about, checks=CHECKS) == read(GOOD)


def test_a_wrong_line_of_csv_is_named() -> None:
    about = {"id": "acme", "name": "Acme", "version": "1", "kind": "law"}
    with pytest.raises(FileWrong) as caught:
        own_files.read_csv(b"control,title,check\nA,One,\nB,,nothing\n", about, checks=CHECKS)

    assert "line 3 (B)" in {one.place for one in caught.value.problems}


def test_a_new_version_is_shown_and_the_old_one_stays() -> None:
    loading.load()
    by, at = a_user("security"), timezone.now()
    an_identity(owner=None)
    own_frameworks.add(read(GOOD), by=by, at=at)
    made = assessments.assess(Scope(), "job", timezone.now())
    second = GOOD.replace('"1"', '"2"').replace("Somebody trained", "Everybody trained")
    own_frameworks.add(read(second.replace("primary", "supporting")), by=by, at=at)

    one, two = Framework.objects.filter(key="acme").order_by("pk")
    difference = version_difference.between(one, two)
    (told,) = [each for each in snapshots.read(made)[0].frameworks if each.key == "acme"]
    assert (one.is_current, two.is_current) == (False, True)
    assert {change.control_id for change in difference.changed} == {"A.1", "A.2"}
    assert (told.version, told.is_own, told.count("fail"), told.count("not-covered")) == (
        "1", True, 1, 1,
    )  # fmt: skip


def test_a_version_says_one_thing_for_good() -> None:
    by, at = a_user("security"), timezone.now()
    own_frameworks.add(read(GOOD), by=by, at=at)

    assert not own_frameworks.add(read(GOOD), by=by, at=at).is_new
    with pytest.raises(RuleBroken, match="new version"):
        own_frameworks.add(read(GOOD.replace("Ownership", "Owners")), by=by, at=at)


@pytest.mark.parametrize("key", ["owasp-nhi", "assessments"])
def test_it_takes_no_name_that_is_taken(key: str) -> None:
    loading.load()

    with pytest.raises(RuleBroken, match="Choose another"):
        own_frameworks.add(
            read(GOOD.replace("id: acme", f"id: {key}")), by=a_user("security"), at=timezone.now()
        )


def test_loading_the_published_ones_again_leaves_it() -> None:
    own_frameworks.add(read(GOOD), by=a_user("security"), at=timezone.now())

    loading.load()

    assert Framework.objects.current().filter(key="acme").exists()


def test_the_page_names_the_errors_and_takes_what_is_well(client: Client) -> None:
    client.force_login(a_user("security"))
    address = reverse("frameworks:framework-new")

    wrong = client.post(address, {"file": SimpleUploadedFile("a.yaml", WRONG.encode())})
    good = client.post(address, {"file": SimpleUploadedFile("a.yaml", GOOD.encode())})

    assert wrong.status_code == 422
    assert "control 3 (B)" in wrong.content.decode()
    assert good.headers["Location"] == reverse("frameworks:framework-detail", args=["acme"])
    page = client.get(good.headers["Location"]).content.decode()
    assert "Every agent has an owner" in page


def test_the_command_adds_it_or_names_every_error(tmp_path: object) -> None:
    good, wrong = tmp_path / "good.yaml", tmp_path / "wrong.yaml"  # type: ignore[operator]
    good.write_text(GOOD)
    wrong.write_text(WRONG)

    call_command("add_framework", good, by="ada")

    assert Framework.objects.get(key="acme").loaded_by == "ada"
    with pytest.raises(CommandError, match="control 3"):
        call_command("add_framework", wrong, by="ada")
