"""The objects of a Kubernetes cluster that say who may do what, checked and cut down to what is needed of them.

Nothing else of an object is kept: no environment variables, no annotations but a few known ones, and of a Secret
nothing but the name of the account whose token it holds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from inventory.importers.cells import BadValue, email
from inventory.importers.kubernetes_fields import (
    NAME,
    BadObject,
    Meta,
    inside,
    list_of,
    name_of,
    object_of,
    read_meta,
    texts_of,
)
from inventory.importers.kubernetes_files import Found, Object
from inventory.importers.kubernetes_rules import INERT, BadRule, Rule, read_rule
from inventory.importers.records import Rejected

RBAC = "rbac.authorization.k8s.io"
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105  (a type, not a token)
WORKLOADS = (
    "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob",
    "ReplicationController",
)  # fmt: skip

_ACCOUNT_USER = re.compile(r"system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})")
_OWNER_KEYS = ("mandate/owner", "a8r.io/owner", "owner")
_ENVIRONMENTS = {
    "production": ("production", "prod", "prd", "live"),
    "staging": ("staging", "stage", "stg", "uat", "qa", "preprod"),
    "development": ("development", "develop", "dev", "test", "testing"),
    "sandbox": ("sandbox", "sbx", "playground"),
}
_ENVIRONMENT_OF = {word: name for name, words in _ENVIRONMENTS.items() for word in words}


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
        job = inside(spec, "jobTemplate", "spec") if found.kind == "CronJob" else spec
        spec = inside(job, "template", "spec")
    spec = object_of(spec, "spec")
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    if not isinstance(account, str) or not NAME.fullmatch(account):
        raise BadObject("serviceAccountName", "The service account's name is no name. Correct it.")
    if inside(found.object, "status", "phase") in ("Succeeded", "Failed"):
        spec = {**spec, "automountServiceAccountToken": False, "volumes": []}  # nothing runs there
    automount, node = spec.get("automountServiceAccountToken"), spec.get("nodeName")
    return Workload(
        found.kind, meta.namespace, meta.name, account, node if isinstance(node, str) else "",
        automount if isinstance(automount, bool) else None, _mounts_token(spec),
    )  # fmt: skip


def read_role(found: Found, notes: Notes) -> Role:
    of_cluster = found.kind == "ClusterRole"
    meta = read_meta(found, namespaced=not of_cluster)
    rules = []
    for number, each in enumerate(list_of(found.object.get("rules"), "rules")):
        try:
            rule = read_rule(each)
            if rule.urls and not of_cluster:
                raise BadRule(
                    "nonResourceURLs", "A Role cannot give addresses of the server. Remove them."
                )
            rules.append(rule)
            if rule.inert:
                place = f"{found.place}.rules[{number}]"
                notes.rejected.append(Rejected(place, "rules", INERT, hides_a_row=False))
        except BadRule as bad:
            notes.rejected.append(Rejected(f"{found.place}.rules[{number}]", bad.name, str(bad)))
    aggregation = found.object.get("aggregationRule") if of_cluster else None
    return Role(meta, tuple(dict.fromkeys(rules)), _selectors(aggregation))


def read_binding(found: Found, notes: Notes) -> Binding:
    meta = read_meta(found, namespaced=found.kind == "RoleBinding")
    ref = object_of(found.object.get("roleRef"), "roleRef")
    kind, name = ref.get("kind"), name_of(ref, "name", "roleRef.name")
    if kind not in ("Role", "ClusterRole") or ref.get("apiGroup", RBAC) not in (RBAC, ""):
        raise BadObject(
            "roleRef", "The binding names neither a Role nor a ClusterRole. Correct it."
        )
    subjects = []
    for number, each in enumerate(list_of(found.object.get("subjects"), "subjects")):
        try:
            subjects.append(_subject(each))
        except BadObject as bad:
            place = f"{found.place}.subjects[{number}]"
            notes.rejected.append(Rejected(place, bad.name, bad.reason))
    return Binding(meta, str(kind), name, tuple(dict.fromkeys(subjects)))


def _subject(value: object) -> Subject:
    item = object_of(value, "subject")
    kind = item.get("kind")
    if kind == "ServiceAccount":
        if not item.get("namespace"):
            raise BadObject(
                "namespace", "A service account needs its namespace; without one it is nobody."
            )
        return Subject("account", name_of(item, "name"), name_of(item, "namespace"))
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
        for each in list_of(found, "clusterRoleSelectors")
        if isinstance(each, dict)
    )


def _requirements(selector: Object) -> list[tuple[str, str, frozenset[str]]]:
    found = [
        (key, "In", frozenset([text]))
        for key, text in texts_of(selector.get("matchLabels")).items()
    ]
    for each in list_of(selector.get("matchExpressions"), "matchExpressions"):
        if isinstance(each, dict) and isinstance(each.get("key"), str):
            values = frozenset(
                v for v in list_of(each.get("values"), "values") if isinstance(v, str)
            )
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
        for volume in list_of(spec.get("volumes"), "volumes")
        for source in list_of(inside(volume, "projected", "sources"), "sources")
    )


def _email(text: str | None) -> str | None:
    try:
        return email(text.strip()) if text else None
    except BadValue:
        return None
