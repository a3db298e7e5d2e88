"""Works out who in a Kubernetes cluster can give itself, or take, rights that it was not granted.

The target is an administrator (of the cluster or of one namespace), the holder of a role that can be bound, or a user
or group that can be impersonated. Kubernetes itself prevents most of it: writing a role or a binding needs all the
rights in it, unless `escalate` or `bind` is granted ("Using RBAC Authorization", Privilege escalation prevention and
bootstrapping), so nothing is said of those who may only write.
"""

from collections.abc import Iterator

from inventory.importers.kubernetes_access import Access
from inventory.importers.kubernetes_becoming import Way, once, way
from inventory.importers.kubernetes_powers import EVERYTHING, Held, Holdings

MASTERS = "system:masters"
ADMIN = ("", "cluster-admin")

_RoleKey = tuple[str, str]


class Takeover:
    """Remembers which administrators and holders of roles somebody leads to: `administrators` by namespace ("" is the
    cluster), `holders` by role and namespace.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._cluster = access.cluster
        self.administrators: set[str] = set()
        self.holders: dict[tuple[_RoleKey, str], None] = {}
        self._bindings: dict[str, list[tuple[str, _RoleKey]]] = {"": [("cluster-admin", ADMIN)]}
        for binding in self._cluster.bindings.values():
            of = binding.meta.namespace
            role = (of if binding.role_kind == "Role" else "", binding.role_name)
            if of or not role[0]:
                self._bindings.setdefault(of, []).append((binding.meta.name, role))
        spaces = {ns for ns, _ in (*self._cluster.all_accounts(), *self._cluster.roles)}
        self._namespaces = sorted(({*spaces, *self._bindings}) - {""})

    def ways(self, held: Holdings) -> Iterator[Way]:
        for namespace in sorted(held.namespaces(EVERYTHING)):
            of = tuple(each for each in held.by_power[EVERYTHING] if each.namespace == namespace)
            yield from self._administrator("everything", namespace, (of,))
        yield from self._users(held)
        yield from self._groups(held)
        yield from self._escalated(held)
        yield from self._bound(held)

    def administrator_id(self, namespace: str) -> str:
        within = f"/namespaces/{namespace}" if namespace else ""
        return f"{self._cluster.key}/administrator{within}"

    def _administrator(
        self, method: str, namespace: str, parts: tuple[tuple[Held, ...], ...]
    ) -> Iterator[Way]:
        if all(parts):
            self.administrators.add(namespace)
            yield from way(method, self.administrator_id(namespace), parts)

    def _users(self, held: Holdings) -> Iterator[Way]:
        for target, subject in self._access.subjects.items():
            if subject.kind == "user":
                users = held.cluster_wide("impersonate users", subject.name)
                yield from way("impersonate-user", target, (users,))

    def _groups(self, held: Holdings) -> Iterator[Way]:
        """A request that names a group names a user as well (Authenticating, User impersonation)."""
        if "impersonate groups" not in held.by_power:
            return
        somebody = once(
            (
                *held.cluster_wide("impersonate users", *held.named("impersonate users")),
                *held.by_power.get("impersonate accounts", ()),
            )
        )
        masters = held.cluster_wide("impersonate groups", MASTERS)
        yield from self._administrator("impersonate-group", "", (masters, somebody))
        for target, subject in self._access.subjects.items():
            if subject.kind == "group" and subject.name != MASTERS:
                groups = held.cluster_wide("impersonate groups", subject.name)
                yield from way("impersonate-group", target, (groups, somebody))

    def _escalated(self, held: Holdings) -> Iterator[Way]:
        """By widening roles that are bound to the delegate itself."""
        found: dict[str, tuple[list[Held], list[Held], list[Held]]] = {}
        for (of, name, namespace), through in held.roles.items():
            if of:
                escalate = held.within("escalate roles", of, name)
                change = held.within("change roles", of, name)
            else:
                escalate, change = self._on_cluster_role(held, name)
            if escalate and change:
                parts = found.setdefault(namespace, ([], [], []))
                for part, more in zip(parts, (escalate, change, through), strict=True):
                    part.extend(more)
        for namespace, parts in found.items():
            yield from self._administrator("escalate", namespace, tuple(map(once, parts)))

    def _on_cluster_role(
        self, held: Holdings, name: str
    ) -> tuple[tuple[Held, ...], tuple[Held, ...]]:
        """Changing it; or creating another role that it gathers, whose name no rule can know beforehand."""
        escalate = held.cluster_wide("escalate clusterroles", name)
        change = held.cluster_wide("change clusterroles", name)
        role = self._cluster.roles.get(("", name))
        if not (escalate and change) and role is not None and role.is_aggregated:
            escalate = held.cluster_wide("escalate clusterroles")
            change = held.cluster_wide("create clusterroles")
        return escalate, change

    def _bound(self, held: Holdings) -> Iterator[Way]:
        if "bind clusterroles" not in held.by_power and "bind roles" not in held.by_power:
            return
        for namespace in ("", *self._namespaces):
            found = dict(self._bindable(held, namespace))
            admins = [parts for role, parts in found.items() if self._is_admin(role)]
            if admins:
                bind, write = (once(h for parts in admins for h in parts[n]) for n in (0, 1))
                yield from self._administrator("bind", namespace, (bind, write))
                if not namespace:
                    return  # who rules the cluster rules each namespace
                continue
            for role, parts in found.items():
                if {(*role, ""), (*role, namespace)} & held.roles.keys():
                    continue  # it holds the role
                self.holders.setdefault((role, namespace))
                yield from way("bind", self._access.holder_id(role, namespace), parts)

    def _bindable(
        self, held: Holdings, namespace: str
    ) -> Iterator[tuple[_RoleKey, tuple[tuple[Held, ...], tuple[Held, ...]]]]:
        """Roles that can be bound in the namespace ("" in the cluster), by whom, and who may write the binding.

        A new binding may name any role that may be bound; an existing one keeps its role, and takes new subjects.
        """
        kind = "rolebindings" if namespace else "clusterrolebindings"
        create = held.within(f"create {kind}", namespace)
        existing: dict[_RoleKey, list[Held]] = {}
        for name, role in self._bindings.get(namespace, ()):
            changers = held.within(f"change {kind}", namespace, name)
            if changers:
                existing.setdefault(role, []).extend(changers)
        roles = {*existing, *(self._nameable(held, namespace) if create else ())}
        for role in sorted(roles):
            power = "bind roles" if role[0] else "bind clusterroles"
            bind = held.within(power, namespace, role[1])
            if bind:
                yield role, (bind, once((*create, *existing.get(role, ()))))

    def _nameable(self, held: Holdings, namespace: str) -> Iterator[_RoleKey]:
        """Roles that are worth binding: the administrator's, those that rules name, and the namespace's own."""
        yield ADMIN
        for name in held.named("bind clusterroles"):
            yield ("", name)
        if namespace:
            yield from (role for role in self._cluster.roles if role[0] == namespace)

    def _is_admin(self, role: _RoleKey) -> bool:
        return role == ADMIN or self._access.gives_everything(role)
