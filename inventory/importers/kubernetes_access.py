"""Works out what each account, user and group of a Kubernetes cluster is given: by bindings, directly or by a group."""

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from inventory.importers.kubernetes_cluster import Cluster, joined_id
from inventory.importers.kubernetes_fields import clean
from inventory.importers.kubernetes_objects import Binding, Role, Subject
from inventory.importers.kubernetes_powers import Held, Holdings
from inventory.importers.kubernetes_rules import (
    ANY,
    Rule,
    actions,
    caveats,
    is_wildcard,
    resources,
    risk,
    within_namespace,
    writes,
)
from inventory.importers.records import EntitlementRow, GrantRow, IdentityRow, Rejected

UNKNOWN_ROLE = "The role is not in the files; what it gives is unknown."
BY_NAME = "The role is not in the files; it is judged by the name that Kubernetes gave it."
GATHERED = "Its rules were gathered here by the labels of other roles, as the cluster would do."
ANYONE = "Anybody who can reach the API server is this, without signing in."
_OF_CLUSTER = "A ClusterRoleBinding cannot name a Role, and gives nothing. Name a ClusterRole."

_AUTHENTICATED = "system:authenticated"
_ACCOUNTS = "system:serviceaccounts"
_NOBODY = ("system:unauthenticated", "system:anonymous")
# Default roles of every cluster ("Using RBAC Authorization", Default roles and role bindings).
_EVERYTHING = Rule(verbs=(ANY,), groups=(ANY,), resources=(ANY,))
_RISK_BY_NAME = {"admin": "high", "edit": "high", "view": "low"}
_SHOWN, _LONGEST = 3, 500

Read = EntitlementRow | GrantRow | IdentityRow | Rejected


@dataclass(frozen=True, slots=True)
class Given:
    """One entitlement that a role gives where it is bound; `rule` None: unknown."""

    entitlement: str
    rule: Rule | None
    namespace: str
    role: tuple[str, str]
    doubts: tuple[str, ...] = ()


