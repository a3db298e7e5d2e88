"""Several sources, one inventory: mere mentions, shared rows, and what becomes gone."""

from pathlib import Path

import pytest

from inventory.models import Delegation, Identity, Tool, ToolBinding
from tests.factories import a_person, a_source
from tests.inventory.importers.loading import (
    ACCOUNT,
    OTHER_ACCOUNT,
    Files,
    arn_of,
    aws_role,
    aws_user,
    counts,
    history,
    is_unchanged,
    run,
)

pytestmark = pytest.mark.django_db

LAMBDA = "lambda.amazonaws.com"
BOTH = [{"Key": "Purpose", "Value": "Pays invoices"}]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def identity(external_id: str) -> Identity:
    return Identity.objects.get(external_id=external_id)


def bedrock(files: Files, *, group: bool = True, agents: tuple[str, ...] = ("AAAA1111",)) -> Path:
    """The list, the details of each agent, and one action group of the first where asked for."""
    answers: list[object] = [
        {"agentSummaries": [{"agentId": each, "agentName": each.lower()} for each in agents]}
    ]
    for each in agents:
        arn = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:agent/{each}"
        details = {
            "agentId": each, "agentName": each.lower(), "agentArn": arn, "agentStatus": "PREPARED",
            "agentResourceRoleArn": arn_of("role", "AgentRole"),
        }  # fmt: skip
        answers.append({"agent": details})
    if group:
        answers.append(
            {
                "agentActionGroup": {
                    "agentId": agents[0], "actionGroupId": "G1", "actionGroupName": "tickets",
                    "agentVersion": "1",
                }
            }
        )  # fmt: skip
    return files.json("agents", answers)


# Mere mentions


def test_an_account_takes_over_a_role_that_an_agent_only_mentioned(files: Files) -> None:
    run("aws-bedrock", bedrock(files))
    role = identity(arn_of("role", "AgentRole"))
    assert role.stub

    outcome = run("aws-iam", files.account("a", roles=[aws_role("AgentRole", LAMBDA, Tags=BOTH)]))

    role.refresh_from_db()
    assert not role.stub
    assert role.source.key == "aws-iam"
    assert role.purpose == "Pays invoices"
    assert role.attributes["unique_id"].startswith("AROA")
    assert counts(outcome, "identity")[1] == 1
    assert is_unchanged(run("aws-bedrock", bedrock(files)))


def test_what_a_person_said_of_a_mention_stays_when_it_is_described(files: Files) -> None:
    run("aws-bedrock", bedrock(files))
    owner = a_person()
    Identity.objects.filter(stub=True).update(owner=owner, purpose="Said by hand")

    run("aws-iam", files.account("a", roles=[aws_role("AgentRole", LAMBDA, Tags=BOTH)]))

    role = identity(arn_of("role", "AgentRole"))
    assert (role.owner, role.purpose) == (owner, "Said by hand")


def test_a_role_of_another_account_is_an_outsider_until_that_account_is_imported(
    files: Files,
) -> None:
    outside = arn_of("role", "Partner", OTHER_ACCOUNT)
    run("aws-iam", files.account("a", roles=[aws_role("Vault", outside)]))
    stub = identity(outside)
    assert (stub.kind, stub.third_party, stub.stub) == ("external_account", True, True)

    run("aws-iam", files.account("b", roles=[aws_role("Partner", LAMBDA, account=OTHER_ACCOUNT)]))

    stub.refresh_from_db()
    assert (stub.kind, stub.name, stub.third_party, stub.stub) == ("role", "Partner", None, False)


def test_a_mention_changes_nothing_of_a_row_that_is_described(files: Files) -> None:
    partner = files.account("b", roles=[aws_role("Partner", LAMBDA, account=OTHER_ACCOUNT)])
    run("aws-iam", partner)
    described = Identity.objects.filter(stub=False).values().get()

    outside = arn_of("role", "Partner", OTHER_ACCOUNT)
    run("aws-iam", files.account("a", roles=[aws_role("Vault", outside)]))

    assert Identity.objects.filter(pk=described["id"]).values().get() == described


def test_an_account_that_is_known_as_ours_stays_ours_for_the_next_import(files: Files) -> None:
    ours = aws_role("Vault", OTHER_ACCOUNT)
    alone = files.account("a", roles=[ours])
    run("aws-iam", alone)
    stub = identity(f"aws:account:{OTHER_ACCOUNT}:principals")
    assert stub.third_party is True

    other = aws_role("Other", LAMBDA, account=OTHER_ACCOUNT)
    run("aws-iam", files.account("both", roles=[ours, other]))
    outcome = run("aws-iam", alone)

    stub.refresh_from_db()
    assert stub.third_party is False
    assert counts(outcome, "identity")[1] == 0


