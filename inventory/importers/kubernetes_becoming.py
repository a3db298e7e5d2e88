"""Works out which service accounts somebody in a Kubernetes cluster can act as, from what was granted.

Each way is a method of `methods_kubernetes.py`, where its source stands. A way is certain only if nothing that the
files do not hold could be in its way; else the delegation has a caveat.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inventory.importers.kubernetes_cluster import Cluster
from inventory.importers.kubernetes_objects import Workload
from inventory.importers.kubernetes_powers import CHANGEABLE, Held, Holdings

NOT_SEEN = "No file holds the account; whether it exists is unknown."
NO_PODS = "Which pods run in the namespace is unknown; one of this account may be among them."
NO_WORKLOADS = "Whether the namespace holds such a workload is unknown."
UNSURE_EXEC = (
    "Attaching reaches only what runs already, and a right to get only helps with some API servers."
)
UNSURE_PROXY = "With get alone it depends on how the kubelet takes connections over WebSocket."

_NONE: tuple[str, ...] = ()
Parts = tuple[tuple[Held, ...], ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A way into a target (its external id): of each part one grant is needed."""

    method: str
    target: str
    parts: Parts
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """A namespace with its accounts and workloads."""

    name: str
    accounts: tuple[str, ...]
    workloads: tuple[Workload, ...]


class Ways:
    """The ways of one cluster into its service accounts."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        accounts: dict[str, list[str]] = {}
        for namespace, name in cluster.all_accounts():
            accounts.setdefault(namespace, []).append(name)
        workloads: dict[str, list[Workload]] = {}
        for each in cluster.all_workloads():
            workloads.setdefault(each.namespace, []).append(each)
        self._tokens: dict[tuple[str, str], list[str]] = {}
        for token in cluster.tokens.values():
            of = (token.meta.namespace, token.account)
            if token.works:
                self._tokens.setdefault(of, []).append(token.meta.name)
        self._places = {
            name: _Place(name, tuple(found), tuple(workloads.get(name, ())))
            for name, found in accounts.items()
        }

    def into_accounts(self, held: Holdings) -> Iterator[Way]:
        reached = frozenset(each.namespace for all_of in held.by_power.values() for each in all_of)
        for place in self._places.values():
            if "" in reached or place.name in reached:
                for account in place.accounts:
                    yield from self._by_name(held, place, account)
                    yield from self._by_running(held, place, account)
                    yield from self._by_secrets(held, place, account)
                    yield from self._inside_pods(held, place, account)

    def _by_name(self, held: Holdings, place: _Place, account: str) -> Iterator[Way]:
        """Impersonating asks for no account that exists; a token does."""
        target = self._cluster.account_id(place.name, account)
        impersonate = held.within("impersonate accounts", place.name, account)
        yield from way("impersonate", target, (impersonate,))
        tokens = held.within("request tokens", place.name, account)
        yield from way("request-token", target, (tokens,), self._unseen(place, account))

    def _by_running(self, held: Holdings, place: _Place, account: str) -> Iterator[Way]:
        target, unseen = (
            self._cluster.account_id(place.name, account),
            self._unseen(place, account),
        )
        yield from way("create-pod", target, (held.within("create pods", place.name),), unseen)
        workloads = held.within("create workloads", place.name)
        yield from way("create-workload", target, (workloads,), unseen)
        certain: list[Held] = []
        perhaps: list[Held] = []
        for kind in CHANGEABLE:
            power = f"change {kind}"
            names = [each.name for each in place.workloads if each.kind == kind]
            if names:
                certain += held.within(power, place.name, *names)
            else:
                perhaps += held.within(power, place.name, *held.named(power))
        certain += self._of_pods(held, "change Pod", place, account)
        if not place.workloads:
            perhaps += self._anywhere(held, "change Pod", "", place)
        if certain:
            yield from way("change-workload", target, (once(certain),), unseen)
        else:
            yield from way("change-workload", target, (once(perhaps),), (*unseen, NO_WORKLOADS))

    def _by_secrets(self, held: Holdings, place: _Place, account: str) -> Iterator[Way]:
        """By the stored token that the files know of; or by one that is stored for the purpose."""
        target = self._cluster.account_id(place.name, account)
        names = self._tokens.get((place.name, account))
        if names:
            stored = held.within("read secrets", place.name, *names)
            yield from way("read-token", target, (stored,))
        create = held.within("create secrets", place.name)
        if create:
            read = held.within("read secrets", place.name, *held.named("read secrets"))
            yield from way("store-token", target, (create, read), self._unseen(place, account))

    def _inside_pods(self, held: Holdings, place: _Place, account: str) -> Iterator[Way]:
        target = self._cluster.account_id(place.name, account)
        for method, power, perhaps, doubt in (
            ("exec", "exec", "exec perhaps", UNSURE_EXEC),
            ("debug-container", "debug", "", ""),
            ("node-proxy", "run on nodes", "run on nodes perhaps", UNSURE_PROXY),
        ):
            found, caveats = self._of_pods(held, power, place, account), _NONE
            if not found and perhaps:
                found, caveats = self._of_pods(held, perhaps, place, account), (doubt,)
            if not found and not place.workloads:
                found, caveats = self._anywhere(held, power, perhaps, place), (NO_PODS,)
            yield from way(method, target, (found,), caveats)

    def _of_pods(self, held: Holdings, power: str, place: _Place, account: str) -> tuple[Held, ...]:
        """Grants that reach a pod (or its node) which has the account's token in it."""
        pods = [
            each for each in place.workloads if each.account == account and self._has_token(each)
        ]
        if not pods:
            return ()
        if power.startswith("run on nodes"):
            nodes = sorted({each.node for each in pods})
            return once(
                found
                for node in nodes
                for found in held.cluster_wide(power, *([node] if node else []))
            )
        names = (each.name if each.kind == "Pod" else None for each in pods)
        return held.within(power, place.name, *names)

    def _anywhere(
        self, held: Holdings, power: str, perhaps: str, place: _Place
    ) -> tuple[Held, ...]:
        both = [each for each in (power, perhaps) if each]
        if power.startswith("run on nodes"):
            return once(
                found for each in both for found in held.cluster_wide(each, *held.named(each))
            )
        return once(
            found for each in both for found in held.within(each, place.name, *held.named(each))
        )

    def _has_token(self, workload: Workload) -> bool:
        """A live pod shows its token among its volumes; elsewhere the pod decides, then the account (Configure
        Service Accounts for Pods, Opt out of API credential automounting).
        """
        if workload.mounts_token:
            return True
        if workload.automount is not None:
            return workload.automount
        account = self._cluster.accounts.get((workload.namespace, workload.account))
        return account is None or account.automount

    def _unseen(self, place: _Place, account: str) -> tuple[str, ...]:
        """An account that a pod runs under exists as well."""
        if (place.name, account) in self._cluster.accounts:
            return ()
        runs = any(each.account == account and each.kind == "Pod" for each in place.workloads)
        return () if runs else (NOT_SEEN,)


def way(method: str, target: str, parts: Parts, caveats: tuple[str, ...] = ()) -> Iterator[Way]:
    """The way, if each part is held. A part of which every grant is doubtful makes it doubtful."""
    if all(parts):
        doubts = [
            doubt for part in parts if all(each.doubts for each in part) for doubt in part[0].doubts
        ]
        yield Way(f"kubernetes-{method}", target, parts, tuple(dict.fromkeys((*caveats, *doubts))))


def once(found: Iterable[Held]) -> tuple[Held, ...]:
    return tuple({each.grant: each for each in found}.values())
