"""Uploads: archives are unpacked within limits; what cannot be read is refused with a sentence."""

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.files import MEGABYTE, Upload, guess_kind, open_files, refuse_other_kind
from tests.samples import sample

CSV = b"name,kind\nweb,role\n"


def contents(uploads: Sequence[Upload], limit: int = MEGABYTE) -> dict[str, bytes]:
    with open_files(uploads, limit_bytes=limit) as files:
        return {file.name: file.content.read() for file in files}


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed


def refusal(upload: Upload, limit: int = 4 * MEGABYTE) -> str:
    with pytest.raises(WrongFile) as refused:
        contents([upload], limit)
    assert str(refused.value).endswith(".")
    return str(refused.value)


def test_plain_gzip_and_zip_give_the_same_content(tmp_path: Path) -> None:
    plain, squeezed = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    plain.write_bytes(CSV)
    squeezed.write_bytes(gzip.compress(CSV))

    read = contents([plain, squeezed, ("up.zip", zipped({"x/c.csv": CSV, "d.csv": CSV}))])

    assert read == dict.fromkeys(("a.csv", "b.csv", "c.csv", "d.csv"), CSV)


def test_names_lose_their_folders_and_control_characters() -> None:
    members = {"../../etc/passwd": CSV, "..\\evil\n.csv": CSV}

    assert set(contents([("a.zip", zipped(members))])) == {"passwd", "evil_.csv"}


def test_the_litter_of_archives_is_left_out() -> None:
    members = {"a.csv": CSV, "__MACOSX/._a.csv": b"\0", ".DS_Store": b"\0", "folder/": b""}

    assert set(contents([("a.zip", zipped(members))])) == {"a.csv"}


def test_content_can_be_read_twice_and_is_closed_at_the_end() -> None:
    with open_files([("a.csv", io.BytesIO(CSV))]) as (file,):
        assert file.content.read() == CSV
        assert file.text().read() == CSV.decode()

    assert file.content.closed


def test_an_upload_that_was_read_before_is_read_from_its_start() -> None:
    upload = io.BytesIO(CSV)
    upload.read()

    assert contents([("a.csv", upload)]) == {"a.csv": CSV}


def test_more_than_the_limit_is_refused_over_all_files() -> None:
    half = b"a,b\n" * 150_000
    with pytest.raises(WrongFile, match="hold more than 1 MB"):
        contents([("a.csv", io.BytesIO(half)), ("b.csv", io.BytesIO(half))])


def test_a_bomb_is_refused_long_before_the_limit() -> None:
    bomb = b"a" * (3 * MEGABYTE)

    assert "200 times" in refusal(("a.zip", zipped({"a.csv": bomb})))
    assert "200 times" in refusal(("a.csv.gz", io.BytesIO(gzip.compress(bomb))))


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    packed = zipped({"a.csv": b"a" * (3 * MEGABYTE)}).getvalue()
    size = (3 * MEGABYTE).to_bytes(4, "little")
    lying = packed.replace(size, (10).to_bytes(4, "little"))
    assert lying != packed

    assert refusal(("a.zip", io.BytesIO(lying)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b" \n\n", "empty"),
        (b"name\0kind\n", "binary data"),
        (b"a" * 300_000 + b"\0", "binary data"),
        ("name,kind".encode("utf-16"), "Save the file as UTF-8"),
        (gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), "archive within an archive"),
        (gzip.compress(CSV, mtime=0)[:-9], "damaged"),
        (b"\x1f\x8b" + b"x" * 30, "damaged"),
        (b"PK\x03\x04" + b"x" * 30, "damaged"),
        (zipped({}).getvalue(), "holds no files"),
        (zipped({"a.zip": zipped({"a.csv": CSV}).getvalue()}).getvalue(), "within an archive"),
        (zipped({"[Content_Types].xml": b"<x/>", "a.xml": b"<x/>"}).getvalue(), "office document"),
        (zipped({f"{n}.csv": CSV for n in range(101)}).getvalue(), "at most 100"),
        (zipped({"a.csv": CSV}, zipfile.ZIP_BZIP2).getvalue(), "unusual archive"),
    ],
)
def test_what_cannot_be_read_is_refused(content: bytes, says: str) -> None:
    assert says in refusal(("upload", io.BytesIO(content)))


def test_an_encrypted_archive_is_refused() -> None:
    packed = bytearray(zipped({"a.csv": CSV}).getvalue())
    packed[packed.index(b"PK\x01\x02") + 8] |= 1

    assert "encrypted" in refusal(("a.zip", io.BytesIO(bytes(packed))))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "nothing.csv")
    assert "cannot be read" in refusal(tmp_path)


def test_nothing_to_read_is_refused() -> None:
    with pytest.raises(WrongFile, match="no file to read"):
        contents([])


def test_a_repetitive_but_small_file_is_no_bomb() -> None:
    small = b"name,kind\n" + b"web,role\n" * 50_000

    assert contents([("a.csv.gz", io.BytesIO(gzip.compress(small)))])["a.csv"] == small


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CSV, "csv"),
        (b"\xef\xbb\xbfe-mail;name\n", "csv"),
        (b"user,arn,user_creation_time,password_enabled\n", "aws-credential-report"),
        (b'{"identities": [{"spiffe_id": "spiffe://a/b"}]}', "json"),
        (b'{"complete": false}', "json"),
        (b'{"UserDetailList": []}', "aws-iam"),
        (b'{"entries": [], "next_page_token": ""}', "spire"),
        (b'[{"selectors": []}]', "spire"),
        (b'{"agentSummaries": []}', "aws-bedrock"),
        (b'{"something": 1}', None),
        (b"a,b\n", None),
        (b"", None),
        (b"\xff\xfe", None),
    ],
)
def test_a_file_is_known_by_its_content(content: bytes, kind: str | None) -> None:
    assert guess_kind(content, "upload") == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("aws/authorization-details.json", "aws-iam"),
        ("aws/authorization-details-no-roles.json", "aws-iam"),
        ("aws/credential-report.csv", "aws-credential-report"),
        ("aws/bedrock-get-agent.json", "aws-bedrock"),
        ("aws/bedrock-list-agents.json", "aws-bedrock"),
        ("spire/entry-show.json", "spire"),
        ("spire/entries.json", "spire"),
        ("kubernetes/clusterroles-desktop.json", "kubernetes"),
        ("kubernetes/nodes.json", "kubernetes"),
    ],
)
def test_the_samples_are_known_by_their_content(name: str, kind: str) -> None:
    path = sample(name)

    with open_files([path]) as (file,):
        refuse_other_kind(file, kind)
        assert guess_kind(path.read_bytes()[:4096], name) == kind


def test_a_file_of_another_kind_is_refused_with_the_right_one() -> None:
    file = SourceFile("report.csv", io.BytesIO(b"user,arn,user_creation_time\n"))

    with pytest.raises(WrongFile) as refused:
        refuse_other_kind(file, "csv")

    assert str(refused.value) == (
        "report.csv: this looks like an IAM credential report; import it as aws-credential-report."
    )


def test_a_file_that_nobody_knows_is_left_to_its_connector() -> None:
    file = SourceFile("a.json", io.BytesIO(json.dumps({"other": 1}).encode()))

    refuse_other_kind(file, "spire")

    assert file.content.tell() == 0
