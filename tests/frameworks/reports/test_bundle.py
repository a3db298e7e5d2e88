"""Evidence bundles: what is in them, the same bytes twice, and that public tools notice a changed byte."""

import csv
import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from frameworks import bundle_verification
from frameworks.reports import bundle, verify_guide
from frameworks.reports.bundle import Signer
from frameworks.snapshot import Snapshot
from inventory.rules import RuleBroken
from tests.frameworks.reports import snapshots as made
from tests.frameworks.reports.snapshots import FixedRows, a_snapshot

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32), "key-1")
ROWS = FixedRows(
    tuple(made.an_evidence(number) for number in range(4)),
    (made.an_identity_row(),),
    (made.a_grant_row(),),
)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there")


def bundled(snapshot: Snapshot | None = None, signer: Signer = SIGNER) -> bytes:
    out = io.BytesIO()
    bundle.write(snapshot or a_snapshot(), ROWS, out, signer=signer, tell=lambda said: None)
    return out.getvalue()


@pytest.fixture(scope="module")
def content() -> bytes:
    return bundled()


@pytest.fixture
def path(content: bytes, tmp_path: Path) -> Path:
    file = tmp_path / "bundle.zip"
    file.write_bytes(content)
    return file


def rebuilt(path: Path, **changed: bytes | None) -> Path:
    """The bundle with files changed, added, or (None) left out."""
    with zipfile.ZipFile(path) as old:
        files = {name: old.read(name) for name in old.namelist()}
    files |= {name.replace("__", "/").replace("_dot_", "."): text for name, text in changed.items()}  # type: ignore[dict-item]  # None is left out below
    with zipfile.ZipFile(path, "w") as new:
        for name, text in files.items():
            if text is not None:
                new.writestr(name, text)
    return path


def test_it_holds_the_reports_the_rows_and_how_to_verify(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        names = files.namelist()
        manifest = json.loads(files.read("manifest.json"))
        stamps = {one.date_time for one in files.infolist()}

    assert names == sorted(names)
    assert stamps == {(1980, 1, 1, 0, 0, 0)}
    for name in (
        "reports/report.pdf",
        "reports/report.xlsx",
        "rows/evidence.csv",
        "VERIFY.md",
        "VERIFY.html",
    ):
        assert name in names
    assert manifest["assessment"]["uid"] == made.UID
    assert {one["name"] for one in manifest["files"]} == set(names) - {
        "manifest.json", "SHA256SUMS", "SHA256SUMS.sig"
    }  # fmt: skip


def test_the_same_assessment_and_key_give_the_same_bytes(content: bytes) -> None:
    assert bundled() == content


def test_the_rows_can_be_counted_again(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        rows = list(csv.DictReader(io.StringIO(files.read("rows/evidence.csv").decode())))

    assert len(rows) == 4


def test_an_untouched_bundle_holds(path: Path) -> None:
    found = bundle_verification.verify(path)

    assert found.problems == ()
    der = bundle_verification._key(SIGNER.public_pem)
    assert found.fingerprint == bundle_verification.fingerprint(der)


def test_a_changed_byte_is_noticed_in_every_file(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        inside = {name: files.read(name) for name in files.namelist()}
    for name, text in inside.items():
        changed = bytes([text[0] ^ 1]) + text[1:]
        with zipfile.ZipFile(path, "w") as new:
            for other, kept in inside.items():
                new.writestr(other, changed if other == name else kept)
        try:
            assert bundle_verification.verify(path).problems, name
        except RuleBroken:
            assert name == bundle.KEY


def test_what_was_added_or_left_out_is_named(path: Path) -> None:
    rebuilt(path, extra_dot_txt=b"more", rows__grants_dot_csv=None)

    assert bundle_verification.verify(path).problems == (
        "extra.txt was added: no hash names it.",
        "rows/grants.csv is missing.",
    )


def test_hashes_made_anew_do_not_help_without_the_key(path: Path) -> None:
    with zipfile.ZipFile(path) as files:
        sums = files.read(bundle.SUMS).decode()
        old = hashlib.sha256(files.read("rows/checks.csv")).hexdigest()
    fresh = sums.replace(old, hashlib.sha256(b"nothing failed").hexdigest()).encode()
    rebuilt(path, rows__checks_dot_csv=b"nothing failed", SHA256SUMS=fresh)

    assert bundle_verification.verify(path).problems == ("SHA256SUMS is not what the key signed.",)


def test_a_bundle_signed_by_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    other = Signer(Ed25519PrivateKey.from_private_bytes(b"\x02" * 32), "key-2")
    file = tmp_path / "other.zip"
    file.write_bytes(bundled(signer=other))

    assert bundle_verification.verify(file).problems == ()
    assert bundle_verification.verify(file, trusted=SIGNER.public_pem).problems == (
        "SHA256SUMS is not what the key signed.",
        "The key in the bundle is another one than the one given.",
    )


def test_two_files_of_one_name_are_noticed(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as files:
        files.writestr("VERIFY.md", "Trust me.")

    assert "VERIFY.md is in the ZIP more than once." in bundle_verification.verify(path).problems


@pytest.mark.parametrize("text", [b"", b"no zip", b"PK\x03\x04 broken"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(text)

    with pytest.raises(RuleBroken):
        bundle_verification.verify(file)


@needs_openssl
def test_the_commands_of_the_guide_verify_it(path: Path, tmp_path: Path) -> None:
    folder = unpacked(path, tmp_path)
    guide = (folder / "VERIFY.md").read_text()

    for command in verify_guide.COMMANDS:
        assert command in guide
        assert run(command, folder).returncode == 0
    key, fingerprint = verify_guide.FINGERPRINT, bundle_verification.verify(path).fingerprint
    assert run(key, folder).stdout.split()[0] == fingerprint
    assert run(" && ".join(verify_guide.ADDED), folder).stdout == ""


@needs_openssl
def test_public_tools_notice_a_changed_byte_a_changed_hash_and_a_new_file(
    path: Path, tmp_path: Path
) -> None:
    folder = unpacked(path, tmp_path)
    hashes, signature = verify_guide.COMMANDS

    (folder / "rows" / "checks.csv").write_bytes(b"nothing failed")
    assert run(hashes, folder).returncode != 0
    sums = folder / bundle.SUMS
    sums.write_text(sums.read_text().replace("a", "b", 1))
    assert run(signature, folder).returncode != 0
    (folder / "rows" / "more.csv").write_text("x")
    assert "rows/more.csv" in run(" && ".join(verify_guide.ADDED), folder).stdout


def unpacked(path: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    with zipfile.ZipFile(path) as files:
        files.extractall(folder)
    return folder


def run(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False
    )