def test_a_mention_shared_by_two_accounts_stays_while_one_still_refers_to_it(files: Files) -> None:
    run("aws-iam", files.account("a", roles=[aws_role("One", LAMBDA)]))
    two = aws_role("Two", LAMBDA, account=OTHER_ACCOUNT)
    run("aws-iam", files.account("b", roles=[two]))
    service = identity(f"aws:service:{LAMBDA}")

    run("aws-iam", files.account("a", roles=[aws_role("One", "ec2.amazonaws.com")]))
    service.refresh_from_db()
    assert service.gone_at is None

    two = aws_role("Two", "ec2.amazonaws.com", account=OTHER_ACCOUNT)
    run("aws-iam", files.account("b", roles=[two]))
    run("aws-iam", files.account("a", roles=[aws_role("One", "ec2.amazonaws.com")]))
    service.refresh_from_db()
    assert service.gone_at is not None

    run("aws-iam", files.account("a", roles=[aws_role("One", LAMBDA)]))
    service.refresh_from_db()
    assert service.gone_at is None


def test_a_mention_stays_while_a_delegation_of_another_source_refers_to_it(files: Files) -> None:
    run("aws-iam", files.account("a", roles=[aws_role("One", arn_of("role", "AgentRole"))]))
    run("aws-bedrock", bedrock(files))
    role = identity(arn_of("role", "AgentRole"))
    assert role.source.key == "aws-iam"

    run("aws-iam", files.account("a", roles=[aws_role("One", LAMBDA)]))

    role.refresh_from_db()
    assert role.gone_at is None
    assert Delegation.objects.get(how="run_as").gone_at is None


def test_a_role_that_is_gone_from_its_account_is_gone_although_others_mention_it(
    files: Files,
) -> None:
    old = arn_of("role", "Old")
    run("aws-iam", files.account("a", roles=[aws_role("Old", LAMBDA), aws_role("One", old)]))

    run("aws-iam", files.account("a", roles=[aws_role("One", old)]))

    assert identity(old).gone_at is not None
    assert is_unchanged(run("aws-iam", files.account("a", roles=[aws_role("One", old)])))


# Shared rows

TAGGED = aws_user("deploy", Tags=[{"Key": "Team", "Value": "Billing"}])


@pytest.mark.parametrize("first", ["aws-iam", "aws-credential-report"])
def test_two_sources_of_one_user_both_keep_what_they_say(files: Files, first: str) -> None:
    paths = {
        "aws-iam": files.account("a", users=[TAGGED]),
        "aws-credential-report": files.report("deploy"),
    }
    order = sorted(paths, key=lambda kind: kind != first)
    for kind in order:
        run(kind, paths[kind])

    user = identity(arn_of("user", "deploy"))
    assert user.source.key == first
    assert user.attributes["tags"] == {"Team": "Billing"}
    assert user.attributes["mfa"] is True
    before = history()
    assert all(is_unchanged(run(kind, paths[kind])) for _ in range(2) for kind in order)
    assert history() == before


@pytest.mark.parametrize("first", ["aws-iam", "aws-credential-report"])
def test_what_one_source_says_no_more_goes_and_the_rest_stays(files: Files, first: str) -> None:
    boundary = {"PermissionsBoundary": {"PermissionsBoundaryArn": arn_of("policy", "Edge")}}
    runs = [
        ("aws-iam", lambda: files.account("a", users=[TAGGED | boundary])),
        ("aws-credential-report", lambda: files.report("deploy")),
    ]
    for kind, path in sorted(runs, key=lambda each: each[0] != first):
        run(kind, path())
    assert "permissions_boundary" in identity(arn_of("user", "deploy")).attributes
    assert identity(arn_of("user", "deploy")).caveats

    outcome = run("aws-iam", files.account("a", users=[TAGGED]))

    user = identity(arn_of("user", "deploy"))
    assert counts(outcome, "identity") == (0, 1, 0, 0)
    assert "permissions_boundary" not in user.attributes
    assert user.attributes["mfa"] is True
    assert user.caveats == []


def test_a_source_that_lists_the_user_no_more_takes_its_part_away(files: Files) -> None:
    run("aws-iam", files.account("a", users=[TAGGED]))
    run("aws-credential-report", files.report("deploy", "other"))

    run("aws-credential-report", files.report("other"))

    user = identity(arn_of("user", "deploy"))
    assert user.gone_at is None
    assert "mfa" not in user.attributes
    assert user.attributes["tags"] == {"Team": "Billing"}


def test_a_spreadsheet_leaves_the_rows_of_another_spreadsheet_alone_and_says_so(
    files: Files,
) -> None:
    path = files.csv("identities", {"name": "bot", "kind": "assistant", "purpose": ""})
    run("csv", path, source="first")
    path = files.csv("identities", {"name": "bot", "kind": "role", "purpose": "Mine now"})

    outcome = run("csv", path, source="second")

    bot = identity("bot")
    assert (bot.kind, bot.purpose, bot.source.key) == ("assistant", "", "first")
    assert counts(outcome, "identity") == (0, 0, 1, 0)
    (note,) = outcome["rejections"]
    assert note["place"] == "identities.csv line 2"
    assert "belong to another source" in note["reason"]


