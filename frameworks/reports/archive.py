"""ZIP files that are the same bytes for the same content: fixed times, fixed rights, entries in the order given."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that ZIP can say
_READABLE = 0o644 << 16
_UNIX = 3


@contextmanager
def writing(out: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as files:
        yield files


@contextmanager
def adding(files: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """An entry to write to, of any size."""
    with files.open(_entry(name), "w", force_zip64=True) as file:
        yield file


def add(files: zipfile.ZipFile, name: str, content: bytes) -> None:
    files.writestr(_entry(name), content)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = _UNIX
    entry.external_attr = _READABLE
    return entry
