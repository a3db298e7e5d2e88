"""Bedrock agents: one identity for each, however many answers speak of it."""

import hashlib
import io
import json
from typing import Any, TypeVar

import pytest

from inventory.importers.aws_bedrock import AwsBedrock
from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.records import (
    DelegationRow,
    IdentityRow,
    Incomplete,
    Rejected,
    Said,
    Tally,
    ToolBindingRow,
    ToolRow,
)
from tests.samples import SAMPLES

T = TypeVar("T")

ROLE = "arn:aws:iam::111122223333:role/service/AgentRole"
FOLDER = SAMPLES / "aws"
needs_samples = pytest.mark.skipif(not FOLDER.is_dir(), reason="the AWS samples are not here")


def listed(*ids: str, **more: Any) -> dict[str, Any]:
    return {
        "agentSummaries": [{"agentId": each, "agentName": f"agent {each}"} for each in ids]
    } | more


def detailed(agent_id: str = "AAAA1111", **more: Any) -> dict[str, Any]:
    return {
        "agent": {
            "agentId": agent_id, "agentName": "helpdesk", "agentStatus": "PREPARED",
            "agentArn": f"arn:aws:bedrock:eu-west-1:111122223333:agent/{agent_id}",
            "agentResourceRoleArn": ROLE, "foundationModel": "example.model-v1:0",
            "createdAt": "2026-01-02T03:04:05.678Z",
        } | more
    }  # fmt: skip


def group(agent_id: str = "AAAA1111", **more: Any) -> dict[str, Any]:
    return {
        "agentActionGroup": {
            "agentId": agent_id, "actionGroupId": "G1", "actionGroupName": "tickets",
            "agentVersion": "DRAFT", "actionGroupState": "ENABLED",
            "actionGroupExecutor": {
                "lambda": "arn:aws:lambda:eu-west-1:111122223333:function:tickets"
            },
        } | more
    }  # fmt: skip


def read(*documents: object) -> list[Said]:
    files = [
        SourceFile(f"{number}.json", io.BytesIO(json.dumps(each).encode()))
        for number, each in enumerate(documents)
    ]
    return list(AwsBedrock().rows(files))


def of(said: list[Said], kind: type[T]) -> list[T]:
    return [each for each in said if isinstance(each, kind)]


def agent(said: list[Said], agent_id: str = "AAAA1111") -> IdentityRow:
    wanted = f"bedrock-agent/{agent_id}"
    found = [each for each in of(said, IdentityRow) if each.external_id == wanted]
    assert len(found) == 1
    return found[0]


@needs_samples
def test_the_sample_holds_two_agents_one_of_them_with_its_role() -> None:
    names = ("bedrock-get-agent.json", "bedrock-list-agents.json")
    files = [SourceFile(name, io.BytesIO((FOLDER / name).read_bytes())) for name in names]

    said = list(AwsBedrock().rows(files))

    assert {each.what: each.count for each in of(said, Tally)} == {"agents": 2, "action groups": 0}
    assert agent(said, "64XULLPD7A").attributes["model"] == "anthropic.claude-v2"
    assert agent(said, "VSSMEX8G6W").name == "c7n-test-2"
    (delegation,) = of(said, DelegationRow)
    assert delegation.how == "run_as"
    assert delegation.delegator_identity == (
        "arn:aws:iam::644160558196:role/AmazonBedrockExecutionRoleForAgents_c7n_test"
    )


@pytest.mark.parametrize("turned", [False, True], ids=["list first", "details first"])
def test_list_and_details_join_to_one_identity_in_any_order(turned: bool) -> None:
    documents = [listed("AAAA1111", "BBBB2222"), detailed()]

    said = read(*(reversed(documents) if turned else documents))

    found = agent(said)
    assert found.name == "helpdesk"
    assert found.scope == "111122223333"
    assert found.attributes["model"] == "example.model-v1:0"
    assert found.created_at is not None
    assert agent(said, "BBBB2222").scope == ""
    # The second agent has no details: what the run does not hold must not look gone.
    assert of(said, Incomplete)


def test_a_run_with_the_list_and_all_details_is_complete() -> None:
    assert not of(read(listed("AAAA1111"), detailed()), Incomplete)


@pytest.mark.parametrize(
    "documents",
    [[detailed()], [listed("AAAA1111"), detailed() | {"nextToken": "more"}]],
    ids=["no list", "one page"],
)
def test_a_run_that_may_miss_agents_is_partial(documents: list[object]) -> None:
    assert of(read(*documents), Incomplete)


def test_a_list_of_answers_and_recordings_are_read() -> None:
    moment = {"__class__": "datetime", "year": 2024, "month": 2, "day": 15, "hour": 11}
    answer = detailed(createdAt=moment)
    recording = {"status_code": 200, "data": answer}

    for document in (recording, [listed("AAAA1111"), answer]):
        created_at = agent(read(document)).created_at
        assert created_at is not None
        assert created_at.isoformat() == "2024-02-15T11:00:00+00:00"


def test_the_instruction_is_kept_as_a_digest_only() -> None:
    secret = "Sign in with hunter2."

    said = read(detailed(instruction=secret, promptOverrideConfiguration={"x": secret}))

    assert "hunter2" not in repr(said)
    attributes = agent(said).attributes
    assert attributes["instruction_sha256"] == hashlib.sha256(secret.encode()).hexdigest()
    assert attributes["instruction_length"] == len(secret)