def test_a_row_that_its_own_source_lost_may_be_taken_over(files: Files) -> None:
    run("csv", files.csv("identities", {"name": "bot", "kind": "role"}), source="first")
    run("csv", files.csv("identities", {"name": "other", "kind": "role"}), source="first")

    run("csv", files.csv("identities", {"name": "bot", "kind": "assistant"}), source="second")

    bot = identity("bot")
    assert (bot.gone_at, bot.source.key, bot.kind) == (None, "second", "assistant")


def test_rows_of_the_same_id_in_another_namespace_are_not_touched(files: Files) -> None:
    stranger = a_source(namespace="elsewhere")
    Identity.objects.create(
        source=stranger, namespace="elsewhere", external_id="bot", name="theirs", kind="role",
        first_seen_at=stranger.last_run_at,
    )  # fmt: skip
    kept = Identity.objects.values().get()
    people = files.csv("people", {"email": "nora@example.org", "name": "Nora"})
    row = {"name": "bot", "kind": "assistant", "successors": "nora@example.org"}

    run("csv", people, files.csv("identities", row))
    run("csv", people, files.csv("identities", row | {"successors": ""}))

    assert Identity.objects.filter(namespace="elsewhere").values().get() == kept
    ours = Identity.objects.get(namespace="mandate", external_id="bot")
    assert [each.person.name for each in ours.successors.all()] == ["Nora"]
    assert Identity.objects.get(namespace="elsewhere").successors.count() == 0


# Gone, and back


def test_agents_without_their_action_groups_leave_the_tools_as_they_are(files: Files) -> None:
    run("aws-bedrock", bedrock(files, agents=("AAAA1111", "BBBB2222")))

    outcome = run("aws-bedrock", bedrock(files, group=False))

    assert not outcome["complete"]
    assert Tool.objects.get().gone_at is None
    assert ToolBinding.objects.get().gone_at is None
    # The list of agents is whole, so an agent that is missing is gone.
    assert identity("bedrock-agent/BBBB2222").gone_at is not None


def test_a_complete_run_marks_what_vanished_and_brings_back_what_reappears(files: Files) -> None:
    both = files.account("a", users=[aws_user("one"), aws_user("two")])
    run("aws-iam", both)
    bystander = files.csv("identities", {"name": "bystander", "kind": "role"})
    run("csv", bystander)

    outcome = run("aws-iam", files.account("b", users=[aws_user("one")]))
    assert counts(outcome, "identity") == (0, 0, 1, 1)
    assert identity(arn_of("user", "two")).gone_at is not None
    assert identity("bystander").gone_at is None

    outcome = run("aws-iam", both)
    assert counts(outcome, "identity") == (0, 1, 1, 0)
    assert identity(arn_of("user", "two")).gone_at is None
    assert Identity.objects.count() == 3


def test_an_account_that_is_not_in_the_files_is_not_gone(files: Files) -> None:
    run("aws-iam", files.account("a", users=[aws_user("one")]))

    run("aws-iam", files.account("b", users=[aws_user("two", OTHER_ACCOUNT)]))

    assert not Identity.objects.exclude(gone_at=None).exists()


def test_a_part_of_a_source_marks_nothing_as_gone(files: Files) -> None:
    rows = [{"name": name, "kind": "role"} for name in ("one", "two")]
    run("csv", files.csv("identities", *rows))

    outcome = run("csv", files.csv("identities", rows[0]), partial=True)

    assert not outcome["complete"]
    assert counts(outcome, "identity") == (0, 0, 1, 0)
    assert not Identity.objects.exclude(gone_at=None).exists()


def test_rows_that_cannot_be_read_may_be_any_so_nothing_is_gone(files: Files) -> None:
    rows = [{"name": name, "kind": "role"} for name in ("one", "two", "three")]
    run("csv", files.csv("identities", *rows))

    outcome = run("csv", files.csv("identities", rows[0], rows[1] | {"kind": "robot"}))

    assert outcome["rejected"] == 1
    assert not outcome["complete"]
    assert "1 row could not be read" in outcome["incomplete_reasons"][0]
    assert not Identity.objects.exclude(gone_at=None).exists()


def test_nouns_that_a_spreadsheet_does_not_hold_are_not_gone(files: Files) -> None:
    people = files.csv("people", {"email": "nora@example.org", "name": "Nora"})
    run("csv", people, files.csv("identities", {"name": "one", "kind": "role"}))

    run("csv", people)

    assert identity("one").gone_at is None
