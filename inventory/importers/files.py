"""Opens what a person uploads: plain, gzip and zip files, bounded in size, checked before any
connector reads them.
"""

import gzip
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.own_format import NOUNS, header_of, noun_of

MEGABYTE = 1024 * 1024
LIMIT_BYTES = 512 * MEGABYTE  # over all files, unpacked
MOST_FILES = 100
MOST_TIMES_LARGER = 200  # unpacked against packed; real exports stay under 50
RATIO_COUNTS_FROM = MEGABYTE  # a small file may be as repetitive as it likes

Upload = Path | tuple[str, BinaryIO]

_IN_MEMORY = 8 * MEGABYTE
_CHUNK = 256 * 1024
_HEAD = 64 * 1024
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError,
    NotImplementedError, UnicodeDecodeError,
)  # fmt: skip
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LITTER = re.compile(r"(?:^|/)(?:__MACOSX/|\.DS_Store$|\._)")

_LOOKS = {
    "aws-iam": "the answer of get-account-authorization-details",
    "aws-credential-report": "an IAM credential report",
    "aws-bedrock": "an answer about Bedrock agents",
    "spire": "a list of SPIRE registration entries",
    "kubernetes": "objects of a Kubernetes cluster",
    "mcp": "an MCP tools/list answer, server.json or client configuration",
    "a2a": "an A2A agent card",
    "csv": "a CSV file in Mandate's columns",
    "json": "a JSON file in Mandate's format",
}


@contextmanager
def open_files(
    uploads: Sequence[Upload], *, limit_bytes: int = LIMIT_BYTES
) -> Iterator[tuple[SourceFile, ...]]:
    """The files to read, archives unpacked; closed and deleted at the end. Raises WrongFile
    with a sentence.
    """
    with ExitStack() as open_until_end:
        budget = _Budget(limit_bytes, open_until_end)
        for upload in uploads:
            name = base_name(upload.name if isinstance(upload, Path) else upload[0])
            with ExitStack() as while_copying:
                content = (
                    while_copying.enter_context(_open(upload, name))
                    if isinstance(upload, Path)
                    else upload[1]
                )
                _unpack(name, content, budget)
        if not budget.files:
            raise WrongFile("There is no file to read. Choose at least one.")
        yield tuple(budget.files)


def guess_kind(head: bytes, name: str) -> str | None:
    """The kind of connector that a file is for, by the start of its content; None where
    that does not tell.
    """
    text = head.removeprefix(_UTF8_MARK).decode("utf-8", "replace").lstrip()
    if text[:1] in {"{", "["}:
        return _guess_json(text)
    first = text.partition("\n")[0].rstrip("\r")
    if first.startswith("user,arn,user_creation_time"):
        return "aws-credential-report"
    columns, _ = header_of(first)
    return "csv" if columns and noun_of(columns, name) else None


def refuse_other_kind(file: SourceFile, kind: str) -> None:
    """Raises WrongFile for a file that another connector reads, and names that one."""
    file.content.seek(0)
    guessed = guess_kind(file.content.read(_HEAD), file.name)
    file.content.seek(0)
    if guessed is not None and guessed != kind:
        raise WrongFile(f"{file.name}: this looks like {_LOOKS[guessed]}; import it as {guessed}.")


def _guess_json(text: str) -> str | None:
    """The first that fits: the words of some formats may stand inside objects of the ones before them."""
    first_key = re.match(r'\{\s*"([^"]*)"', text)
    is_tools = re.search(r'"inputSchema"\s*:', text)
    if first_key and first_key[1] in {*NOUNS, "complete"} and not is_tools:
        return "json"
    return next(
        (kind for kind, all_of in _MARKS if all(re.search(mark, text) for mark in all_of)), None
    )


_MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kubernetes", (r'"apiVersion"\s*:', r'"kind"\s*:')),
    ("mcp", (r'"(?:mcpServers|inputSchema|version_detail|jsonrpc)"\s*:',)),
    ("aws-iam", (r'"(?:User|Group|Role)DetailList"\s*:|\A\{\s*"Policies"\s*:',)),
    ("aws-bedrock", (r'"agentSummaries"\s*:|"agentId"\s*:',)),
    ("spire", (r'"(?:spiffe_id|parent_id|selectors)"\s*:|\A\{\s*"entries"\s*:',)),
    ("a2a", (r'"skills"\s*:', r'"capabilities"\s*:')),
)


def json_content(file: SourceFile) -> BinaryIO:
    """The file at the first byte of its JSON; raises WrongFile where that is no UTF-8 JSON
    object or list.
    """
    file.content.seek(0)
    start = file.content.read(_HEAD)
    if start.startswith(_UTF16):
        raise WrongFile(f"{file.name} is UTF-16 text. Save the file as UTF-8.")
    bare = start.removeprefix(_UTF8_MARK)
    if bare.lstrip()[:1] not in {b"{", b"["}:
        raise WrongFile(f"{file.name} is not a JSON file. Export it again as JSON.")
    file.content.seek(len(start) - len(bare))
    return file.content


