"""Objects of a made-up cluster, and what the connector says of them."""

import io
import json
from typing import Any

from inventory.importers.base import SourceFile
from inventory.importers.kubernetes import Kubernetes
from inventory.importers.records import (
    DelegationRow,
    EntitlementRow,
    GrantRow,
    IdentityRow,
    Rejected,
    Said,
)

RBAC = "rbac.authorization.k8s.io"
CLUSTER = "test"


def read(*files: str | bytes, source: str = CLUSTER) -> list[Said]:
    connector = Kubernetes()
    connector.source = source
    opened = [
        SourceFile(f"file{n}", io.BytesIO(each.encode() if isinstance(each, str) else each))
        for n, each in enumerate(files)
    ]
    return list(connector.rows(opened))


def of_objects(*objects: dict[str, Any], source: str = CLUSTER) -> list[Said]:
    listed = {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {}}
    return read(json.dumps(listed), source=source)


def of(kind: type, said: list[Said]) -> list[Any]:
    return [each for each in said if isinstance(each, kind)]


def thing(kind: str, name: str, namespace: str = "", /, **more: Any) -> dict[str, Any]:
    api = f"{RBAC}/v1" if "Role" in kind else "v1"
    meta = {"name": name, "uid": f"uid-{name}"} | ({"namespace": namespace} if namespace else {})
    meta |= more.pop("metadata", {})
    return {"apiVersion": api, "kind": kind, "metadata": meta, **more}


def account(namespace: str, name: str, **more: Any) -> dict[str, Any]:
    return thing("ServiceAccount", name, namespace, **more)


def rule(verbs: str, resources: str, group: str = "", names: str = "") -> dict[str, Any]:
    found = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return found | ({"resourceNames": names.split()} if names else {})


def rbac(verbs: str, resources: str, names: str = "") -> dict[str, Any]:
    return rule(verbs, resources, RBAC, names)


def cluster_role(name: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return thing("ClusterRole", name, rules=list(rules), **more)


def role(namespace: str, name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return thing("Role", name, namespace, rules=list(rules))


def who(text: str) -> dict[str, Any]:
    """ "ns/name" is a service account, "user:x" and "group:x" the others."""
    kind, colon, name = text.partition(":")
    if colon and kind in ("user", "group"):
        return {"kind": kind.title(), "name": name, "apiGroup": RBAC}
    namespace, _, name = text.partition("/")
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def cluster_binding(name: str, of_role: str, *subjects: str, kind: str = "ClusterRole") -> Any:
    ref = {"apiGroup": RBAC, "kind": kind, "name": of_role}
    return thing("ClusterRoleBinding", name, roleRef=ref, subjects=[who(s) for s in subjects])


def binding(namespace: str, name: str, of_role: str, *subjects: str, kind: str = "Role") -> Any:
    ref = {"apiGroup": RBAC, "kind": kind, "name": of_role}
    return thing("RoleBinding", name, namespace, roleRef=ref, subjects=[who(s) for s in subjects])


def pod(namespace: str, name: str, account_name: str, **spec: Any) -> dict[str, Any]:
    return thing("Pod", name, namespace, spec={"serviceAccountName": account_name, **spec})


def given(*rules: dict[str, Any], namespace: str = "", to: str = "a/me") -> list[dict[str, Any]]:
    """The rules, bound to an account: in the whole cluster, or in a namespace."""
    found = [cluster_role("mine", *rules)]
    if namespace:
        return [*found, binding(namespace, "mine", "mine", to, kind="ClusterRole")]
    return [*found, cluster_binding("mine", "mine", to)]


def short(external_id: str) -> str:
    return external_id.removeprefix(f"{CLUSTER}/").removeprefix("system:serviceaccount:")


def ways(said: list[Said], by: str = "a:me") -> set[tuple[str, str, bool]]:
    """(method, target, certain) of what one identity can become."""
    return {
        (each.method.removeprefix("kubernetes-"), short(each.delegator_identity), not each.caveats)
        for each in of(DelegationRow, said)
        if short(each.delegate) == by
    }


def grants(said: list[Said]) -> set[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """(who, via, actions, resources)."""
    found = {each.external_id: each for each in of(EntitlementRow, said)}
    return {
        (
            short(each.identity),
            each.via,
            found[each.entitlement].actions,
            found[each.entitlement].resources,
        )
        for each in of(GrantRow, said)
    }


def refused(said: list[Said]) -> list[tuple[str, str]]:
    return [(each.place, each.field) for each in of(Rejected, said)]


def identities(said: list[Said]) -> dict[str, IdentityRow]:
    return {short(each.external_id): each for each in of(IdentityRow, said)}
