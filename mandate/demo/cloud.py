"""The files that the demo's cloud gives: AWS accounts and keys, Bedrock agents, SPIRE entries."""

import csv
import io
import json
from typing import Any

from inventory.importers.aws_credential_report import COLUMNS
from mandate.demo.content import address, document
from mandate.demo.day import Day, digest

File = tuple[str, bytes]
Json = dict[str, Any]  # Any: as the platforms write it


def authorization_details(day: Day) -> list[File]:
    """What get-account-authorization-details answers."""
    said = {
        "UserDetailList": [_user(*item, day) for item in _known("users", day)],
        "GroupDetailList": [_group(name, held) for name, held in _cloud()["groups"].items()],
        "RoleDetailList": [_role(*item, day) for item in _known("roles", day)],
        "Policies": [_policy(name, rules) for name, rules in _cloud()["policies"].items()],
    }
    return [("authorization-details.json", json.dumps(said).encode())]


def credential_report(day: Day) -> list[File]:
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, restval="N/A")
    writer.writeheader()
    for name, about in _known("users", day):
        writer.writerow(_report_line(name, about, day))
    return [("credential-report.csv", written.getvalue().encode())]


def bedrock(day: Day) -> list[File]:
    """What list-agents and get-agent answer, and each agent's action groups."""
    agents = [each for each in _cloud()["bedrock"] if day.has_seen(each["created"])]
    summaries = [
        {"agentId": each["id"], "agentName": each["name"], "agentStatus": "PREPARED"}
        for each in agents
    ]
    files: dict[str, object] = {"list-agents.json": {"agentSummaries": summaries}}
    for each in agents:
        name = each["name"]
        files[f"{name}.json"] = {"agent": _agent(each, day)}
        for group, functions in each["groups"].items():
            files[f"{name}-{group}.json"] = {
                "agentActionGroup": _action_group(each, group, functions)
            }
        if "supervises" in each:
            files[f"{name}-collaborators.json"] = {
                "agentCollaboratorSummaries": [
                    _collaborator(each["id"], one) for one in each["supervises"]
                ]
            }
    return [(name, json.dumps(said).encode()) for name, said in files.items()]


def spire(day: Day) -> list[File]:
    domain = _cloud()["trust_domain"]
    entries = []
    for path, created, seconds, _, _ in _cloud()["workloads"]:
        namespace, _, name = path.partition("/")
        if day.has_seen(created):
            entries.append(
                {
                    "id": f"{namespace}-{name}-{digest(path)[:6]}",
                    "spiffe_id": {"trust_domain": domain, "path": f"/ns/{namespace}/sa/{name}"},
                    "parent_id": {"trust_domain": domain, "path": "/spire/agent/k8s_psat/freight"},
                    "selectors": [
                        {"type": "k8s", "value": f"ns:{namespace}"},
                        {"type": "k8s", "value": f"sa:{name}"},
                    ],
                    "x509_svid_ttl": seconds,
                    "created_at": str(int(day.at(created).timestamp())),
                }
            )
    return [("entries.json", json.dumps({"entries": entries, "next_page_token": ""}).encode())]


def _cloud() -> Json:
    return document("cloud")


def _arn(rest: str) -> str:
    return f"arn:aws:iam::{_cloud()['account']}:{rest}"


def _known(what: str, day: Day) -> list[tuple[str, Json]]:
    return [item for item in _cloud()[what].items() if day.has_seen(item[1]["created"])]


def _tags(about: Json) -> list[Json]:
    tags = about["tags"] | (
        {"owner": address(about["tags"]["owner"])} if "owner" in about["tags"] else {}
    )
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _attached(names: list[str]) -> list[Json]:
    return [{"PolicyName": name, "PolicyArn": _arn(f"policy/{name}")} for name in names]


def _user(name: str, about: Json, day: Day) -> Json:
    return {
        "Path": "/",
        "UserName": name,
        "UserId": f"AIDA{digest(name)[:16].upper()}",
        "Arn": _arn(f"user/{name}"),
        "CreateDate": day.text(about["created"]),
        "UserPolicyList": [],
        "GroupList": about["groups"],
        "AttachedManagedPolicies": _attached(about["policies"]),
        "Tags": _tags(about),
    }


def _group(name: str, policies: list[str]) -> Json:
    return {
        "Path": "/",
        "GroupName": name,
        "GroupId": f"AGPA{digest(name)[:16].upper()}",
        "Arn": _arn(f"group/{name}"),
        "GroupPolicyList": [],
        "AttachedManagedPolicies": _attached(policies),
    }


def _role(name: str, about: Json, day: Day) -> Json:
    used = about["used"]
    last = (
        {}
        if used is None
        else {"LastUsedDate": day.text(day.last(used, name)), "Region": "eu-west-1"}
    )
    return {
        "Path": "/",
        "RoleName": name,
        "RoleId": f"AROA{digest(name)[:16].upper()}",
        "Arn": _arn(f"role/{name}"),
        "CreateDate": day.text(about["created"]),
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [_trust(about["trusts"])],
        },
        "InstanceProfileList": [],
        "RolePolicyList": [],
        "AttachedManagedPolicies": _attached(about["policies"]),
        "Tags": _tags(about),
        "RoleLastUsed": last,
    }