class _Budget:
    """What is left of the limits over all files, and the files so far."""

    def __init__(self, limit_bytes: int, open_until_end: ExitStack) -> None:
        self.files: list[SourceFile] = []
        self._limit = limit_bytes
        self._left = limit_bytes
        self._open_until_end = open_until_end

    def add(self, name: str, content: BinaryIO, packed_size: int | None) -> None:
        """Copies a file within the limits; `packed_size` is None for one that was not packed."""
        if len(self.files) >= MOST_FILES:
            raise WrongFile(f"There are more than {MOST_FILES} files. Import them in several runs.")
        spooled = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
        self._open_until_end.callback(spooled.close)
        copied = 0
        blank = True
        while chunk := content.read(_CHUNK):
            copied += len(chunk)
            self._spend(name, len(chunk))
            if packed_size is not None and copied > max(
                RATIO_COUNTS_FROM, MOST_TIMES_LARGER * packed_size
            ):
                raise WrongFile(
                    f"{name} unpacks to more than {MOST_TIMES_LARGER} times its size, as only an "
                    "attack does. "
                    "Upload it unpacked."
                )
            if copied == len(chunk):
                _refuse_head(name, chunk)
            if b"\0" in chunk:
                raise WrongFile(
                    f"{name} holds binary data. Export it as text: CSV or JSON, in UTF-8."
                )
            blank = blank and not chunk.strip().removeprefix(_UTF8_MARK)
            spooled.write(chunk)
        if blank:
            raise WrongFile(f"{name} is empty. Export it again.")
        spooled.seek(0)
        self.files.append(SourceFile(name, spooled))

    def _spend(self, name: str, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise WrongFile(
                f"With {name}, the files hold more than {_size(self._limit)} unpacked. Import "
                "them in several runs."
            )


def _open(path: Path, name: str) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise WrongFile(f"{name} cannot be read: {error.strerror or 'unknown reason'}.") from None


def _unpack(name: str, content: BinaryIO, budget: _Budget) -> None:
    content.seek(0)
    start = content.read(4)
    size = content.seek(0, 2)
    content.seek(0)
    try:
        if start.startswith(_ZIP):
            _unpack_zip(name, content, budget)
        elif start.startswith(_GZIP):
            with gzip.GzipFile(fileobj=content) as unpacked:
                budget.add(
                    re.sub(r"\.gz$", "", name, flags=re.IGNORECASE),
                    cast("BinaryIO", unpacked),
                    size,
                )
        else:
            budget.add(name, content, None)
    except _BROKEN_ARCHIVE:
        raise WrongFile(
            f"{name} is a damaged or unusual archive. Unpack it, and upload what it holds."
        ) from None


def _unpack_zip(name: str, content: BinaryIO, budget: _Budget) -> None:
    with zipfile.ZipFile(content) as archive:
        members = [
            each
            for each in archive.infolist()
            if not each.is_dir() and not _LITTER.search(each.filename)
        ]
        if any(each.filename == "[Content_Types].xml" for each in members):
            raise WrongFile(
                f"{name} is an office document. Save the sheet as CSV UTF-8, and upload that."
            )
        if len(members) > MOST_FILES:
            raise WrongFile(
                f"{name} holds {len(members):,} files; at most {MOST_FILES} are read. Split it."
            )
        if not members:
            raise WrongFile(f"{name} holds no files. Pack it again.")
        for member in members:
            if member.compress_type not in _READABLE:
                raise zipfile.BadZipFile(member.filename)
            if member.flag_bits & 1:
                raise WrongFile(f"{name} is encrypted. Unpack it, and upload what it holds.")
            with archive.open(member) as unpacked:
                budget.add(
                    base_name(member.filename), cast("BinaryIO", unpacked), member.compress_size
                )


def _refuse_head(name: str, head: bytes) -> None:
    if head.startswith((*_ZIP, _GZIP)):
        raise WrongFile(
            f"{name} is an archive within an archive. Unpack it once, and upload what it holds."
        )
    if head.startswith(_UTF16):
        raise WrongFile(f"{name} is UTF-16 text. Save the file as UTF-8.")


def base_name(name: str) -> str:
    """The last part of a path of any system, printable and short: it is shown, stored, and
    never opened.
    """
    base = PurePosixPath(name.replace("\\", "/")).name
    return "".join(sign if sign.isprintable() else "_" for sign in base)[-200:] or "file"


def _size(count: int) -> str:
    return f"{count // MEGABYTE:,} MB" if count >= MEGABYTE else f"{count:,} bytes"
