"""What a rule of a Kubernetes role lets its holder do on the way to being somebody else, and who holds which of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from inventory.importers.kubernetes_rules import Rule

_RBAC = "rbac.authorization.k8s.io"
_CHANGES = ("update", "patch")
EVERYTHING = "everything"

# Kinds whose template may be changed (API reference: the template of a Job may not), with group and resource.
CHANGEABLE: Mapping[str, tuple[str, str]] = {
    "Deployment": ("apps", "deployments"), "StatefulSet": ("apps", "statefulsets"),
    "DaemonSet": ("apps", "daemonsets"), "ReplicaSet": ("apps", "replicasets"),
    "CronJob": ("batch", "cronjobs"), "ReplicationController": ("", "replicationcontrollers"),
}  # fmt: skip

# Power -> (verbs, group, resource); any of them gives it.
_POWERS: Mapping[str, tuple[tuple[tuple[str, ...], str, str], ...]] = {
    "impersonate accounts": ((("impersonate",), "", "serviceaccounts"),),
    "impersonate users": ((("impersonate",), "", "users"),),
    "impersonate groups": ((("impersonate",), "", "groups"),),
    "request tokens": ((("create",), "", "serviceaccounts/token"),),
    "create pods": ((("create",), "", "pods"),),
    "create workloads": tuple(
        (("create",), *kind) for kind in (*CHANGEABLE.values(), ("batch", "jobs"))
    ),
    "change Pod": ((_CHANGES, "", "pods"),),
    **{f"change {kind}": ((_CHANGES, *found),) for kind, found in CHANGEABLE.items()},
    "exec": ((("create",), "", "pods/exec"),),
    "exec perhaps": (
        (("get",), "", "pods/exec"), (("create", "get"), "", "pods/attach"),
    ),
    "debug": ((_CHANGES, "", "pods/ephemeralcontainers"),),
    "run on nodes": ((("create",), "", "nodes/proxy"),),
    "run on nodes perhaps": ((("get",), "", "nodes/proxy"),),
    "read secrets": ((("get", "list", "watch"), "", "secrets"),),
    "create secrets": ((("create",), "", "secrets"),),
    "escalate clusterroles": ((("escalate",), _RBAC, "clusterroles"),),
    "escalate roles": ((("escalate",), _RBAC, "roles"),),
    "change clusterroles": ((_CHANGES, _RBAC, "clusterroles"),),
    "create clusterroles": ((("create",), _RBAC, "clusterroles"),),
    "change roles": ((_CHANGES, _RBAC, "roles"),),
    "bind clusterroles": ((("bind",), _RBAC, "clusterroles"),),
    "bind roles": ((("bind",), _RBAC, "roles"),),
    "create clusterrolebindings": ((("create",), _RBAC, "clusterrolebindings"),),
    "change clusterrolebindings": ((_CHANGES, _RBAC, "clusterrolebindings"),),
    "create rolebindings": ((("create",), _RBAC, "rolebindings"),),
    "change rolebindings": ((_CHANGES, _RBAC, "rolebindings"),),
}  # fmt: skip


@lru_cache(maxsize=65_536)
def powers_of(rule: Rule) -> frozenset[str]:
    """Who may do everything needs no other power: the administrator stands for all that follows from it."""
    if rule.is_everything:
        return frozenset({EVERYTHING})
    return frozenset(
        power
        for power, ways in _POWERS.items()
        if any(rule.allows(verb, group, of) for verbs, group, of in ways for verb in verbs)
    )


@dataclass(frozen=True, slots=True)
class Held:
    """A grant that gives powers: of which role, by which rule, in which namespace ("" = the whole cluster)."""

    grant: str
    rule: Rule
    namespace: str
    role: tuple[str, str]  # the role's namespace and name
    doubts: tuple[str, ...] = ()


@dataclass(slots=True)
class Holdings:
    """What one identity holds, by power."""

    by_power: dict[str, list[Held]] = field(default_factory=dict)
    roles: dict[tuple[str, str, str], list[Held]] = field(default_factory=dict)

    def add(self, held: Held) -> None:
        for power in powers_of(held.rule):
            self.by_power.setdefault(power, []).append(held)
        self.roles.setdefault((*held.role, held.namespace), []).append(held)

    def namespaces(self, power: str) -> frozenset[str]:
        return frozenset(each.namespace for each in self.by_power.get(power, ()))

    def named(self, power: str) -> frozenset[str]:
        """The objects that its rules name."""
        return frozenset(n for each in self.by_power.get(power, ()) for n in each.rule.names)

    def cluster_wide(self, power: str, *names: str | None) -> tuple[Held, ...]:
        return self._matching(power, ("",), names)

    def within(self, power: str, namespace: str, *names: str | None) -> tuple[Held, ...]:
        """Those that reach an object of one of the names in the namespace; without a name, any object there."""
        return self._matching(power, ("", namespace), names)

    def _matching(
        self, power: str, namespaces: Iterable[str], names: tuple[str | None, ...]
    ) -> tuple[Held, ...]:
        return tuple(
            each
            for each in self.by_power.get(power, ())
            if each.namespace in namespaces
            and (not each.rule.names or any(name in each.rule.names for name in names if name))
        )
