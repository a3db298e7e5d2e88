"""Loading catalogues and crosswalk: complete, repeatable, refusing what does not hold together."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from frameworks import catalogues, loading, mapping, sources_needed
from frameworks.catalogues import CatalogueWrong
from frameworks.models import Control, Framework, Mapping
from reviews.checks import CHECKS

Change = Callable[[str, str, str], None]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The shipped files, to be changed by a test."""
    directory = tmp_path / "catalogues"
    shutil.copytree(catalogues.DIRECTORY, directory)
    return directory


@pytest.fixture
def change(files: Path) -> Change:
    def replaced(name: str, old: str, new: str) -> None:
        text = (files / name).read_text(encoding="utf-8")
        assert old in text
        (files / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replaced


def test_the_shipped_files_hold_all_items_of_ten_frameworks() -> None:
    found = {one.key: len(one.controls) for one in catalogues.read_all()}

    assert found == {
        "owasp-asi": 10, "owasp-nhi": 10, "csa-maestro": 63, "nist-ai-rmf": 95, "csa-aicm": 79,
        "eu-ai-act": 18, "iso-42001": 49, "nist-800-53": 55, "nist-ai-600-1": 12,
        "owasp-agentic-threats": 17,
    }  # fmt: skip


def test_what_a_licence_does_not_let_us_show_is_not_there() -> None:
    shown = {
        one.key: {control.summary for control in one.controls} for one in catalogues.read_all()
    }

    assert shown["csa-aicm"] == shown["iso-42001"] == {""}
    assert all(
        "" not in texts for key, texts in shown.items() if key not in ("csa-aicm", "iso-42001")
    )


def test_every_check_of_the_crosswalk_says_what_it_rests_on() -> None:
    mapped = {entry.check_id for entry in mapping.read(catalogues.read_all()).mappings}

    assert mapped == set(sources_needed.needs())
    assert all(need.connect.endswith(".") for need in sources_needed.needs().values())


def test_no_shipped_file_names_a_place_on_a_machine() -> None:
    for path in catalogues.DIRECTORY.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert not any(trace in text for trace in ("/work", "/home/", "/tmp", "file id", "ids 5"))


def test_every_check_of_the_product_is_mapped_by_its_own_title() -> None:
    names = (catalogues.CROSSWALK, catalogues.ADDITIONS)
    documents = [catalogues.document(catalogues.DIRECTORY / name) for name in names]
    titles = {item["id"]: item["title"] for document in documents for item in document["items"]}

    assert {check_id: check.title for check_id, check in CHECKS.items()}.items() <= titles.items()


@pytest.mark.django_db
def test_loading_twice_doubles_nothing_and_keeps_every_key() -> None:
    first = loading.load()
    keys = set(Control.objects.values_list("pk", "control_id"))
    second = loading.load()

    assert first == second
    assert first.frameworks == Framework.objects.count() == 10
    assert first.mappings == Mapping.objects.count() > 0
    assert set(Control.objects.values_list("pk", "control_id")) == keys


@pytest.mark.django_db
def test_mappings_to_frameworks_that_are_not_loaded_are_counted_and_skipped(files: Path) -> None:
    before = loading.load(files)
    (files / "owasp_nhi_2025.yaml").unlink()

    after = loading.load(files)

    assert after.mappings < before.mappings
    assert after.mappings + after.skipped == before.mappings + before.skipped


@pytest.mark.django_db
def test_a_control_hangs_below_its_parent_and_says_why_nothing_covers_it() -> None:
    loading.load()

    stealing = Control.objects.get(control_id="L1.model-stealing")

    assert stealing.parent is not None and stealing.parent.control_id == "L1"
    assert "outside an identity inventory" in stealing.not_covered_why
    assert stealing.local_id


@pytest.mark.django_db
def test_no_mapped_control_says_that_nothing_covers_it() -> None:
    loading.load()

    assert not Control.objects.filter(mappings__isnull=False).exclude(not_covered_why="").exists()


@pytest.mark.django_db
def test_a_mapping_that_left_the_crosswalk_is_gone(files: Path, change: Change) -> None:
    before = loading.load(files).mappings
    line = "    - id: ASI03\n      strength: supporting\n      why: The entry asks for governed"
    change(catalogues.CROSSWALK, line, line.replace("ASI03", "ASI10"))

    loading.load(files)

    mapped = Mapping.objects.filter(check_id="owner-active", control__framework__key="owasp-asi")
    assert [row.control.control_id for row in mapped] == ["ASI10"]
    assert Mapping.objects.count() == before


@pytest.mark.django_db
def test_a_new_version_is_the_current_one_and_the_old_one_stays(
    files: Path, change: Change
) -> None:
    loading.load(files)
    change("owasp_nhi_2025.yaml", "version: '2025'", "version: '2027'")
    change(catalogues.CROSSWALK, "owasp-nhi: '2025'", "owasp-nhi: '2027'")

    loading.load(files)

    versions = Framework.objects.filter(key="owasp-nhi").values_list("version", "is_current")
    assert dict(versions) == {"2025": False, "2027": True}


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (catalogues.CROSSWALK, "id: GOVERN 2.1", "id: GOVERN 7.1", "owner-active.*GOVERN 7.1"),
        (catalogues.CROSSWALK, "id: GOVERN 2.1", "id: GOVERN 2", "GOVERN 2 is only a heading"),
        (catalogues.CROSSWALK, "strength: primary", "strength: strong", "“strong”. Use one of"),
        (catalogues.CROSSWALK, "owasp-asi: '2026'", "owasp-asi: '2024'", "“2024”.*there is 2026"),
        (catalogues.CROSSWALK, "ids: [ASI05, ASI06]", "ids: [ASI05, ASI77]", "no ASI77"),
        (catalogues.CROSSWALK, "ids: [ASI05, ASI06]", "ids: [ASI05, ASI03]", "covers.*ASI03"),
        (catalogues.ADDITIONS, "id: NHI3:2025", "id: NHI77:2025", "additions.yaml, trust-.*NHI77"),
        (catalogues.ADDITIONS, "id: toxic-combination", "id: owner-active", "owner-active is in"),
        ("owasp_asi_2026.yaml", "items_expected: 10", "items_expected: 11", "has 10.*expects 11"),
        ("owasp_asi_2026.yaml", "- id: ASI02", "- id: ASI01", "ASI01 twice"),
        ("owasp_asi_2026.yaml", "kind: risk-list", "kind: list", "kind cannot be “list”"),
        ("owasp_asi_2026.yaml", "published: '2025", "published: 'soon 2025", "Give a day"),
        ("csa_maestro_2025.yaml", "parent: L1", "parent: L9", "L9, which does not come before"),
        ("owasp_nhi_2025.yaml", "id: owasp-nhi", "id: [", "owasp_nhi_2025.yaml cannot be read"),
    ],
)
@pytest.mark.django_db
def test_what_does_not_hold_together_is_named_and_nothing_is_written(
    files: Path, change: Change, name: str, old: str, new: str, said: str
) -> None:
    change(name, old, new)

    with pytest.raises(CatalogueWrong, match=said):
        loading.load(files)

    assert not Framework.objects.exists()


@pytest.mark.django_db
def test_the_command_says_what_it_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_frameworks")

    assert capsys.readouterr().out.startswith("10 frameworks with 408 controls")


@pytest.mark.django_db
def test_the_command_fails_with_the_sentence(
    monkeypatch: pytest.MonkeyPatch, files: Path, change: Change
) -> None:
    change("owasp_asi_2026.yaml", "items_expected: 10", "items_expected: 11")
    monkeypatch.setattr(loading.load, "__defaults__", (files,))

    with pytest.raises(CommandError, match="items_expected"):
        call_command("load_frameworks")
