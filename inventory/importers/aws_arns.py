"""The small grammar that all AWS files share: ARNs, account ids, times, tags, and text made fit to
store.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inventory.importers.cells import BadValue, email, moment
from inventory.importers.secrets import redact

LONGEST_ID = 1000
LONGEST_NAME = 300

# Tags that are copied with their value; of all others only the key is kept, because a value can be
# anything.
KNOWN_TAGS = frozenset(
    {
        "application", "costcenter", "description", "env", "environment", "name", "owner",
        "owneremail", "project", "purpose", "service", "stage", "team",
    }
)  # fmt: skip
_ENVIRONMENTS = {
    "production": ("production", "prod", "prd", "live"),
    "staging": ("staging", "stage", "stg", "uat", "qa", "preprod", "preproduction"),
    "development": ("development", "develop", "dev", "test", "testing"),
    "sandbox": ("sandbox", "sbx", "playground"),
}
_ENVIRONMENT_OF = {word: name for name, words in _ENVIRONMENTS.items() for word in words}

# What AWS lets people name things by. Such a name is no secret, however random its end looks: tools
# make many of them.
_NAME = re.compile(r"[A-Za-z0-9_+=,.@:-]{1,128}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*)"
    r":(?P<account>[0-9]{12}|aws)?:(?P<resource>[!-~]{1,800})"
)


class BadItem(Exception):
    """An item that cannot be taken, with the field that is wrong. The message is a sentence."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Arn:
    """A name of AWS; `account` is empty where it names none, "aws" for what AWS itself owns."""

    text: str
    partition: str
    service: str
    account: str
    resource: str

    @property
    def kind(self) -> str:
        """What it names: user, role, group, policy, saml-provider, root, ..."""
        return re.split(r"[:/]", self.resource, maxsplit=1)[0]

    @property
    def tail(self) -> str:
        """The last part of the resource: the name without its path."""
        return re.split(r"[:/]", self.resource)[-1]


def parse_arn(value: object) -> Arn | None:
    """None for anything that is not an ARN."""
    found = _ARN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    return Arn(
        found[0], found["partition"], found["service"], found["account"] or "", found["resource"]
    )


def is_account(text: str) -> bool:
    return _ACCOUNT.fullmatch(text) is not None


def time_of(item: Mapping[str, Any], name: str) -> datetime | None:
    """The time under a name: ISO text, or the object that botocore recordings hold. None where
    missing; raises BadItem for anything else.
    """
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, dict) and value.get("__class__") == "datetime":
        return _recorded_time(value, name)
    if not isinstance(value, str):
        raise BadItem(name, "The value is not a date. Export the file again.")
    try:
        return moment(value)
    except BadValue as bad:
        raise BadItem(name, str(bad)) from None


def clean(value: object, limit: int = LONGEST_NAME) -> str:
    """Text fit to store: without secrets and null characters, and not too long. "" for what is no
    text.
    """
    if not isinstance(value, str):
        return ""
    text = redact(value.replace("\0", ""))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def name_of(value: object) -> str:
    """A name as AWS allows it, kept as it is; anything else only as `clean` text."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    return clean(value)


def clean_json(value: object) -> object:
    """JSON with every text in it made fit to store; keys are names, which stay as they are."""
    if isinstance(value, str):
        return clean(value, 10_000)
    if isinstance(value, list):
        return [clean_json(each) for each in value]
    if isinstance(value, dict):
        return {key.replace("\0", ""): clean_json(each) for key, each in value.items()}
    return value


def joined_id(*parts: str) -> str:
    """The parts as one external id; the digest of the rest where that would be too long."""
    text = "|".join(parts)
    if len(text) <= LONGEST_ID:
        return text
    return f"{text[:800]}|sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Tags:
    """What the tags of an item say about it; unknown keys are named, their values forgotten."""

    owner_email: str | None
    environment: str | None
    purpose: str | None
    values: dict[str, str]
    other_keys: list[str]


def read_tags(value: object) -> Tags:
    """From the list [{"Key": ..., "Value": ...}]; what has another shape is left out."""
    pairs = [
        (each["Key"], each["Value"])
        for each in (value if isinstance(value, list) else ())
        if isinstance(each, dict)
        and isinstance(each.get("Key"), str)
        and isinstance(each.get("Value"), str)
    ]
    known = {key: clean(text) for key, text in pairs if _plain_key(key) in KNOWN_TAGS}
    by_plain_key = {_plain_key(key): text for key, text in known.items()}
    return Tags(
        owner_email=_email(by_plain_key.get("owneremail")) or _email(by_plain_key.get("owner")),
        environment=_environment(by_plain_key),
        purpose=by_plain_key.get("purpose") or by_plain_key.get("description") or None,
        values=known,
        other_keys=sorted(clean(key, 128) for key, _ in pairs if key not in known),
    )


def _environment(tags: Mapping[str, str]) -> str | None:
    """Normalised; None for a word that is not known."""
    for key in ("environment", "env", "stage"):
        found = _ENVIRONMENT_OF.get(_plain_key(tags.get(key, "")))
        if found:
            return found
    return None


def _plain_key(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _email(text: str | None) -> str | None:
    try:
        return email(text.strip()) if text else None
    except BadValue:
        return None


def _recorded_time(value: Mapping[str, Any], name: str) -> datetime:
    parts = ("month", "day", "hour", "minute", "second", "microsecond")
    try:
        month, day, *clock = (int(value.get(part, 0)) for part in parts)
        hour, minute, second, microsecond = clock
        return datetime(
            int(value["year"]), month, day, hour, minute, second, microsecond, tzinfo=UTC
        )
    except (KeyError, ValueError, TypeError, OverflowError):
        raise BadItem(name, "The value is not a time that exists. Export the file again.") from None