def test_the_role_is_a_stub_said_once_and_the_agents_run_as_it() -> None:
    said = read(detailed("AAAA1111"), detailed("BBBB2222"))

    (role,) = [each for each in of(said, IdentityRow) if each.kind == "role"]
    assert (role.external_id, role.name, role.stub) == (ROLE, "AgentRole", True)
    assert {each.delegate for each in of(said, DelegationRow)} == {
        "bedrock-agent/AAAA1111",
        "bedrock-agent/BBBB2222",
    }


FUNCTIONS = [{"name": "open", "requireConfirmation": "ENABLED"}]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([detailed()], "assistant"),
        ([detailed(), group()], "autonomous_agent"),
        ([detailed(), group(actionGroupState="DISABLED")], "assistant"),
        (
            [detailed(), group(actionGroupExecutor={"customControl": "RETURN_CONTROL"})],
            "assistant",
        ),
        ([detailed(), group(functionSchema={"functions": FUNCTIONS})], "assistant"),
        (
            [detailed(), group(functionSchema={"functions": [*FUNCTIONS, {"name": "close"}]})],
            "autonomous_agent",
        ),
        ([detailed(), group(parentActionSignature="AMAZON.UserInput")], "assistant"),
        (
            [detailed(), group(parentActionSignature="AMAZON.CodeInterpreter")],
            "autonomous_agent",
        ),
        ([detailed(agentCollaboration="SUPERVISOR")], "orchestrator"),
        ([detailed(agentCollaboration="SUPERVISOR_ROUTER"), group()], "orchestrator"),
        ([detailed(agentCollaboration="DISABLED")], "assistant"),
    ],
)
def test_the_kind_of_an_agent_follows_what_it_can_do_by_itself(
    answers: list[object], kind: str
) -> None:
    assert agent(read(*answers)).kind == kind


def test_an_action_group_is_a_tool_bound_to_its_agent() -> None:
    said = read(detailed(), group(description="Opens tickets."))

    (tool,) = of(said, ToolRow)
    (binding,) = of(said, ToolBindingRow)
    assert (tool.provider, tool.name) == ("bedrock:AAAA1111", "tickets")
    assert (binding.identity, binding.tool) == ("bedrock-agent/AAAA1111", tool.external_id)
    assert len(tool.descriptor_digest) == 64
    changed = of(read(group(apiSchema={"payload": "{}"})), ToolRow)[0]
    assert changed.descriptor_digest != tool.descriptor_digest


def test_of_the_versions_of_a_group_the_latest_published_one_counts() -> None:
    said = read(
        group(agentVersion="2", description="two"),
        group(agentVersion="10", description="ten"),
        group(agentVersion="DRAFT", description="draft"),
    )

    assert [each.description for each in of(said, ToolRow)] == ["ten"]


def test_a_supervisor_gives_work_to_its_collaborators() -> None:
    alias = "arn:aws:bedrock:eu-west-1:111122223333:agent-alias/BBBB2222/TSTALIASID"
    collaborators = {
        "agentCollaboratorSummaries": [
            {"agentId": "AAAA1111", "agentDescriptor": {"aliasArn": alias}}
        ]
    }

    said = read(detailed(agentCollaboration="SUPERVISOR"), collaborators)

    (delegation,) = [each for each in of(said, DelegationRow) if each.how == "orchestrate"]
    assert delegation.delegator_identity == "bedrock-agent/AAAA1111"
    assert delegation.delegate == "bedrock-agent/BBBB2222"
    assert agent(said, "BBBB2222").stub
    assert not agent(said).stub


def test_groups_that_name_no_agent_are_refused_with_what_to_do() -> None:
    said = read(detailed(), {"actionGroupSummaries": [{"actionGroupId": "G1"}]})

    (rejected,) = of(said, Rejected)
    assert rejected.field == "agentId"
    assert "get-agent-action-group" in rejected.reason
    assert agent(said)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (detailed(agentId=None), "agentId"),
        (detailed(agentResourceRoleArn="AgentRole"), "agentResourceRoleArn"),
        (detailed(createdAt={"__class__": "datetime", "year": 2024, "month": 13}), "createdAt"),
        (detailed(createdAt=7), "createdAt"),
        ({"agent": "helpdesk"}, ""),
        (group(actionGroupId=None), "actionGroupId"),
        ({"agentCollaboratorSummaries": [{"agentId": "AAAA1111"}]}, "agentDescriptor"),
    ],
)
def test_a_bad_answer_is_refused_and_the_others_are_read(bad: object, field: str) -> None:
    said = read(bad, detailed("CCCC3333"))

    (rejected,) = of(said, Rejected)
    assert rejected.field == field
    assert rejected.reason.endswith(".")
    assert agent(said, "CCCC3333")


@pytest.mark.parametrize("document", [{}, [], {"UserDetailList": []}, {"agentSummaries": {}}, [1]])
def test_a_file_of_another_kind_is_refused_with_a_sentence(document: object) -> None:
    with pytest.raises(WrongFile) as refused:
        read(document)

    assert str(refused.value).endswith(".")
