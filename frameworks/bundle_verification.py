"""Whether an evidence bundle is what was signed: its hashes, its signature, its key, and that nothing was added."""

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from frameworks.reports.bundle import KEY, SIGNATURE, SUMS
from inventory.rules import RuleBroken

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_MOST = 1 << 20  # bytes of the three small files


@dataclass(frozen=True)
class Verified:
    """What was found. It holds when there is no problem; `fingerprint` says with which key."""

    files: int
    fingerprint: str
    problems: tuple[str, ...]


def verify(path: Path, *, trusted: bytes | None = None) -> Verified:
    """Checks the bundle, with the key inside it or with one from elsewhere (PEM). Raises RuleBroken when it is none."""
    try:
        with zipfile.ZipFile(path) as bundle:
            names = bundle.namelist()
            missing = {SUMS, SIGNATURE, KEY} - set(names)
            if missing:
                raise RuleBroken(
                    f"This is no evidence bundle: {', '.join(sorted(missing))} is missing."
                )
            sums, inside = _small(bundle, SUMS), _small(bundle, KEY)
            key = _key(trusted or inside)
            problems = [
                *_of_signature(key, sums, _small(bundle, SIGNATURE)),
                *_of_names(names, sums),
                *_of_hashes(bundle, names, sums),
            ]
            if trusted is not None and fingerprint(key) != fingerprint(_key(inside)):
                problems.append("The key in the bundle is another one than the one given.")
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise RuleBroken(f"The file cannot be read as a ZIP: {error}.") from error
    return Verified(len(names), fingerprint(key), tuple(problems))


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the key in DER, as `openssl pkey -outform DER | sha256sum` prints it."""
    told = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(told).hexdigest()


def _small(bundle: zipfile.ZipFile, name: str) -> bytes:
    with bundle.open(name) as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise RuleBroken(f"{name} is larger than that file can be.")
    return content


def _key(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise RuleBroken("The public key is not a PEM file of a public key.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise RuleBroken("The public key is not an Ed25519 key.")
    return key


def _of_signature(key: Ed25519PublicKey, sums: bytes, signature: bytes) -> list[str]:
    try:
        key.verify(signature, sums)
    except InvalidSignature:
        return [f"{SUMS} is not what the key signed."]
    return []


def _listed(sums: bytes) -> dict[str, str]:
    lines = sums.decode("utf-8", "replace").splitlines()
    return {found[2]: found[1] for line in lines if (found := _LINE.fullmatch(line))}


def _of_names(names: list[str], sums: bytes) -> list[str]:
    """Two entries of one name would let different programs see different files."""
    listed = _listed(sums)
    twice = sorted({name for name in names if names.count(name) > 1})
    added = sorted(set(names) - set(listed) - {SUMS, SIGNATURE})
    gone = sorted(set(listed) - set(names))
    return [
        *(f"{name} is in the ZIP more than once." for name in twice),
        *(f"{name} was added: no hash names it." for name in added),
        *(f"{name} is missing." for name in gone),
    ]


def _of_hashes(bundle: zipfile.ZipFile, names: list[str], sums: bytes) -> list[str]:
    problems = []
    for name, expected in _listed(sums).items():
        if name not in names:
            continue
        try:
            with bundle.open(name) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it reads
        except zipfile.BadZipFile:
            found = "unreadable"
        if found != expected:
            problems.append(f"{name} was changed.")
    return problems
