"""Who can become whom in a Kubernetes cluster: each way, and each near miss that is none."""

from typing import Any

import pytest

from inventory.importers.records import DelegationRow, GrantRow
from inventory.methods_kubernetes import KUBERNETES
from tests.inventory.importers.kubernetes_objects import (
    account,
    binding,
    cluster_binding,
    cluster_role,
    given,
    of,
    of_objects,
    pod,
    rbac,
    role,
    rule,
    thing,
    ways,
)

ACCOUNTS = [account("a", "me"), account("a", "peer"), account("b", "far")]
ADMIN = "administrator"
ADMIN_OF_B = "administrator/namespaces/b"


def mine(*rules: object, namespace: str = "", more: tuple = ()) -> set[tuple[str, str, bool]]:
    return ways(of_objects(*ACCOUNTS, *given(*rules, namespace=namespace), *more))


def test_who_may_impersonate_any_account_becomes_each() -> None:
    assert mine(rule("impersonate", "serviceaccounts")) == {
        ("impersonate", "a:peer", True),
        ("impersonate", "b:far", True),
    }


def test_impersonating_keeps_to_its_namespace_and_names() -> None:
    assert mine(rule("impersonate", "serviceaccounts"), namespace="b") == {
        ("impersonate", "b:far", True)
    }
    assert mine(rule("impersonate", "serviceaccounts", names="peer")) == {
        ("impersonate", "a:peer", True)
    }


def test_a_token_can_be_requested_for_a_named_account_because_the_request_names_it() -> None:
    assert mine(rule("create", "serviceaccounts/token", names="far")) == {
        ("request-token", "b:far", True)
    }


def test_creating_accounts_gives_no_token() -> None:
    assert mine(rule("create get list", "serviceaccounts")) == set()


def test_who_creates_pods_in_a_namespace_runs_as_each_of_its_accounts() -> None:
    assert mine(rule("create", "pods"), namespace="b") == {("create-pod", "b:far", True)}


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("apps", "deployments"), ("apps", "daemonsets"), ("apps", "statefulsets"),
        ("batch", "jobs"), ("batch", "cronjobs"), ("apps", "replicasets"),
        ("", "replicationcontrollers"),
    ],
)  # fmt: skip
def test_a_workload_is_as_good_as_a_pod(group: str, kind: str) -> None:
    assert mine(rule("create", kind, group), namespace="b") == {("create-workload", "b:far", True)}


def test_deployments_of_another_group_are_none() -> None:
    assert mine(rule("create", "deployments", "example.com"), namespace="b") == set()


def test_a_rule_that_creates_named_objects_creates_none() -> None:
    assert mine(rule("create", "pods", names="web"), namespace="b") == set()


def test_changing_a_known_deployment_is_certain_and_an_unknown_one_perhaps() -> None:
    change = rule("patch", "deployments", "apps")
    template = {"template": {"spec": {"serviceAccountName": "far"}}}
    deployment = {**thing("Deployment", "web", "b", spec=template), "apiVersion": "apps/v1"}

    assert mine(change, namespace="b", more=(deployment,)) == {("change-workload", "b:far", True)}
    assert mine(change, namespace="b") == {("change-workload", "b:far", False)}
    named = rule("patch", "deployments", "apps", names="other")
    assert mine(named, namespace="b", more=(deployment,)) == set()


def test_changing_a_pod_gives_the_account_of_that_pod_only() -> None:
    pods = (pod("a", "web", "peer"), account("a", "third"))

    assert mine(rule("patch", "pods"), namespace="a", more=pods) == {
        ("change-workload", "a:peer", True)
    }


def test_a_command_in_a_pod_runs_as_its_account_where_its_token_is_mounted() -> None:
    pods = (pod("a", "web", "peer"), pod("b", "bare", "far", automountServiceAccountToken=False))

    assert mine(rule("create", "pods/exec"), more=pods) == {("exec", "a:peer", True)}
    assert mine(rule("create", "pods/exec", names="web"), more=pods) == {("exec", "a:peer", True)}
    assert mine(rule("create", "pods/exec", names="other"), more=pods) == set()
    assert mine(rule("get", "pods/exec"), more=pods) == {("exec", "a:peer", False)}
    assert mine(rule("create", "pods/attach"), more=pods) == {("exec", "a:peer", False)}
    assert mine(rule("get list", "pods"), more=pods) == set()
    over = {**pod("b", "job", "far"), "status": {"phase": "Succeeded"}}
    assert mine(rule("create", "pods/exec"), namespace="b", more=(over,)) == set()


