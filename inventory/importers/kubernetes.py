"""Reads Kubernetes clusters: service accounts, what role bindings give them, and how one can act as another."""

from collections.abc import Iterator, Mapping, Sequence

from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.kubernetes_access import Access
from inventory.importers.kubernetes_becoming import Way, Ways
from inventory.importers.kubernetes_cluster import Cluster, TokenSecret, joined_id, missing
from inventory.importers.kubernetes_fields import clean
from inventory.importers.kubernetes_files import Found, objects
from inventory.importers.kubernetes_objects import WORKLOADS
from inventory.importers.kubernetes_powers import Held, Holdings
from inventory.importers.kubernetes_rules import ANY, Rule
from inventory.importers.kubernetes_takeover import Takeover
from inventory.importers.records import (
    CredentialRow,
    DelegationRow,
    EntitlementRow,
    GrantRow,
    IdentityRow,
    Incomplete,
    Rejected,
    Said,
    SystemRow,
    Tally,
    Untold,
)
from inventory.methods_kubernetes import KUBERNETES

_HOW: Mapping[str, str] = {method.id: method.how for method in KUBERNETES}
_LAST_USED = "kubernetes.io/legacy-token-last-used"
_ONLY_NAMED = "No file holds the account; it is only named there."
_MOST_LABELS = 30
_READ = (
    "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Node", "Secret",
    "Pod", *WORKLOADS,
)  # fmt: skip
# What is told only in part without a kind of object; without the others, nothing can be taken for gone.
_UNTOLD = {"Pod": ("delegation",), "Secret": ("credential", "delegation")}


class Kubernetes(Connector):
    """Service accounts, roles and bindings, from `kubectl get -o json` or YAML manifests."""

    key = "kubernetes"
    label = "Kubernetes"
    namespace = "kubernetes"
    help = (
        "Run `kubectl get namespaces,serviceaccounts,roles,clusterroles,rolebindings,"
        "clusterrolebindings,pods,nodes -A -o json > cluster.json` and upload the file; manifests "
        "in YAML are read as well. The namespace kube-system tells clusters apart: without it, "
        "give each cluster a source name of its own, and do not leave it out once it was there. "
        "Of Secrets, only whose token they hold is read; leave their content out where you can."
    )
    suffixes = (".json", ".yaml", ".yml")

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        cluster = Cluster()
        for file in files:
            for each in objects(file, f"{file.name} " if len(files) > 1 else ""):
                if isinstance(each, Found):
                    yield from cluster.take(each)
                else:
                    yield each
        if not cluster.seen.intersection(_READ):
            raise WrongFile(
                "The files hold no service accounts, roles, bindings or pods. Export those."
            )
        cluster.close(self.source)
        yield from _Reading(cluster).rows()


