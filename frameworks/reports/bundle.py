"""The evidence bundle: the reports, the rows behind every number, their hashes, a signature, and how to verify it all.

Whoever has the file needs nothing of ours: `sha256sum` and `openssl` verify it offline.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from frameworks.reports import archive, csv_files, json_document, verify_guide
from frameworks.reports.formats import FORMATS
from frameworks.reports.tables import TABLES
from frameworks.reports.text import instant
from frameworks.snapshot import Rows, Snapshot

FORMAT = "mandate-evidence/1"
SUMS, SIGNATURE, KEY = "SHA256SUMS", "SHA256SUMS.sig", "public-key.pem"
_CHUNK = 1 << 20
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Signer:
    """The key that signs, and what it is called in the published key set."""

    private: Ed25519PrivateKey
    key_id: str

    @property
    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )


def write(snapshot: Snapshot, rows: Rows, out: IO[bytes], *, signer: Signer, tell: Tell) -> None:
    """Files are made on disk first, so that memory stays flat and names can be in order. The same assessment and key
    give the same bytes."""
    with tempfile.TemporaryDirectory(prefix="mandate-bundle-") as name:
        folder = Path(name)
        _write_reports(snapshot, rows, folder, tell)
        _write_rows(snapshot, rows, folder, tell)
        (folder / KEY).write_bytes(signer.public_pem)
        (folder / "VERIFY.md").write_text(verify_guide.markdown(snapshot, signer.key_id), "utf-8")
        (folder / "VERIFY.html").write_text(verify_guide.page(snapshot, signer.key_id), "utf-8")
        shutil.copyfile(json_document.SCHEMA, folder / json_document.SCHEMA.name)
        _write_manifest(snapshot, folder, signer)
        tell("Signing")
        sums = "".join(f"{_hash(path)}  {_name(folder, path)}\n" for path in _files(folder))
        (folder / SUMS).write_text(sums, "utf-8")
        (folder / SIGNATURE).write_bytes(signer.private.sign(sums.encode()))
        tell("Packing")
        _pack(folder, out)


def _write_reports(snapshot: Snapshot, rows: Rows, folder: Path, tell: Tell) -> None:
    for one in FORMATS.values():
        if one.write is None:
            continue
        tell(f"Writing {one.label}")
        with _making(folder / "reports" / f"report{one.suffix}") as file:
            one.write(snapshot, rows, file)


def _write_rows(snapshot: Snapshot, rows: Rows, folder: Path, tell: Tell) -> None:
    for table in TABLES:
        tell(f"Writing the rows: {table.title.lower()}")
        with _making(folder / "rows" / f"{table.key}.csv") as file:
            csv_files.write_table(table, snapshot, rows, file)


def _write_manifest(snapshot: Snapshot, folder: Path, signer: Signer) -> None:
    """What the bundle holds, for programs; SHA256SUMS says the same for people's tools, and covers this too."""
    manifest = {
        "format": FORMAT,
        "assessment": {
            "uid": snapshot.uid, "number": snapshot.number, "organisation": snapshot.organisation,
            "facts_at": instant(snapshot.facts_at), "made_at": instant(snapshot.made_at),
            "scope": snapshot.scope.label,
        },
        "signature": {
            "of": SUMS, "in": SIGNATURE, "algorithm": "Ed25519", "key": KEY, "key_id": signer.key_id,
        },
        "files": [
            {"name": _name(folder, path), "size": path.stat().st_size, "sha256": _hash(path)}
            for path in _files(folder)
        ],
    }  # fmt: skip
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))


def _pack(folder: Path, out: IO[bytes]) -> None:
    with archive.writing(out) as files:
        for path in _files(folder):
            with path.open("rb") as file, archive.adding(files, _name(folder, path)) as packed:
                shutil.copyfileobj(file, packed, _CHUNK)


@contextmanager
def _making(path: Path) -> Iterator[IO[bytes]]:
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        yield file


def _files(folder: Path) -> list[Path]:
    """In the order of their names."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: _name(folder, path))


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