def test_where_no_pod_is_known_a_command_may_run_as_any_account_of_the_namespace() -> None:
    assert mine(rule("create", "pods/exec"), namespace="b") == {("exec", "b:far", False)}


def test_an_ephemeral_container_joins_a_pod() -> None:
    web = (pod("a", "web", "peer"),)

    assert mine(rule("patch", "pods/ephemeralcontainers"), namespace="a", more=web) == {
        ("debug-container", "a:peer", True)
    }


def test_a_nodes_proxy_reaches_the_pods_of_the_node() -> None:
    pods = (pod("a", "web", "peer", nodeName="n1"), pod("b", "db", "far", nodeName="n2"))

    assert mine(rule("create", "nodes/proxy", names="n1"), more=pods) == {
        ("node-proxy", "a:peer", True)
    }
    assert mine(rule("get", "nodes/proxy", names="n2"), more=pods) == {
        ("node-proxy", "b:far", False)
    }
    assert mine(rule("create", "nodes/proxy"), namespace="b", more=pods) == set()


def token(namespace: str, name: str, of_account: str) -> dict[str, Any]:
    annotations = {"kubernetes.io/service-account.name": of_account}
    kind = "kubernetes.io/service-account-token"
    return thing("Secret", name, namespace, type=kind, metadata={"annotations": annotations})


def test_reading_secrets_gives_the_account_whose_token_one_holds() -> None:
    stored = (token("b", "far-token", "far"),)

    assert mine(rule("get", "secrets"), more=stored) == {("read-token", "b:far", True)}
    assert mine(rule("list", "secrets"), namespace="a", more=stored) == set()
    assert mine(rule("get", "secrets", names="other"), more=stored) == set()
    assert mine(rule("get", "secrets")) == set()
    off = token("b", "far-token", "far")
    off["metadata"] |= {"labels": {"kubernetes.io/legacy-token-invalid-since": "2024-01-01"}}
    assert mine(rule("get", "secrets"), more=(off,)) == set()


def test_who_creates_and_reads_secrets_has_a_token_stored() -> None:
    assert mine(rule("create get", "secrets"), namespace="b") == {("store-token", "b:far", True)}
    assert mine(rule("create", "secrets"), namespace="b") == set()


def test_bind_needs_the_right_to_write_bindings() -> None:
    assert mine(rbac("bind", "clusterroles")) == set()
    assert mine(rbac("create update patch", "clusterrolebindings rolebindings")) == set()
    assert mine(rbac("bind", "clusterroles"), rbac("create", "clusterrolebindings")) == {
        ("bind", ADMIN, True)
    }


def test_bind_in_a_namespace_rules_that_namespace() -> None:
    rules = (rbac("bind", "clusterroles"), rbac("create", "rolebindings clusterrolebindings"))

    assert mine(*rules, namespace="b") == {("bind", ADMIN_OF_B, True)}


def test_who_may_bind_one_role_becomes_its_holder_and_what_that_can_become() -> None:
    rules = (
        rbac("bind", "clusterroles", names="minter"),
        rbac("create", "clusterrolebindings"),
    )
    minter = cluster_role("minter", rule("create", "serviceaccounts/token", names="far"))
    said = of_objects(*ACCOUNTS, *given(*rules), minter)
    holder = "clusterrole/minter@*/holder"

    assert ways(said) == {("bind", holder, True)}
    assert ways(said, holder) == {("request-token", "b:far", True)}


def test_an_existing_binding_can_take_a_new_subject_only_with_bind_on_its_role() -> None:
    minter = cluster_role("minter", rule("create", "serviceaccounts/token", names="far"))
    existing = (minter, cluster_binding("minters", "minter", "b/far"))
    change = rbac("patch", "clusterrolebindings", names="minters")

    assert mine(change, more=existing) == set()
    assert mine(change, rbac("bind", "clusterroles", names="other"), more=existing) == set()
    assert mine(change, rbac("bind", "clusterroles", names="minter"), more=existing) == {
        ("bind", "clusterrole/minter@*/holder", True)
    }


def test_binding_what_one_holds_gains_nothing() -> None:
    binder = role("b", "binder", rbac("bind", "roles"), rbac("create", "rolebindings"))
    other = role("b", "other", rule("create", "pods"))
    held = binding("b", "binder", "binder", "a/me")

    assert ways(of_objects(*ACCOUNTS, binder, held)) == set()
    assert ways(of_objects(*ACCOUNTS, binder, held, other)) == {
        ("bind", "role/b/other@b/holder", True)
    }