def _trust(who: str) -> Json:
    partners = _cloud()["partner_accounts"]
    if who in partners:
        principal = {"AWS": f"arn:aws:iam::{partners[who]}:root"}
        condition = {"StringEquals": {"sts:ExternalId": who.replace(" ", "-")}}
        return _statement(["sts:AssumeRole"], Principal=principal, Condition=condition)
    if who == "account":
        principal = {"AWS": f"arn:aws:iam::{_cloud()['account']}:root"}
        condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        return _statement(["sts:AssumeRole"], Principal=principal, Condition=condition)
    if who == "deleted":
        return _statement(["sts:AssumeRole"], Principal={"AWS": "AIDAQ3EGRIDLOCK7KD4N"})
    if who.startswith("oidc"):
        host = "token.ci.northmere.example"
        condition = {"StringLike": {f"{host}:sub": "repo:northmere/infrastructure:*"}}
        if "audience" in who:
            condition["StringEquals"] = {f"{host}:aud": "sts.amazonaws.com"}
        federated = {"Federated": _arn(f"oidc-provider/{host}")}
        return _statement(
            ["sts:AssumeRoleWithWebIdentity"], Principal=federated, Condition=condition
        )
    return _statement(["sts:AssumeRole"], Principal={"Service": who})


def _statement(actions: list[str], **rest: object) -> Json:
    return {"Effect": "Allow", "Action": actions, **rest}


def _policy(name: str, rules: list[list[list[str]]]) -> Json:
    statements = [_statement(actions, Resource=resources) for actions, resources in rules]
    version = {
        "VersionId": "v1",
        "IsDefaultVersion": True,
        "Document": {"Version": "2012-10-17", "Statement": statements},
    }
    return {
        "PolicyName": name,
        "PolicyId": f"ANPA{digest(name)[:16].upper()}",
        "Arn": _arn(f"policy/{name}"),
        "Path": "/",
        "DefaultVersionId": "v1",
        "PolicyVersionList": [version],
    }


def _report_line(name: str, about: Json, day: Day) -> dict[str, str]:
    line = {
        "user": name,
        "arn": _arn(f"user/{name}"),
        "user_creation_time": day.text(about["created"]),
        "password_enabled": "true" if "password" in about else "false",
        "mfa_active": "false",
        "access_key_1_active": "false",
        "access_key_2_active": "false",
        "cert_1_active": "false",
        "cert_2_active": "false",
    }
    if "password" in about:
        line["password_last_used"] = day.text(day.last(about["password"], name))
        line["password_last_changed"] = day.text(about["created"])
    for slot, (made, used) in enumerate(about["keys"], start=1):
        line[f"access_key_{slot}_active"] = "true"
        line[f"access_key_{slot}_last_rotated"] = day.text(made)
        if used is not None:
            line[f"access_key_{slot}_last_used_date"] = day.text(min(day.last(used, name), made))
            line[f"access_key_{slot}_last_used_region"] = "eu-west-1"
            line[f"access_key_{slot}_last_used_service"] = "s3"
    return line


def _agent(about: Json, day: Day) -> Json:
    said = {
        "agentId": about["id"],
        "agentName": about["name"],
        "agentArn": f"arn:aws:bedrock:eu-west-1:{_cloud()['account']}:agent/{about['id']}",
        "agentStatus": "PREPARED",
        "agentResourceRoleArn": _arn(f"role/{about['role']}"),
        "foundationModel": "reasoner-mid",
        "description": about["purpose"],
        "createdAt": day.text(about["created"]),
    }
    return said | ({"agentCollaboration": "SUPERVISOR"} if "supervises" in about else {})


def _action_group(about: Json, group: str, functions: list[str]) -> Json:
    confirm = "ENABLED" if about.get("confirm") else "DISABLED"
    return {
        "agentId": about["id"],
        "agentVersion": "DRAFT",
        "actionGroupId": f"{group.upper()}01",
        "actionGroupName": group,
        "actionGroupState": "ENABLED",
        "actionGroupExecutor": {
            "lambda": f"arn:aws:lambda:eu-west-1:{_cloud()['account']}:function:{group}"
        },
        "functionSchema": {
            "functions": [{"name": name, "requireConfirmation": confirm} for name in functions]
        },
    }


def _collaborator(supervisor: str, agent_id: str) -> Json:
    alias = f"arn:aws:bedrock:eu-west-1:{_cloud()['account']}:agent-alias/{agent_id}/LIVE01"
    return {
        "agentId": supervisor,
        "agentVersion": "DRAFT",
        "collaboratorName": agent_id.lower(),
        "agentDescriptor": {"aliasArn": alias},
    }
