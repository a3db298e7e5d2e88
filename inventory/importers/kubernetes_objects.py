"""The objects of a Kubernetes cluster that say who may do what, checked and cut down to what is needed of them.

Nothing else of an object is kept: no environment variables, no annotations but a few known ones, and of a Secret
nothing but the name of the account whose token it holds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from inventory.importers.cells import BadValue, email, moment
from inventory.importers.kubernetes_files import Found, Object
from inventory.importers.kubernetes_rules import BadRule, Rule, read_rule
from inventory.importers.records import Rejected
from inventory.importers.secrets import redact

RBAC = "rbac.authorization.k8s.io"
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105  (a type, not a token)
WORKLOADS = (
    "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob",
    "ReplicationController",
)  # fmt: skip
ASSUMED_NAMESPACE = "The manifest names no namespace; “default” is assumed."

_ACCOUNT_USER = re.compile(r"system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})")
_NAME = re.compile(r"[!-$&-.0-~]{1,253}")  # all of ASCII but space, slash and percent sign
_LONGEST_NAME = 253
_OWNER_KEYS = ("mandate/owner", "a8r.io/owner", "owner")
_ENVIRONMENTS = {
    "production": ("production", "prod", "prd", "live"),
    "staging": ("staging", "stage", "stg", "uat", "qa", "preprod"),
    "development": ("development", "develop", "dev", "test", "testing"),
    "sandbox": ("sandbox", "sbx", "playground"),
}
_ENVIRONMENT_OF = {word: name for name, words in _ENVIRONMENTS.items() for word in words}


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


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount."""

    meta: Meta
    owner_email: str | None
    environment: str | None
    automount: bool


@dataclass(frozen=True, slots=True)
class Workload:
    """A Pod, or what makes pods. `automount` None: the account decides whether its token is there."""

    kind: str
    namespace: str
    name: str
    account: str
    node: str
    automount: bool | None
    mounts_token: bool


@dataclass(frozen=True, slots=True)
class Role:
    """A Role (with a namespace) or a ClusterRole; `selectors` gather the rules of others by their labels."""

    meta: Meta
    rules: tuple[Rule, ...]
    selectors: tuple["Selector", ...] = ()

    @property
    def is_aggregated(self) -> bool:
        return bool(self.selectors)


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector: each requirement is (key, operator, values)."""

    requirements: tuple[tuple[str, str, frozenset[str]], ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(_meets(labels.get(key), op, values) for key, op, values in self.requirements)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is bound. `kind`: account, user or group; `namespace` only for an account."""

    kind: str
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """A RoleBinding (with a namespace) or a ClusterRoleBinding."""

    meta: Meta
    role_kind: str
    role_name: str
    subjects: tuple[Subject, ...]

    @property
    def label(self) -> str:
        kind = "role binding" if self.meta.namespace else "cluster role binding"
        return f"{kind} {self.meta.name}"


@dataclass(slots=True)
class Notes:
    """Parts of an object that were left out."""

    rejected: list[Rejected] = field(default_factory=list)


def read_meta(found: Found, *, namespaced: bool) -> Meta:
    meta = _object(found.object.get("metadata"), "metadata")
    name = _name(meta, "name") if meta.get("name") or not meta.get("generateName") else ""
    live = bool(meta.get("uid") or meta.get("resourceVersion"))
    given = meta.get("namespace")
    assumed = namespaced and not given
    namespace = "default" if assumed else (_name(meta, "namespace") if namespaced else "")
    uid = meta.get("uid")
    return Meta(
        place=found.place, name=name or "(new)", namespace=namespace, live=live, assumed=assumed,
        uid=uid if isinstance(uid, str) and re.fullmatch(r"[0-9A-Za-z-]{1,64}", uid) else "",
        created_at=_time(meta.get("creationTimestamp"), "creationTimestamp"),
        labels=_texts(meta.get("labels")), annotations=_texts(meta.get("annotations")),
    )  # fmt: skip


def read_account(found: Found) -> Account:
    meta = read_meta(found, namespaced=True)
    own = {**meta.labels, **meta.annotations}
    owner = next((each for key in _OWNER_KEYS if (each := _email(own.get(key)))), None)
    environment = next(
        (
            _ENVIRONMENT_OF[word]
            for key in ("environment", "env", "mandate/environment")
            if (word := own.get(key, "").lower()) in _ENVIRONMENT_OF
        ),
        None,
    )
    automount = found.object.get("automountServiceAccountToken") is not False
    return Account(meta, owner, environment, automount)


def read_workload(found: Found) -> Workload:
    """A pod as it runs, or the template of what makes pods."""
    meta = read_meta(found, namespaced=True)
    spec = found.object.get("spec")
    if found.kind != "Pod":
        job = _get(spec, "jobTemplate", "spec") if found.kind == "CronJob" else spec
        spec = _get(job, "template", "spec")
    spec = _object(spec, "spec")
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    if not isinstance(account, str) or not _NAME.fullmatch(account):
        raise BadObject("serviceAccountName", "The service account's name is no name. Correct it.")
    automount, node = spec.get("automountServiceAccountToken"), spec.get("nodeName")
    return Workload(
        found.kind, meta.namespace, meta.name, account, node if isinstance(node, str) else "",
        automount if isinstance(automount, bool) else None, _mounts_token(spec),
    )  # fmt: skip


