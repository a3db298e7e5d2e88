"""Real files, imported through the command: the counts are those of the files, and a second import changes nothing."""

from pathlib import Path

import pytest

from inventory.models import (
    Change,
    Credential,
    Delegation,
    Entitlement,
    Identity,
    ImportRun,
    Source,
)
from tests.inventory.importers.loading import counts, history, is_unchanged, run
from tests.samples import sample

pytestmark = pytest.mark.django_db

AGENT = "bedrock-agent/64XULLPD7A"
KINDS = {
    "aws-iam": ["aws/authorization-details.json"],
    "aws-credential-report": ["aws/credential-report.csv"],
    "aws-bedrock": ["aws/bedrock-get-agent.json", "aws/bedrock-list-agents.json"],
    "spire": ["spire/entry-show.json"],
}


def samples(kind: str) -> list[Path]:
    return [sample(name) for name in KINDS[kind]]


def test_an_account_has_the_users_roles_groups_and_policies_of_its_file() -> None:
    outcome = run("aws-iam", *samples("aws-iam"))

    assert outcome["status"] == "applied"
    assert outcome["complete"]
    told = {key: outcome["file"][key] for key in ("users", "roles", "groups", "policies")}
    assert told == {"users": 3, "roles": 3, "groups": 2, "policies": 32}
    described = Identity.objects.filter(stub=False)
    assert described.filter(kind="service_account").count() == 3
    assert described.filter(kind="role").count() == 3
    assert Entitlement.objects.count() == outcome["file"]["statements"]
    assert Entitlement.objects.values("policy").distinct().count() >= 32
    assert Delegation.objects.filter(delegator_identity__kind="role", how="assume_role").exists()


def test_a_credential_report_has_eight_keys_of_which_four_were_never_used() -> None:
    outcome = run("aws-credential-report", *samples("aws-credential-report"))

    assert outcome["file"]["access keys"] == 8
    assert outcome["file"]["access keys never used"] == 4
    keys = Credential.objects.filter(kind="access_key", enabled=True)
    assert keys.count() == 8
    assert keys.filter(last_used_at=None, use_known=True).count() == 4
    assert Identity.objects.count() == outcome["file"]["users"] == 8


def test_bedrock_agents_act_as_their_roles_and_the_run_says_what_it_lacks() -> None:
    outcome = run("aws-bedrock", *samples("aws-bedrock"))

    assert outcome["file"]["agents"] == 2
    assert not outcome["complete"]
    assert any("get-agent-action-group" in reason for reason in outcome["incomplete_reasons"])
    (delegation,) = Delegation.objects.all()
    assert (delegation.how, delegation.delegate.external_id) == ("run_as", AGENT)
    assert delegation.delegator_identity is not None
    assert delegation.delegator_identity.stub


def test_spire_entries_become_workload_identities() -> None:
    outcome = run("spire", *samples("spire"))

    assert outcome["file"]["entries"] == 4
    assert Credential.objects.count() == 4
    assert all(Identity.objects.values_list("spiffe_id", flat=True))


def test_a_file_without_its_roles_is_imported_as_partial() -> None:
    run("aws-iam", *samples("aws-iam"))
    before = Identity.objects.filter(gone_at=None).count()

    outcome = run("aws-iam", sample("aws/authorization-details-no-roles.json"))

    assert outcome["status"] == "applied"
    assert not outcome["complete"]
    assert any("RoleDetailList" in reason for reason in outcome["incomplete_reasons"])
    assert not Identity.objects.exclude(gone_at=None).exists()
    assert Identity.objects.filter(gone_at=None).count() >= before


def test_everything_imported_again_and_again_changes_nothing() -> None:
    for kind in KINDS:
        run(kind, *samples(kind))
    before = history(), Identity.objects.count()

    again = [run(kind, *samples(kind)) for _ in range(2) for kind in reversed(KINDS)]

    assert all(map(is_unchanged, again))
    assert (history(), Identity.objects.count()) == before


def test_a_source_that_fills_the_inventory_leaves_the_rows_of_the_others_alone() -> None:
    run("spire", *samples("spire"))
    before = list(Identity.objects.order_by("pk").values())

    run("aws-iam", *samples("aws-iam"))
    run("aws-bedrock", *samples("aws-bedrock"))

    kept = Identity.objects.filter(pk__in=[row["id"] for row in before]).order_by("pk")
    assert list(kept.values()) == before


def test_a_preview_of_a_real_file_counts_and_writes_nothing() -> None:
    outcome = run("aws-iam", *samples("aws-iam"), preview=True)

    assert outcome["status"] == "previewed"
    assert counts(outcome, "identity")[0] == 8
    assert not Identity.objects.exists()
    assert not Change.objects.filter(noun="inventory_identity").exists()
    assert Source.objects.get(key="aws-iam").last_run_at is None
    assert ImportRun.objects.get().preview["identity"]["new_samples"]
