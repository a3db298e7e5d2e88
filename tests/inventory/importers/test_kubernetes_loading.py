"""Kubernetes clusters, imported through the command: once, twice, and with what is gone."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from inventory.models import Delegation, Entitlement, Grant, Identity, ImportRun, System
from tests.inventory.importers.kubernetes_objects import (
    account,
    cluster_binding,
    cluster_role,
    given,
    pod,
    rbac,
    role,
    rule,
    thing,
)
from tests.inventory.importers.loading import Files, counts, history, is_unchanged, run
from tests.samples import sample

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def cluster(files: Files, *objects: dict[str, Any]) -> Path:
    """A complete export: one of each kind besides what is asked for."""
    annotations = {"kubernetes.io/service-account.name": "me"}
    others = (
        account("a", "me"), account("b", "far"), role("b", "r", rule("get", "pods")),
        thing(
            "RoleBinding", "r", "b", roleRef={"kind": "Role", "name": "r"},
            subjects=[{"kind": "ServiceAccount", "name": "far", "namespace": "b"}],
        ),
        pod("b", "web", "far"),
        thing(
            "Secret", "t", "a", type="kubernetes.io/service-account-token",
            metadata={"annotations": annotations},
        ),
    )  # fmt: skip
    return files.json("cluster", {"kind": "List", "apiVersion": "v1", "items": [*others, *objects]})


def test_the_samples_load_and_a_second_import_changes_nothing() -> None:
    names = ("roles", "rolebindings")
    paths = [
        sample(f"kubernetes/namespace-1/{name}.rbac.authorization.k8s.io.json") for name in names
    ]
    paths += [sample("kubernetes/namespace-1/pods.json")]
    paths += [sample("kubernetes/clusterroles-desktop.json")]
    paths += [sample("kubernetes/clusterrolebindings.rbac.authorization.k8s.io.json")]

    outcome = run("kubernetes", *paths)

    assert outcome["status"] == "applied"
    assert not outcome["complete"]
    assert counts(outcome, "identity") == (1, 0, 0, 0)
    assert counts(outcome, "entitlement") == (3, 0, 0, 0)
    assert counts(outcome, "grant") == (3, 0, 0, 0)
    assert ImportRun.objects.get().rejected_count == 1
    before = history()
    assert is_unchanged(run("kubernetes", *paths))
    assert history() == before


def test_ways_rest_on_grants_and_end_with_their_binding(files: Files) -> None:
    rules = given(rule("create", "pods"), rbac("bind", "clusterroles"), rbac("create", "*"))
    now = timezone.now()

    outcome = run("kubernetes", cluster(files, *rules))

    assert outcome["complete"], outcome
    effective = Delegation.objects.effective(now)
    found = set(effective.values_list("method", "delegate__name", "delegator_identity__name"))
    administrator = "Administrator of cluster kubernetes"
    assert found == {
        ("kubernetes-create-pod", "a/me", "b/far"),
        ("kubernetes-bind", "a/me", administrator),
        ("kubernetes-impersonate", administrator, "a/me"),
        ("kubernetes-impersonate", administrator, "b/far"),
    }
    assert all(each.derived and each.rests_on.exists() for each in effective)
    assert Entitlement.objects.get(policy="", admin=True).actions == ["*"]
    assert is_unchanged(run("kubernetes", cluster(files, *rules)))

    Grant.objects.filter(identity__name="a/me").update(revoked_at=now)
    assert not Delegation.objects.effective(now).filter(delegate__name="a/me").exists()

    gone = run("kubernetes", cluster(files, *given(rule("get", "pods"))))
    assert counts(gone, "delegation")[3] == 4
    assert not Delegation.objects.effective(timezone.now()).exists()


def test_two_clusters_keep_their_accounts_apart(files: Files) -> None:
    path = cluster(files, cluster_role("x", rule("get", "pods")), cluster_binding("x", "x", "a/me"))

    run("kubernetes", path, source="one")
    run("kubernetes", path, source="two")

    assert Identity.objects.filter(name="a/me").count() == 2
    assert set(System.objects.values_list("name", flat=True)) == {
        "Kubernetes cluster one", "Kubernetes cluster two",
    }  # fmt: skip


def test_manifests_in_yaml_are_imported_as_a_part(files: Files) -> None:
    text = "\n---\n".join(
        json.dumps(each) for each in (account("a", "me"), *given(rule("get", "pods")))
    )

    outcome = run("kubernetes", files.text("app.yaml", f"# app\n{text}\n"))

    assert outcome["status"] == "applied"
    assert not outcome["complete"]
    assert counts(outcome, "grant") == (1, 0, 0, 0)