class _Reading:
    """What is said of a cluster once all of its objects are known."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._access = Access(cluster)
        self._ways = Ways(cluster)
        self._delegations = 0

    def rows(self) -> Iterator[Said]:
        cluster = self._cluster
        yield SystemRow(
            external_id=cluster.key, place="cluster", scope=cluster.key,
            name=f"Kubernetes cluster {cluster.name}", kind="kubernetes_cluster",
        )  # fmt: skip
        yield from self._accounts()
        yield from self._access.rows()
        yield from self._access.stubs.values()
        for token in cluster.tokens.values():
            yield self._token(token)
        yield from self._becoming()
        yield from self._tallies()
        yield from _gaps(cluster)

    def _accounts(self) -> Iterator[IdentityRow]:
        cluster = self._cluster
        in_use = {(each.namespace, each.account) for each in cluster.all_workloads()}
        for namespace, name in cluster.all_accounts():
            account = cluster.accounts.get((namespace, name))
            labels = account.meta.labels if account else {}
            yield IdentityRow(
                external_id=cluster.account_id(namespace, name), scope=cluster.key,
                place=account.meta.place if account else cluster.mentioned[namespace, name],
                kind="service_account", name=f"{namespace}/{name}"[:300], stub=account is None,
                environment=account.environment if account else None,
                owner_email=account.owner_email if account else None,
                source_state="enabled" if account else "unknown",
                created_at=account.meta.created_at if account else None,
                attributes={
                    "cluster": cluster.name, "namespace": namespace,
                    "user_name": f"system:serviceaccount:{namespace}:{name}",
                    "labels": {
                        clean(key): clean(labels[key]) for key in sorted(labels)[:_MOST_LABELS]
                    },
                    "pods_run_as_it": (namespace, name) in in_use,
                },
                caveats=account.meta.caveats if account else (_ONLY_NAMED,),
            )  # fmt: skip

    def _token(self, token: TokenSecret) -> CredentialRow:
        """Such a token never expires; Kubernetes notes on which day it was last used, and when it was switched off
        (Managing Service Accounts, Legacy service account token tracking and cleaner).
        """
        meta = token.meta
        return CredentialRow(
            external_id=f"{self._cluster.key}/secret/{meta.namespace}/{meta.name}",
            place=meta.place, scope=self._cluster.key, kind="oauth_token",
            identity=self._cluster.account_id(meta.namespace, token.account),
            key_id=f"{meta.namespace}/{meta.name}"[:300], binding_known=True, expiry_known=True,
            issued_at=meta.created_at, last_used_at=meta.day(_LAST_USED),
            enabled=token.works,
            attributes={"secret": meta.name, "namespace": meta.namespace},
            caveats=meta.caveats,
        )  # fmt: skip

    def _becoming(self) -> Iterator[Said]:
        """The delegations of everybody who holds something, and of those whom somebody can become by it."""
        takeover = Takeover(self._access)
        waiting = list(self._access.holdings)
        told: set[tuple[tuple[str, str], str]] = set()
        while waiting:
            for identity in waiting:
                held = self._access.holdings[identity]
                for way in (*takeover.ways(held), *self._ways.into_accounts(held)):
                    yield from self._delegation(identity, way)
            new = [each for each in takeover.holders if each not in told]
            told.update(new)
            for role, namespace in new:
                yield self._holder(role, namespace)
                yield from self._access.holder(role, namespace)
            ids = [self._access.holder_id(*each) for each in new]
            waiting = [each for each in ids if each in self._access.holdings]
        for namespace in sorted(takeover.administrators):
            yield from self._administrator(takeover.administrator_id(namespace), namespace)

    def _delegation(self, delegate: str, way: Way) -> Iterator[DelegationRow]:
        if way.target == delegate:
            return
        self._delegations += 1
        yield DelegationRow(
            external_id=joined_id(way.target, delegate, way.method), place="bindings",
            scope=self._cluster.key, delegator_identity=way.target, delegate=delegate,
            how=_HOW[way.method], method=way.method, caveats=way.caveats,
            rests_on=tuple(tuple(sorted({h.grant for h in part})) for part in way.parts),
        )  # fmt: skip

    def _holder(self, role: tuple[str, str], namespace: str) -> IdentityRow:
        cluster = self._cluster
        kind = "role" if role[0] else "cluster role"
        where = f"namespace {namespace} of cluster" if namespace else "cluster"
        return IdentityRow(
            external_id=self._access.holder_id(role, namespace), place="roles", scope=cluster.key,
            kind="role", stub=True, name=f"Holder of {kind} {role[1]} in {where} {cluster.name}"[:300],
            attributes={"principal_type": "role", "cluster": cluster.name},
        )  # fmt: skip

    def _administrator(self, identity: str, namespace: str) -> Iterator[Said]:
        """Somebody who holds everything: stands for what those can do who can take it over."""
        cluster = self._cluster
        where = f"namespace {namespace} in cluster" if namespace else "cluster"
        entitlement = f"{identity}#everything"
        yield IdentityRow(
            external_id=identity, place="cluster", scope=cluster.key, kind="external_account", stub=True,
            name=f"Administrator of {where} {cluster.name}", platform_managed=True,
            attributes={"principal_type": "administrator", "cluster": cluster.name},
        )  # fmt: skip
        yield EntitlementRow(
            external_id=entitlement, place="cluster", scope=cluster.key, system=cluster.key,
            name=f"Everything in {where} {cluster.name}", actions=(ANY,),
            resources=(f"namespaces/{namespace}/*" if namespace else ANY,), risk="critical",
            writes=True, wildcard=True, admin=not namespace,
        )  # fmt: skip
        grant = joined_id(identity, entitlement)
        yield GrantRow(
            external_id=grant,
            place="cluster",
            scope=cluster.key,
            identity=identity,
            entitlement=entitlement,
        )
        everything = Rule(verbs=(ANY,), groups=(ANY,), resources=("serviceaccounts",))
        held = Holdings()
        held.add(Held(grant, everything, namespace, ("", "")))
        for way in self._ways.into_accounts(held):
            if way.method == "kubernetes-impersonate":
                yield from self._delegation(identity, way)

    def _tallies(self) -> Iterator[Tally]:
        counts = self._cluster.counts
        for kind, word in (
            ("ServiceAccount", "service accounts"), ("Role", "roles"),
            ("ClusterRole", "cluster roles"), ("RoleBinding", "role bindings"),
            ("ClusterRoleBinding", "cluster role bindings"), ("Pod", "pods"), ("Node", "nodes"),
            ("Secret", "secrets"),
        ):  # fmt: skip
            yield Tally(word, counts[kind])
        yield Tally("workloads", sum(counts[kind] for kind in WORKLOADS))
        yield Tally("token secrets", len(self._cluster.tokens))
        yield Tally("rules in force", self._access.rules)
        yield Tally("ways to act as another", self._delegations)


def _gaps(cluster: Cluster) -> Iterator[Incomplete | Untold | Rejected]:
    for kind in missing(cluster.seen):
        if kind in _UNTOLD:
            yield Untold(
                f"The files hold no {kind}: what follows from it is unknown.", _UNTOLD[kind]
            )
        else:
            yield Incomplete(f"The files hold no {kind}: which there are is unknown.")
