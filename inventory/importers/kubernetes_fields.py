"""The fields of an object of Kubernetes, each checked: its metadata, names, labels, lists and times."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inventory.importers.cells import BadValue, moment
from inventory.importers.kubernetes_files import Found, Object
from inventory.importers.secrets import redact

ASSUMED_NAMESPACE = "The manifest names no namespace; “default” is assumed."
NAME = re.compile(r"[!-$&-.0-~]{1,253}")  # all of ASCII but space, slash and percent sign

_LONGEST_NAME = 253


class BadObject(Exception):
    """An object that cannot be taken, with the field that is wrong. The message is a sentence."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Meta:
    """What every object says of itself. `namespace` is empty for what belongs to the whole cluster."""

    place: str
    name: str
    namespace: str
    uid: str
    live: bool  # the answer of a cluster, not a manifest
    assumed: bool  # the namespace is a guess
    created_at: datetime | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def caveats(self) -> tuple[str, ...]:
        return (ASSUMED_NAMESPACE,) if self.assumed else ()

    def day(self, label: str) -> datetime | None:
        """The day that a label names; None where it names none."""
        try:
            return moment(self.labels[label]) if label in self.labels else None
        except BadValue:
            return None


def read_meta(found: Found, *, namespaced: bool) -> Meta:
    meta = object_of(found.object.get("metadata"), "metadata")
    name = name_of(meta, "name") if meta.get("name") or not meta.get("generateName") else ""
    live = bool(meta.get("uid") or meta.get("resourceVersion"))
    given = meta.get("namespace")
    assumed = namespaced and not given
    namespace = "default" if assumed else (name_of(meta, "namespace") if namespaced else "")
    uid = meta.get("uid")
    return Meta(
        place=found.place, name=name or "(new)", namespace=namespace, live=live, assumed=assumed,
        uid=uid if isinstance(uid, str) and re.fullmatch(r"[0-9A-Za-z-]{1,64}", uid) else "",
        created_at=time_of(meta.get("creationTimestamp"), "creationTimestamp"),
        labels=texts_of(meta.get("labels")), annotations=texts_of(meta.get("annotations")),
    )  # fmt: skip


def clean(text: str, limit: int = 300) -> str:
    """Fit to store: no secret, no control character, not too long."""
    plain = redact("".join(sign for sign in text if sign.isprintable()))
    return plain if len(plain) <= limit else f"{plain[: limit - 3]}..."


def object_of(value: object, name: str) -> Object:
    if not isinstance(value, dict):
        raise BadObject(name, "The value is not an object. Export the file again.")
    return value


def list_of(value: object, name: str) -> list[Any]:  # Any: JSON
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadObject(name, "The value is not a list. Export the file again.")
    return value


def inside(value: object, *path: str) -> object:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def name_of(item: Object, key: str, shown: str = "") -> str:
    found = item.get(key)
    if not isinstance(found, str) or not NAME.fullmatch(found):
        raise BadObject(
            shown or key, f"The name is missing, or not one of up to {_LONGEST_NAME} plain letters."
        )
    return found


def texts_of(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)}


def time_of(value: object, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        return moment(value) if isinstance(value, str) else None
    except BadValue as bad:
        raise BadObject(name, str(bad)) from None