@dataclass(slots=True)
class Access:
    """The bindings of a cluster, worked out once; afterwards `holdings` knows who holds which powers."""

    cluster: Cluster
    holdings: dict[str, Holdings] = field(default_factory=dict)
    stubs: dict[str, IdentityRow] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)  # users and groups, by external id
    rules: int = 0
    _said: set[str] = field(default_factory=set)

    def rows(self) -> Iterator[Read]:
        for binding in self.cluster.bindings.values():
            namespace = binding.meta.namespace
            if binding.role_kind == "Role" and not namespace:
                yield Rejected(binding.meta.place, "roleRef", _OF_CLUSTER, hides_a_row=False)
                continue
            role = (namespace if binding.role_kind == "Role" else "", binding.role_name)
            given = yield from self._given(role, namespace, binding.meta.place)
            for subject in binding.subjects:
                yield from self._grants(binding, subject, given)

    def holder(self, role: tuple[str, str], namespace: str) -> Iterator[Read]:
        """Grants of somebody who has bound the role to himself; said once."""
        identity = self.holder_id(role, namespace)
        place = self.cluster.roles[role].meta.place if role in self.cluster.roles else "roles"
        given = yield from self._given(role, namespace, place)
        for each in given:
            yield self._grant(identity, each, "a binding of one's own", place, ())

    def holder_id(self, role: tuple[str, str], namespace: str) -> str:
        return f"{self._role_id(role, namespace)}/holder"

    def gives_everything(self, role: tuple[str, str]) -> bool:
        rules, _ = self.rules_of(role)
        return any(each.is_everything for each in rules or ())

    def rules_of(self, role: tuple[str, str]) -> tuple[tuple[Rule, ...] | None, tuple[str, ...]]:
        """The rules of a role, and why they may be others; None where they are unknown."""
        found = self.cluster.roles.get(role)
        if found is None:
            is_admin = role == ("", "cluster-admin")
            return ((_EVERYTHING,), (BY_NAME,)) if is_admin else (None, (UNKNOWN_ROLE,))
        if found.is_aggregated and not found.meta.live:
            return tuple(dict.fromkeys(self._gathered(found))), (GATHERED,)
        return found.rules, found.meta.caveats

    def _gathered(self, role: Role) -> Iterator[Rule]:
        """Its own rules, and those of all cluster roles that its selectors match, which may gather in turn."""
        waiting, seen = [role], {role.meta.name}
        while waiting:
            gatherer = waiting.pop()
            yield from gatherer.rules
            if gatherer.meta.live:
                continue  # the cluster has filled in its rules
            for (namespace, name), other in self.cluster.roles.items():
                matches = any(each.matches(other.meta.labels) for each in gatherer.selectors)
                if not namespace and name not in seen and matches:
                    seen.add(name)
                    waiting.append(other)

    def _given(
        self, role: tuple[str, str], namespace: str, place: str
    ) -> Generator[Read, None, list[Given]]:
        """Says the entitlements of a role where it applies, each once, and returns them."""
        rules, doubts = self.rules_of(role)
        if rules is None:
            row = self._unknown(role, namespace, place)
            yield from self._once(row)
            return [Given(row.external_id, None, namespace, role)]
        given: dict[str, Given] = {}
        for rule in rules:
            here = within_namespace(rule) if namespace else rule
            if here is None or not actions(here):
                continue
            row = self._entitlement(role, namespace, here, doubts, place)
            yield from self._once(row)
            given[row.external_id] = Given(row.external_id, here, namespace, role, doubts)
        return list(given.values())

    def _once(self, row: EntitlementRow) -> Iterator[EntitlementRow]:
        if row.external_id not in self._said:
            self._said.add(row.external_id)
            self.rules += 1
            yield row

    def _grants(self, binding: Binding, subject: Subject, given: list[Given]) -> Iterator[Read]:
        for identity, group in self._members(binding, subject):
            via = f"{binding.label} > group {group}" if group else binding.label
            for each in given:
                yield self._grant(identity, each, via, binding.meta.place, binding.meta.caveats)

    def _grant(
        self, identity: str, given: Given, via: str, place: str, doubts: tuple[str, ...]
    ) -> GrantRow:
        row = GrantRow(
            external_id=joined_id(identity, via, given.entitlement), place=place,
            scope=self.cluster.key, identity=identity, entitlement=given.entitlement, via=via,
            caveats=doubts,
        )  # fmt: skip
        if given.rule is not None:
            self.holdings.setdefault(identity, Holdings()).add(
                Held(
                    row.external_id, given.rule, given.namespace, given.role,
                    (*given.doubts, *doubts),
                )
            )  # fmt: skip
        return row

    def _members(self, binding: Binding, subject: Subject) -> Iterator[tuple[str, str]]:
        """Identities that a subject stands for, each with the group that it is in, or "".

        Every account is in system:serviceaccounts, in the group of its namespace, and in system:authenticated
        (Kubernetes documentation, Authenticating, Service account tokens).
        """
        name = clean(subject.name)
        if subject.kind == "account":
            yield self.cluster.account_id(subject.namespace, subject.name), ""
            return
        namespace = subject.name.removeprefix(f"{_ACCOUNTS}:")
        is_accounts = subject.kind == "group" and (
            subject.name in (_ACCOUNTS, _AUTHENTICATED) or namespace != subject.name
        )
        if is_accounts:
            for of, account in self.cluster.all_accounts():
                if namespace in (of, _ACCOUNTS, _AUTHENTICATED):
                    yield self.cluster.account_id(of, account), name
        if not is_accounts or subject.name == _AUTHENTICATED:
            yield self._stub(subject, binding.meta.place), ""

    def _stub(self, subject: Subject, place: str) -> str:
        """A user or a group, of which nothing but the name is known."""
        name = clean(subject.name, 250)
        digest = (
            "" if name == subject.name else f"#{hashlib.sha256(subject.name.encode()).hexdigest()}"
        )
        external_id = f"{self.cluster.key}/{subject.kind}/{name}{digest}"
        nobody = subject.name in _NOBODY
        self.subjects[external_id] = subject
        self.stubs.setdefault(
            external_id,
            IdentityRow(
                external_id=external_id, place=place, scope=self.cluster.key, stub=True,
                kind="external_account", third_party=True if nobody else None,
                name=name if subject.kind == "user" else f"Group {name}",
                platform_managed=name.startswith("system:")
                and name not in (*_NOBODY, "system:masters"),
                attributes={"principal_type": subject.kind, "cluster": self.cluster.name},
                caveats=(ANYONE,) if nobody else (),
            ),
        )  # fmt: skip
        return external_id

    def _entitlement(
        self, role: tuple[str, str], namespace: str, rule: Rule, doubts: tuple[str, ...], place: str
    ) -> EntitlementRow:
        return EntitlementRow(
            external_id=joined_id(f"{self._role_id(role, namespace)}#{rule.key}"),
            place=self.cluster.roles[role].meta.place if role in self.cluster.roles else place,
            scope=self.cluster.key, system=self.cluster.key, policy=_label(role),
            name=_name(role, namespace, actions(rule)), actions=actions(rule),
            resources=resources(rule, namespace), risk=risk(rule, namespace), writes=writes(rule),
            wildcard=is_wildcard(rule), admin=rule.is_everything and not namespace,
            caveats=(*doubts, *caveats(rule)),
        )  # fmt: skip

    def _unknown(self, role: tuple[str, str], namespace: str, place: str) -> EntitlementRow:
        return EntitlementRow(
            external_id=joined_id(f"{self._role_id(role, namespace)}#?"), place=place,
            scope=self.cluster.key, system=self.cluster.key, policy=_label(role),
            name=f"{_where(role, namespace)}: rules unknown",
            risk="medium" if role[0] else _RISK_BY_NAME.get(role[1], "medium"),
            caveats=(UNKNOWN_ROLE,),
        )  # fmt: skip

    def _role_id(self, role: tuple[str, str], namespace: str) -> str:
        of = f"role/{role[0]}" if role[0] else "clusterrole"
        return f"{self.cluster.key}/{of}/{role[1]}@{namespace or '*'}"


def _label(role: tuple[str, str]) -> str:
    return f"role {role[1]} of namespace {role[0]}" if role[0] else f"cluster role {role[1]}"


def _where(role: tuple[str, str], namespace: str) -> str:
    return f"{role[1]} in namespace {namespace}" if namespace else role[1]


def _name(role: tuple[str, str], namespace: str, found: tuple[str, ...]) -> str:
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    name = f"{_where(role, namespace)}: {', '.join(found[:_SHOWN])}{more}"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
