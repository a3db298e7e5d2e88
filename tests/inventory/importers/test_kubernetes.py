"""Objects of a Kubernetes cluster become accounts, entitlements and grants."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.action_patterns import covers, covers_resource
from inventory.importers.base import WrongFile
from inventory.importers.files import guess_kind
from inventory.importers.records import (
    CredentialRow,
    DelegationRow,
    EntitlementRow,
    GrantRow,
    IdentityRow,
    Incomplete,
    Rejected,
    SystemRow,
    Tally,
    Untold,
)
from tests.inventory.importers.kubernetes_objects import (
    RBAC,
    account,
    binding,
    cluster_binding,
    cluster_role,
    given,
    grants,
    identities,
    of,
    of_objects,
    pod,
    rbac,
    read,
    refused,
    role,
    rule,
    thing,
    ways,
)
from tests.samples import sample

SAMPLES = (
    "clusterrolebindings.rbac.authorization.k8s.io.json", "clusterroles-desktop.json",
    "clusterroles.rbac.authorization.k8s.io.json", "nodes.json",
    "namespace-1/pods.json", "namespace-1/rolebindings.rbac.authorization.k8s.io.json",
    "namespace-1/roles.rbac.authorization.k8s.io.json",
    "namespace-2/pods.json", "namespace-2/rolebindings.rbac.authorization.k8s.io.json",
    "namespace-2/roles.rbac.authorization.k8s.io.json",
)  # fmt: skip


def samples() -> list[bytes]:
    return [sample(f"kubernetes/{name}").read_bytes() for name in SAMPLES]


def test_the_samples_hold_one_account_and_the_three_rules_of_its_role() -> None:
    said = read(*samples())

    assert set(identities(said)) == {"test-app:app-monitors"}
    assert identities(said)["test-app:app-monitors"].attributes["pods_run_as_it"] is True
    within = ("namespaces/test-app/*",)
    via = "role binding app-monitors-read"
    assert grants(said) == {
        ("test-app:app-monitors", via, ("get:core/pods", "list:core/pods"), within),
        ("test-app:app-monitors", via, ("get:core/configmaps",), within),
        ("test-app:app-monitors", via, ("get:apps/statefulsets", "list:apps/statefulsets"), within),
    }
    assert not of(DelegationRow, said)
    counted = {each.what: each.count for each in of(Tally, said)}
    assert counted["cluster roles"] == 79
    assert (counted["pods"], counted["nodes"], counted["roles"]) == (2, 1, 2)


def test_a_cluster_role_binding_to_a_role_gives_nothing_and_says_so() -> None:
    (said,) = of(Rejected, read(*samples()))

    assert (said.place, said.field) == ("file0 items[0]", "roleRef")
    assert not said.hides_a_row


def test_the_typed_list_of_a_desktop_cluster_gives_its_roles_a_meaning() -> None:
    bound = {
        "apiVersion": "v1", "kind": "List", "items": [
            account("prod", "builder"), account("prod", "web"), account("kube-system", "other"),
            binding("prod", "admins", "admin", "prod/builder", kind="ClusterRole"),
            binding("prod", "viewers", "view", "prod/web", kind="ClusterRole"),
        ],
    }  # fmt: skip
    said = read(sample("kubernetes/clusterroles-desktop.json").read_bytes(), json.dumps(bound))

    # The role admin may write roles and bindings, but neither escalate nor bind, and add no ephemeral containers.
    # No pod and no workload is known, so a command in one, or a change of one, only may work.
    assert ways(said, "prod:builder") == {
        ("impersonate", "prod:web", True), ("request-token", "prod:web", True),
        ("create-pod", "prod:web", True), ("create-workload", "prod:web", True),
        ("store-token", "prod:web", True), ("change-workload", "prod:web", False),
        ("exec", "prod:web", False),
    }  # fmt: skip
    assert ways(said, "prod:web") == set()
    assert len([each for each in of(GrantRow, said) if each.identity.endswith("prod:web")]) == 12


def test_an_account_is_known_by_its_cluster_namespace_and_name() -> None:
    said = of_objects(
        account(
            "prod", "web",
            metadata={
                "labels": {"app": "web", "env": "prod"},
                "annotations": {"a8r.io/owner": "jane@example.com", "other": "x"},
                "creationTimestamp": "2024-01-02T03:04:05Z",
            },
        )
    )  # fmt: skip
    (found,) = of(IdentityRow, said)

    assert found.external_id == "test/system:serviceaccount:prod:web"
    assert (found.kind, found.name, found.stub) == ("service_account", "prod/web", False)
    assert found.owner_email == "jane@example.com"
    assert found.environment == "production"
    assert found.created_at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.attributes["labels"] == {"app": "web", "env": "prod"}
    assert found.attributes["pods_run_as_it"] is False


def test_two_clusters_never_share_an_id() -> None:
    uid = {"uid": "4b2c0f9e-7d1a-4a58-9f4e-1f0d5f0a9c11"}
    system = {**thing("Namespace", "kube-system"), "metadata": {"name": "kube-system", **uid}}
    named = account("a", "x", metadata={"annotations": {"mandate/cluster": "prod-eu"}})

    by_source = of(SystemRow, of_objects(account("a", "x"), source="one"))[0]
    by_uid = of(SystemRow, of_objects(account("a", "x"), system))[0]
    by_name = of(SystemRow, of_objects(named, system))[0]

    assert (by_source.external_id, by_source.scope) == ("one", "one")
    assert (by_uid.external_id, by_uid.name) == (uid["uid"], "Kubernetes cluster 4b2c0f9e")
    assert by_name.external_id == "prod-eu"


def test_files_of_two_clusters_are_refused_together() -> None:
    one, two = (
        {**thing("Namespace", "kube-system"), "metadata": {"name": "kube-system", "uid": uid}}
        for uid in ("uid-1", "uid-2")
    )

    with pytest.raises(WrongFile, match="two clusters"):
        of_objects(account("a", "x"), one, two)


def test_a_cluster_role_bound_in_a_namespace_gives_only_what_is_in_it() -> None:
    mixed = cluster_role(
        "mixed", rule("get", "pods nodes persistentvolumes"), rule("list", "nodes"),
        {"verbs": ["get"], "nonResourceURLs": ["/metrics", "/healthz/*"]},
    )  # fmt: skip
    said = of_objects(mixed, binding("b", "m", "mixed", "a/me", kind="ClusterRole"))

    assert grants(said) == {("a:me", "role binding m", ("get:core/pods",), ("namespaces/b/*",))}


def test_addresses_of_the_server_are_given_in_the_whole_cluster() -> None:
    urls = cluster_role("urls", {"verbs": ["get"], "nonResourceURLs": ["/metrics", "/healthz/*"]})
    said = of_objects(urls, cluster_binding("u", "urls", "a/me"))

    assert grants(said) == {
        ("a:me", "cluster role binding u", ("get:url",), ("/metrics", "/healthz/*"))
    }
    assert not covers("*:*/*", "get:url")


def test_the_patterns_cover_what_kubernetes_allows() -> None:
    (found,) = of(EntitlementRow, of_objects(*given(rule("get *", "pods/log *", names="x"))))

    assert any(covers(each, "get:core/pods/log") for each in found.actions)
    assert any(covers(each, "delete:core/secrets") for each in found.actions)
    assert not any(covers(each, "get:apps/deployments") for each in found.actions)
    assert any(covers_resource(each, "namespaces/a/x") for each in found.resources)
    assert any(covers_resource(each, "cluster/x") for each in found.resources)
    assert not any(covers_resource(each, "namespaces/a/y") for each in found.resources)


def test_what_kubernetes_takes_literally_covers_nothing() -> None:
    rules = (rule("get", "pods/* pods"), rule("GET", "secrets"), rule("get", "secrets", names="*"))
    said = of_objects(*given(*rules))

    assert {actions for _, _, actions, _ in grants(said)} == {("get:core/pods",)}
    assert [each.hides_a_row for each in of(Rejected, said)] == [False, False, False]
    assert not of(EntitlementRow, said)[0].caveats


def test_names_never_limit_what_is_created() -> None:
    said = of_objects(*given(rule("create get deletecollection", "pods pods/exec", names="web")))

    (found,) = of(EntitlementRow, said)
    assert set(found.actions) == {
        "get:core/pods", "create:core/pods/exec", "get:core/pods/exec",
    }  # fmt: skip
    assert not found.caveats
    (found,) = of(EntitlementRow, of_objects(*given(rule("*", "pods", names="web"))))
    assert "names none" in found.caveats[0]


def test_two_rules_that_give_the_same_are_one() -> None:
    rules = (rule("get list", "pods nodes"), rule("list get", "pods"))

    assert len(of(GrantRow, of_objects(*given(*rules, namespace="b")))) == 1


def test_an_unbound_role_gives_nobody_anything() -> None:
    said = of_objects(account("a", "me"), cluster_role("free", rule("*", "*", "*")))

    assert not of(EntitlementRow, said)
    assert not of(GrantRow, said)


def test_a_missing_role_is_an_unknown_entitlement() -> None:
    said = of_objects(binding("a", "x", "nowhere", "a/me"))

    (found,) = of(EntitlementRow, said)
    assert found.name == "nowhere in namespace a: rules unknown"
    assert found.actions == ()
    assert "not in the files" in found.caveats[0]
    assert len(of(GrantRow, said)) == 1


def test_the_rules_of_a_gathering_role_come_from_the_labels_of_others() -> None:
    gathers = {"clusterRoleSelectors": [{"matchLabels": {"to": "monitoring"}}]}
    top = cluster_role("monitoring", aggregationRule=gathers)
    del top["metadata"]["uid"]  # a manifest: no cluster has filled in its rules
    part = cluster_role("part", rule("get", "pods"), metadata={"labels": {"to": "monitoring"}})
    other = cluster_role("other", rule("get", "secrets"))
    said = of_objects(top, part, other, cluster_binding("m", "monitoring", "a/me"))

    assert grants(said) == {("a:me", "cluster role binding m", ("get:core/pods",), ("*",))}
    assert "gathered" in of(EntitlementRow, said)[0].caveats[0]


def test_roles_that_gather_each_other_end() -> None:
    def gathering(name: str) -> dict[str, Any]:
        found = cluster_role(
            name, rule("get", name),
            aggregationRule={"clusterRoleSelectors": [
                {"matchExpressions": [{"key": "x", "operator": "Exists"}]}
            ]},
            metadata={"labels": {"x": "y"}},
        )  # fmt: skip
        del found["metadata"]["uid"]
        return found

    said = of_objects(gathering("pods"), gathering("nodes"), cluster_binding("b", "pods", "a/me"))

    assert {actions for _, _, actions, _ in grants(said)} == {
        ("get:core/pods",),
        ("get:core/nodes",),
    }


def test_groups_of_accounts_are_ways_in_and_other_groups_and_users_are_named() -> None:
    said = of_objects(
        account("a", "me"), account("b", "far"),
        cluster_role("v", rule("get", "pods")),
        cluster_binding(
            "v", "v", "group:system:serviceaccounts:b", "group:system:authenticated",
            "group:devs", "user:jane", "user:system:serviceaccount:a:me",
            "group:system:unauthenticated",
        ),
    )  # fmt: skip

    assert {(who, via) for who, via, _, _ in grants(said)} == {
        ("b:far", "cluster role binding v > group system:serviceaccounts:b"),
        ("a:me", "cluster role binding v > group system:authenticated"),
        ("b:far", "cluster role binding v > group system:authenticated"),
        ("group/system:authenticated", "cluster role binding v"),
        ("group/devs", "cluster role binding v"),
        ("user/jane", "cluster role binding v"),
        ("a:me", "cluster role binding v"),
        ("group/system:unauthenticated", "cluster role binding v"),
    }
    found = identities(said)
    assert found["group/devs"].attributes["principal_type"] == "group"
    assert found["user/jane"].kind == "external_account"
    assert found["group/system:unauthenticated"].third_party
    assert found["group/system:unauthenticated"].caveats


def test_the_risk_of_a_rule_is_that_of_what_it_can_raise() -> None:
    def judged(found: dict[str, Any], namespace: str = "") -> tuple[str, bool | None, bool, bool]:
        rows = of(EntitlementRow, of_objects(*given(found, namespace=namespace)))
        (row,) = (each for each in rows if each.policy == "cluster role mine")
        return row.risk, row.writes, row.wildcard, row.admin

    assert judged(rule("*", "*", "*")) == ("critical", True, True, True)
    assert judged(rule("*", "*", "*"), "b") == ("high", True, True, False)
    assert judged(rule("get list", "secrets")) == ("critical", False, False, False)
    assert judged(rule("get", "secrets"), "b") == ("high", False, False, False)
    assert judged(rule("get", "secrets"), "kube-system") == ("critical", False, False, False)
    assert judged(rule("update", "configmaps")) == ("medium", True, False, False)
    assert judged(rule("*", "configmaps")) == ("high", True, True, False)
    assert judged(rule("get list watch", "*", "apps")) == ("low", False, False, False)
    assert judged(rule("create", "selfsubjectaccessreviews", "authorization.k8s.io")) == (
        "low", False, False, False,
    )  # fmt: skip
    assert judged(rbac("escalate", "clusterroles"))[0] == "critical"


SECRET = "c3VwZXItc2VjcmV0LXZhbHVlLTEyMzQ1Njc4OTA"


def test_nothing_secret_enters() -> None:
    env = [{"name": "DB_PASSWORD", "value": SECRET}]
    annotations = {
        "kubernetes.io/service-account.name": "me", "kubernetes.io/service-account.uid": "u",
        "kubectl.kubernetes.io/last-applied-configuration": SECRET,
    }  # fmt: skip
    said = of_objects(
        account("a", "me", metadata={"annotations": {"note": SECRET}}),
        pod("a", "web", "me", containers=[{"name": "web", "env": env, "args": [SECRET]}]),
        thing(
            "Secret", "me-token", "a", type="kubernetes.io/service-account-token",
            data={"token": SECRET}, stringData={"token": SECRET},
            metadata={
                "annotations": annotations, "creationTimestamp": "2024-01-02T00:00:00Z",
                "labels": {"kubernetes.io/legacy-token-last-used": "2024-05-06"},
            },
        ),
        thing("Secret", "other", "a", type="Opaque", data={"x": SECRET}),
        cluster_binding("b", "view", f"user:{SECRET}x9Y8z7"),
    )  # fmt: skip

    assert SECRET not in repr(said)
    (found,) = of(CredentialRow, said)
    assert found.identity == "test/system:serviceaccount:a:me"
    assert found.key_id == "a/me-token"
    assert found.fingerprint == ""
    assert found.expiry_known
    assert found.expires_at is None
    assert found.last_used_at == datetime(2024, 5, 6, tzinfo=UTC)
    assert found.enabled


YAML = f"""# who
apiVersion: v1
kind: ServiceAccount
metadata: {{name: one, namespace: a}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: [broken
---
apiVersion: v1
kind: ServiceAccount
metadata: &meta {{name: two, namespace: a}}
copy: *meta
---
# nothing here
---
%YAML 1.1
---
{{"apiVersion": "v1", "kind": "List", "items": [
  {{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {{"name": "three", "namespace": "a"}}}}]}}
...
apiVersion: {RBAC}/v1
kind: RoleBinding
metadata: {{name: b}}
roleRef: {{apiGroup: {RBAC}, kind: Role, name: r}}
subjects: [{{kind: ServiceAccount, name: one, namespace: a}}, {{kind: ServiceAccount, name: lost}}]
---
just text
"""


def test_each_document_stands_for_itself() -> None:
    said = read(YAML)

    assert set(identities(said)) == {"a:one", "a:three"}
    assert refused(said) == [
        ("document 2 (line 10)", ""), ("document 3 (line 14)", ""),
        ("document 5.subjects[1]", "namespace"), ("document 6", ""),
    ]  # fmt: skip
    (grant,) = of(GrantRow, said)
    assert "default" in grant.caveats[0]


def test_a_bomb_of_aliases_or_nesting_costs_nothing() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    deep = "a: " + "[" * 5000 + "]" * 5000

    said = read(f"{bomb}---\n{deep}\n---\n{json.dumps(account('a', 'x'))}\n")

    assert ["aliases" in each.reason for each in of(Rejected, said)] == [True, False]
    assert "nested" in of(Rejected, said)[1].reason
    assert set(identities(said)) == {"a:x"}


@pytest.mark.parametrize(
    "text",
    ["!!python/object/apply:os.system [echo]", "!!timestamp x", "a: !!bool maybe", "a: !!int x"],
)
def test_tags_run_nothing_and_break_nothing(text: str) -> None:
    said = read(f"{text}\n---\n{json.dumps(account('a', 'x'))}\n")

    assert [each.place.partition(" (")[0] for each in of(Rejected, said)] == ["document 1"]
    assert set(identities(said)) == {"a:x"}


@pytest.mark.parametrize(
    "content",
    [b'{"kind": "List", "items": [', b"\xff\xfe{\x00", b"# nothing\n", b"plain\n---\n", b"[1, 2]"],
)
def test_what_is_no_export_is_the_wrong_file(content: bytes) -> None:
    with pytest.raises(WrongFile):
        read(content)


def test_an_object_stands_twice_only_if_it_says_the_same() -> None:
    same = role("a", "r", rule("get", "pods"))
    other = role("a", "r", rule("get", "secrets"))

    assert refused(of_objects(same, same)) == []
    assert refused(of_objects(same, other)) == [("items[1]", "metadata.name")]


def test_bad_parts_are_named_and_the_rest_is_taken() -> None:
    bad_rule = {"verbs": ["get"], "resources": ["pods"], "nonResourceURLs": ["/x"]}
    said = of_objects(
        cluster_role("r", bad_rule, rule("get", "pods")),
        cluster_binding("b", "r", "a/me"),
        cluster_binding("c", "r", "a/me", kind="Group"),
        {"kind": "Role"},
        thing("ServiceAccount", "in valid", "a"),
    )

    assert [place for place, _ in refused(said)] == [
        "items[0].rules[0]", "items[2]", "items[3]", "items[4]",
    ]  # fmt: skip
    assert len(of(GrantRow, said)) == 1


def test_lists_within_lists_are_refused_however_deep() -> None:
    text = '{"kind": "List", "apiVersion": "v1", "items": [' * 3000 + "]}" * 3000

    assert refused(read(text, json.dumps(account("a", "x")))) == [("file0 items[0]", "kind")]


def test_objects_of_other_groups_are_not_ours() -> None:
    foreign = {
        **cluster_binding("b", "view", "a/me"),
        "apiVersion": "authorization.openshift.io/v1",
    }

    assert not of(GrantRow, of_objects(account("a", "me"), foreign))


def test_what_the_files_lack_is_told() -> None:
    said = of_objects(account("a", "me"))

    assert len(of(Incomplete, said)) == 4
    assert {each.nouns for each in of(Untold, said)} == {
        ("delegation",), ("credential", "delegation"),
    }  # fmt: skip
    part = {"kind": "List", "apiVersion": "v1", "metadata": {"continue": "x"}, "items": []}
    whole = json.dumps({**part, "items": [account("a", "x")]})
    assert any("part of a longer list" in each.reason for each in of(Incomplete, read(whole)))


def test_an_upload_is_recognised_even_with_words_of_other_sources() -> None:
    head = b'{"apiVersion": "v1", "items": [{"kind": "Service", "spec": {"selectors": []}}]}'

    assert guess_kind(head, "x.json") == "kubernetes"
    assert guess_kind(b"apiVersion: v1\nkind: List\n", "x.yaml") is None
