"""All that the files say of one Kubernetes cluster, put in order, and how its things are named in the inventory.

`kubectl get` does not name the cluster. Two clusters have accounts and roles of equal names, so every id starts with
the cluster: the annotation or label mandate/cluster of any object, else the UID of the namespace kube-system (as the
OpenTelemetry attribute k8s.cluster.uid does), else the key of the source that is imported.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from inventory.importers.base import WrongFile
from inventory.importers.kubernetes_fields import BadObject, Meta, read_meta
from inventory.importers.kubernetes_files import Found, Object
from inventory.importers.kubernetes_objects import (
    RBAC,
    TOKEN_TYPE,
    WORKLOADS,
    Account,
    Binding,
    Notes,
    Role,
    Workload,
    read_account,
    read_binding,
    read_role,
    read_workload,
)
from inventory.importers.records import Rejected

CLUSTER_KEY = "mandate/cluster"
EXPECTED = (
    "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Pod", "Secret",
)  # fmt: skip

_CLUSTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}")
_LONGEST_ID = 1000
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
_ACCOUNT_NAME = "kubernetes.io/service-account.name"


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """A Secret that holds the token of an account; of the token itself nothing is known here."""

    meta: Meta
    account: str

    @property
    def works(self) -> bool:
        """Unless the cluster switched it off, because nobody used it for long."""
        return INVALID_SINCE not in self.meta.labels


_Kept = TypeVar("_Kept", Account, Role, Binding, TokenSecret)


@dataclass(slots=True)
class Cluster:
    """What the files say. Keys are (namespace, name); an object that stands there twice is kept once."""

    key: str = ""
    name: str = ""
    accounts: dict[tuple[str, str], Account] = field(default_factory=dict)
    mentioned: dict[tuple[str, str], str] = field(default_factory=dict)  # accounts, with a place
    roles: dict[tuple[str, str], Role] = field(default_factory=dict)
    bindings: dict[tuple[str, str], Binding] = field(default_factory=dict)
    tokens: dict[tuple[str, str], TokenSecret] = field(default_factory=dict)
    workloads: dict[str, dict[tuple[str, str], Workload]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    _uid: str = ""
    _named: str = ""

    def take(self, found: Found) -> Iterator[Rejected]:
        """Keeps what is needed of the object, and says what of it could not be taken."""
        notes = Notes()
        self.counts[found.kind] += 1
        self.seen.add(found.kind)
        try:
            self._note_names(found)
            self._take(found, notes)
        except BadObject as bad:
            yield Rejected(found.place, bad.name, bad.reason)
        yield from notes.rejected

    def close(self, source: str) -> None:
        """All objects are there: the cluster gets its name, and who is only mentioned is known."""
        self.key = self._named or self._uid or source or "cluster"
        self.name = self._named or (self._uid[:8] if self._uid else self.key)
        for workload in self.all_workloads():
            self._mention(workload.namespace, workload.account, "pods")
        for token in self.tokens.values():
            self._mention(token.meta.namespace, token.account, token.meta.place)
        for binding in self.bindings.values():
            for subject in binding.subjects:
                if subject.kind == "account":
                    self._mention(subject.namespace, subject.name, binding.meta.place)

    def all_accounts(self) -> list[tuple[str, str]]:
        return sorted({*self.accounts, *self.mentioned})

    def all_workloads(self) -> Iterator[Workload]:
        for of_kind in self.workloads.values():
            yield from of_kind.values()

    def account_id(self, namespace: str, name: str) -> str:
        return f"{self.key}/system:serviceaccount:{namespace}:{name}"

    def _mention(self, namespace: str, name: str, place: str) -> None:
        if (namespace, name) not in self.accounts:
            self.mentioned.setdefault((namespace, name), place)

    def _take(self, found: Found, notes: Notes) -> None:
        group = found.api.partition("/")[0] if "/" in found.api else ""
        if found.kind == "ServiceAccount" and not group:
            account = read_account(found)
            self._keep(self.accounts, account.meta, account)
        elif found.kind in ("Role", "ClusterRole") and group == RBAC:
            role = read_role(found, notes)
            self._keep(self.roles, role.meta, role)
        elif found.kind in ("RoleBinding", "ClusterRoleBinding") and group == RBAC:
            binding = read_binding(found, notes)
            self._keep(self.bindings, binding.meta, binding)
        elif found.kind == "Pod" or found.kind in WORKLOADS:
            workload = read_workload(found)
            of_kind = self.workloads.setdefault(found.kind, {})
            of_kind.setdefault((workload.namespace, workload.name), workload)
        elif found.kind == "Secret" and found.object.get("type") == TOKEN_TYPE:
            self._take_token(found)

    def _take_token(self, found: Found) -> None:
        """Only its names are read, never `data`."""
        meta = read_meta(found, namespaced=True)
        account = meta.annotations.get(_ACCOUNT_NAME, "")
        if not re.fullmatch(r"[a-z0-9.-]{1,253}", account):
            raise BadObject("metadata.annotations", "The secret does not say whose token it holds.")
        self._keep(self.tokens, meta, TokenSecret(meta, account))

    def _keep(self, into: dict[tuple[str, str], _Kept], meta: Meta, value: _Kept) -> None:
        first = into.setdefault((meta.namespace, meta.name), value)
        if first is not value and _content(first) != _content(value):
            raise BadObject(
                "metadata.name",
                f"Another one of this name stands at {first.meta.place}. Remove one of the two.",
            )

    def _note_names(self, found: Found) -> None:
        meta = found.object.get("metadata")
        if not isinstance(meta, dict):
            return
        named = _own_name(meta)
        if named and not _CLUSTER.fullmatch(named):
            raise BadObject(
                CLUSTER_KEY, "A cluster is named by up to 100 letters, digits and . _ : @ -"
            )
        uid = meta.get("uid") if (found.kind, meta.get("name")) == _SYSTEM else None
        uid = uid if isinstance(uid, str) and _CLUSTER.fullmatch(uid) else ""
        if (named and self._named not in ("", named)) or (uid and self._uid not in ("", uid)):
            raise WrongFile(
                "The files are of two clusters. Import each cluster under a source name of its own."
            )
        self._named, self._uid = named or self._named, uid or self._uid


def joined_id(*parts: str) -> str:
    """The parts as one external id; the digest of the rest where that would be too long."""
    text = "|".join(parts)
    if len(text) <= _LONGEST_ID:
        return text
    return f"{text[:800]}|sha256:{hashlib.sha256(text.encode()).hexdigest()}"


_SYSTEM = ("Namespace", "kube-system")


def _own_name(meta: Object) -> str:
    for each in (meta.get("annotations"), meta.get("labels")):
        found = each.get(CLUSTER_KEY) if isinstance(each, dict) else None
        if isinstance(found, str) and found:
            return found
    return ""


def _content(value: Account | Role | Binding | TokenSecret) -> tuple[object, ...]:
    """What must be equal for two objects of one name to be one."""
    match value:
        case Role():
            return (value.rules, value.selectors, value.meta.labels)
        case Binding():
            return (value.role_kind, value.role_name, value.subjects)
        case TokenSecret():
            return (value.account,)
    return (value.owner_email, value.environment, value.automount)


def missing(seen: Iterable[str]) -> list[str]:
    """The kinds that the files do not hold."""
    found = set(seen)
    return [kind for kind in EXPECTED if kind not in found]