def test_escalate_needs_a_role_that_is_bound_to_oneself() -> None:
    escalate, change = rbac("escalate", "clusterroles"), rbac("update", "clusterroles")

    assert mine(escalate) == set()
    assert mine(change) == set()
    assert mine(escalate, rbac("create", "clusterroles")) == set()
    assert mine(escalate, change) == {("escalate", ADMIN, True)}
    assert mine(escalate, change, namespace="b") == set()  # cluster roles belong to no namespace
    named = (rbac("escalate", "clusterroles", names="x"), rbac("patch", "clusterroles", names="x"))
    assert mine(*named) == set()
    mine_too = (cluster_role("x", rule("get", "pods")), binding(
        "b", "x", "x", "a/me", kind="ClusterRole"
    ))  # fmt: skip
    assert mine(*named, more=mine_too) == {("escalate", ADMIN_OF_B, True)}


def test_escalate_on_roles_of_a_namespace_rules_that_namespace() -> None:
    widener = role("b", "widener", rbac("escalate patch", "roles"))
    said = of_objects(*ACCOUNTS, widener, binding("b", "widener", "widener", "a/me"))

    assert ways(said) == {("escalate", ADMIN_OF_B, True)}
    assert ways(said, ADMIN_OF_B) == {("impersonate", "b:far", True)}


def test_a_new_role_that_a_gathering_one_takes_in_widens_it() -> None:
    rules = (rbac("escalate create", "clusterroles"),)
    gathers = cluster_role(
        "mine", *rules, aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}
    )
    said = of_objects(*ACCOUNTS, gathers, cluster_binding("mine", "mine", "a/me"))

    assert ways(said) == {("escalate", ADMIN, True)}


def test_impersonating_a_group_needs_a_user_as_well() -> None:
    groups = rule("impersonate", "groups")

    assert mine(groups) == set()
    assert ("impersonate-group", ADMIN, True) in mine(groups, rule("impersonate", "users"))
    one = rule("impersonate", "groups", names="devs")
    assert mine(one, rule("impersonate", "users", names="x")) == set()
    assert mine(groups, rule("impersonate", "users"), namespace="b") == set()


def test_impersonating_users_reaches_the_users_that_the_bindings_name() -> None:
    view = (cluster_role("v", rule("get", "pods")), cluster_binding("v", "v", "user:jane"))

    assert mine(rule("impersonate", "users"), more=view) == {
        ("impersonate-user", "user/jane", True)
    }


def test_everything_leads_to_the_administrator_and_the_administrator_to_each_account() -> None:
    said = of_objects(
        *ACCOUNTS,
        cluster_role("cluster-admin", rule("*", "*", "*")),
        cluster_binding("root", "cluster-admin", "a/me"),
    )

    assert ways(said) == {("everything", ADMIN, True)}
    assert ways(said, ADMIN) == {
        ("impersonate", "a:me", True),
        ("impersonate", "a:peer", True),
        ("impersonate", "b:far", True),
    }


def test_everything_in_a_namespace_leads_to_the_administrator_of_that_namespace() -> None:
    assert mine(rule("*", "*", "*"), namespace="b") == {("everything", ADMIN_OF_B, True)}


def test_an_account_that_only_a_binding_names_may_not_exist() -> None:
    named = binding("b", "x", "unknown", "b/ghost")

    assert ("create-pod", "b:ghost", False) in mine(rule("create", "pods"), more=(named,))


def test_a_guessed_role_makes_the_way_doubtful() -> None:
    said = of_objects(*ACCOUNTS, cluster_binding("root", "cluster-admin", "a/me"))

    assert ways(said) == {("everything", ADMIN, False)}


def test_every_way_rests_on_grants_of_the_delegate_and_is_a_known_method() -> None:
    said = of_objects(
        *ACCOUNTS,
        *given(rule("*", "pods pods/exec secrets serviceaccounts"), rbac("*", "*"), rule("*", "*")),
        pod("b", "web", "far"),
    )
    held = {each.external_id: each.identity for each in of(GrantRow, said)}
    known = {method.id: method.how for method in KUBERNETES}
    found = of(DelegationRow, said)

    assert found
    for each in found:
        assert known[each.method] == each.how
        assert each.rests_on
        for part in each.rests_on:
            assert part
            assert {held[grant] for grant in part} == {each.delegate}
    assert len({each.external_id for each in found}) == len(found)