def read_role(found: Found, notes: Notes) -> Role:
    of_cluster = found.kind == "ClusterRole"
    meta = read_meta(found, namespaced=not of_cluster)
    rules = []
    for number, each in enumerate(_list(found.object.get("rules"), "rules")):
        try:
            rule = read_rule(each)
            if rule.urls and not of_cluster:
                raise BadRule(
                    "nonResourceURLs", "A Role cannot give addresses of the server. Remove them."
                )
            rules.append(rule)
        except BadRule as bad:
            notes.rejected.append(Rejected(f"{found.place}.rules[{number}]", bad.name, str(bad)))
    aggregation = found.object.get("aggregationRule") if of_cluster else None
    return Role(meta, tuple(dict.fromkeys(rules)), _selectors(aggregation))


def read_binding(found: Found, notes: Notes) -> Binding:
    meta = read_meta(found, namespaced=found.kind == "RoleBinding")
    ref = _object(found.object.get("roleRef"), "roleRef")
    kind, name = ref.get("kind"), _name(ref, "name", "roleRef.name")
    if kind not in ("Role", "ClusterRole") or ref.get("apiGroup", RBAC) not in (RBAC, ""):
        raise BadObject(
            "roleRef", "The binding names neither a Role nor a ClusterRole. Correct it."
        )
    subjects = []
    for number, each in enumerate(_list(found.object.get("subjects"), "subjects")):
        try:
            subjects.append(_subject(each))
        except BadObject as bad:
            place = f"{found.place}.subjects[{number}]"
            notes.rejected.append(Rejected(place, bad.name, bad.reason))
    return Binding(meta, str(kind), name, tuple(dict.fromkeys(subjects)))


def clean(text: str, limit: int = 300) -> str:
    """Fit to store: no secret, no control character, not too long."""
    plain = redact("".join(sign for sign in text if sign.isprintable()))
    return plain if len(plain) <= limit else f"{plain[: limit - 3]}..."


def _subject(value: object) -> Subject:
    item = _object(value, "subject")
    kind = item.get("kind")
    if kind == "ServiceAccount":
        if not item.get("namespace"):
            raise BadObject(
                "namespace", "A service account needs its namespace; without one it is nobody."
            )
        return Subject("account", _name(item, "name"), _name(item, "namespace"))
    name = item.get("name")
    if kind not in ("User", "Group") or not isinstance(name, str) or not name:
        raise BadObject("kind", "The subject is no User, Group or ServiceAccount. Correct it.")
    account = _ACCOUNT_USER.fullmatch(name) if kind == "User" else None
    if account:
        return Subject("account", account[2], account[1])
    return Subject(str(kind).lower(), name)


def _selectors(value: object) -> tuple[Selector, ...]:
    found = value.get("clusterRoleSelectors") if isinstance(value, dict) else None
    return tuple(
        Selector(tuple(_requirements(each)))
        for each in _list(found, "clusterRoleSelectors")
        if isinstance(each, dict)
    )


def _requirements(selector: Object) -> list[tuple[str, str, frozenset[str]]]:
    found = [
        (key, "In", frozenset([text])) for key, text in _texts(selector.get("matchLabels")).items()
    ]
    for each in _list(selector.get("matchExpressions"), "matchExpressions"):
        if isinstance(each, dict) and isinstance(each.get("key"), str):
            values = frozenset(v for v in _list(each.get("values"), "values") if isinstance(v, str))
            found.append((each["key"], str(each.get("operator")), values))
    return found


def _meets(label: str | None, operator: str, values: frozenset[str]) -> bool:
    """Kubernetes documentation, Labels and Selectors, Set-based requirement."""
    if operator == "In":
        return label in values
    if operator == "NotIn":
        return label not in values
    return (label is not None) is (operator == "Exists")


def _mounts_token(spec: Object) -> bool:
    """Whether a volume brings the account's token: what a live pod says, whatever it was made from."""
    return any(
        isinstance(source, dict) and "serviceAccountToken" in source
        for volume in _list(spec.get("volumes"), "volumes")
        for source in _list(_get(volume, "projected", "sources"), "sources")
    )


def _object(value: object, name: str) -> Object:
    if not isinstance(value, dict):
        raise BadObject(name, "The value is not an object. Export the file again.")
    return value


def _list(value: object, name: str) -> list[Any]:  # Any: JSON
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadObject(name, "The value is not a list. Export the file again.")
    return value


def _get(value: object, *path: str) -> object:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _name(item: Object, key: str, shown: str = "") -> str:
    found = item.get(key)
    if not isinstance(found, str) or not _NAME.fullmatch(found):
        raise BadObject(
            shown or key, f"The name is missing, or not one of up to {_LONGEST_NAME} plain letters."
        )
    return found


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)}


def _email(text: str | None) -> str | None:
    try:
        return email(text.strip()) if text else None
    except BadValue:
        return None


def _time(value: object, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        return moment(value) if isinstance(value, str) else None
    except BadValue as bad:
        raise BadObject(name, str(bad)) from None
