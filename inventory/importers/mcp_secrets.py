"""Secrets that stand in plain text in a client's configuration: found, fingerprinted, and forgotten.

A value counts where its setting is named like a secret, or where it looks like one by itself. What only says where the
secret is (`${input:token}`, `$TOKEN`, `{env:TOKEN}`) or where to put it (`YOUR_TOKEN`) is none.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inventory.importers.secrets import looks_secret

_NAME = re.compile(
    r"(?:^|[_.-])(?:secrets?|password|passwd|pass|pwd|passphrase|pat|tokens?|api_?key|apikey|access_?key|private_?key"
    r"|secret_?key|client_?secret|auth(?:orization)?|credentials?|bearer|cookie|api_?hash|(?<!public_)key)(?:$|[_.-]?(?:value|\d+)$)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_REFERENCE = re.compile(
    r"\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_]\w*|\{(?:env|file|input):[^}]*\}|%\w+%|\{\{.*?\}\}"
)
_PLACEHOLDER = re.compile(
    r"<[^>]*>|\[[^\]]*\]|\.{3,}|x{4,}|\*{3,}|(?i:your|my|replace|change|insert|enter|example|dummy|placeholder|redacted|todo)"
    r"[-_ ]?.*"
)  # fmt: skip
_SCHEME = re.compile(r"^(?i:bearer|basic|token)\s+")
_SHORTEST = 6
_IN_ADDRESS = re.compile(r"://[^/\s:@]*:([^@/\s]+)@")
_IN_QUERY = re.compile(r"[?&]([\w.-]+)=([^&#\s]+)")


@dataclass(frozen=True, slots=True)
class Secret:
    """One that was found: its value only as a fingerprint."""

    setting: str
    kind: str
    fingerprint: str


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name is meant for a secret."""
    return _NAME.search(_CAMEL.sub("_", name).lower()) is not None


def in_settings(settings: Mapping[str, object], where: str) -> Iterator[Secret]:
    """Of environment variables or headers."""
    for name, value in settings.items():
        if isinstance(value, str):
            yield from _of(name, value, f"{where}.{name}")


def in_arguments(arguments: list[str], where: str) -> Iterator[Secret]:
    """Of a command line: `--token value`, `--token=value`, or a value that looks like a secret."""
    before = ""
    for number, argument in enumerate(arguments):
        name, sign, value = argument.partition("=")
        if name.startswith("-") and sign:
            yield from _of(name.lstrip("-"), value, f"{where} {name}")
        elif argument.startswith("-"):
            before = argument.lstrip("-")
            continue
        else:
            yield from _of(
                name if sign else before, value if sign else argument, f"{where}[{number}]"
            )
        before = ""


def in_address(address: object, where: str) -> Iterator[Secret]:
    """A password in front of the host, or a key in the query."""
    if isinstance(address, str):
        for found in _IN_ADDRESS.finditer(address):
            if not _stands_for_one(found[1]):
                yield _secret(where, "A password in an address", found[1])
        for found in _IN_QUERY.finditer(address):
            yield from _of(found[1], found[2], f"{where}?{found[1]}")


def _of(name: str, value: str, setting: str) -> Iterator[Secret]:
    bare = _SCHEME.sub("", value.strip())
    if len(bare) < _SHORTEST or _stands_for_one(bare):
        return
    if looks_secret(bare):
        yield _secret(setting, "Looks like a live secret", bare)
    elif is_secret_name(name) and not bare.isdecimal() and " " not in bare:
        yield _secret(setting, "Stands where a secret belongs", bare)


def _stands_for_one(value: str) -> bool:
    return bool(_REFERENCE.search(value) or _PLACEHOLDER.fullmatch(value))


def _secret(setting: str, kind: str, value: str) -> Secret:
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return Secret(setting, kind, digest)
