"""How far an AWS policy statement reaches: does it write, is it a wildcard, is it administration,
how risky.

Sources: AWS IAM User Guide, "IAM JSON policy elements: Action, NotAction, Resource, NotResource",
"Policy summaries: access levels", "Grant a user permissions to pass a role"; Service Authorization
Reference. AWS publishes no list of verbs: a verb that is not known to read counts as writing.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from inventory.action_patterns import covers, has_wildcard, literal_start

# Verbs with which the names of AWS's read-only and listing actions begin, in lower case.
_READS = (
    "get", "list", "describe", "head", "batchget", "batchdescribe", "batchcheck", "search",
    "lookup", "query", "scan", "select", "partiqlselect", "view", "check", "count", "discover",
    "estimate", "filter", "preview", "read", "simulate", "validate", "generatecredentialreport",
    "generateorganizationsaccessreport", "generateservicelastaccesseddetails",
)  # fmt: skip

# What changes who may do what; each lets its holder raise its own rights, or those of an
# accomplice.
RIGHTS_ACTIONS = (
    "iam:AddRoleToInstanceProfile", "iam:AddUserToGroup", "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:CreatePolicy", "iam:CreatePolicyVersion",
    "iam:CreateOpenIDConnectProvider", "iam:CreateRole", "iam:CreateSAMLProvider", "iam:CreateUser",
    "iam:AddClientIDToOpenIDConnectProvider", "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy", "iam:DeleteUserPermissionsBoundary", "iam:DeleteUserPolicy",
    "iam:DetachRolePolicy", "iam:DetachUserPolicy", "iam:PassRole", "iam:PutGroupPolicy",
    "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary",
    "iam:PutUserPolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy",
    "iam:UpdateOpenIDConnectProviderThumbprint", "iam:UpdateSAMLProvider",
    "organizations:AttachPolicy", "organizations:DetachPolicy", "organizations:UpdatePolicy",
    "sso:AttachManagedPolicyToPermissionSet", "sso:CreateAccountAssignment",
    "sso:PutInlinePolicyToPermissionSet", "identitystore:CreateGroupMembership",
)  # fmt: skip

# What makes or replaces a credential of somebody; harmless where limited to one's own
# (${aws:username}).
CREDENTIAL_ACTIONS = (
    "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreateServiceSpecificCredential",
    "iam:DeactivateMFADevice", "iam:ResetServiceSpecificCredential", "iam:UpdateLoginProfile",
    "iam:UploadSigningCertificate", "iam:UploadSSHPublicKey",
)  # fmt: skip

# Assuming a role matters by which: on all of them it is as good as all their rights.
ASSUME_ACTIONS = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")

# Writes that lose, publish or replace data, keys, code or the audit trail.
SENSITIVE_WRITES = (
    "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObject", "s3:DeleteObjectVersion",
    "s3:PutBucketAcl", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutObject",
    "s3:PutObjectAcl", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:DeleteTable",
    "dynamodb:PutItem", "dynamodb:UpdateItem", "rds:DeleteDBCluster", "rds:DeleteDBInstance",
    "rds:DeleteDBSnapshot", "rds:ModifyDBInstance", "rds:ModifyDBSnapshotAttribute",
    "kms:CreateGrant", "kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion",
    "secretsmanager:DeleteSecret", "secretsmanager:PutResourcePolicy",
    "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret", "ssm:PutParameter",
    "ssm:SendCommand", "ssm:StartSession", "lambda:AddPermission", "lambda:UpdateFunctionCode",
    "ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute", "ec2:TerminateInstances",
    "cloudtrail:DeleteTrail", "cloudtrail:StopLogging", "cloudtrail:UpdateTrail",
    "guardduty:DeleteDetector", "config:StopConfigurationRecorder", "logs:DeleteLogGroup",
    "ecr:PutImage", "redshift:DeleteCluster", "es:ESHttpDelete", "es:ESHttpPut",
)  # fmt: skip

# Named as reads, but what they answer is a secret or a credential.
SECRET_READS = (
    "secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "kms:Decrypt",
    "sts:GetFederationToken", "redshift:GetClusterCredentials",
    "redshift:GetClusterCredentialsWithIAM", "sso:GetRoleCredentials",
    "cognito-identity:GetCredentialsForIdentity", "lightsail:GetInstanceAccessDetails",
)  # fmt: skip

_SENSITIVE = SENSITIVE_WRITES + SECRET_READS

_EVERYTHING = re.compile(r"(?:\*+:)?\*+")
_SERVICE = re.compile(r"[^:*?]+:\*+")
# A resource pattern that names at most a type: "*", arn:aws:s3:::*, arn:aws:iam::*:role/*. In S3
# there are no types: before the slash stands a bucket.
_WIDE = re.compile(
    r"[*]+|arn:[^:]*:[^:]*:[^:]*:[^:]*:[*/]*[*][*/]*|arn:[^:]*:(?!s3:)[^:]*:[^:]*:[^:]*:[a-z-]+[:/][*]+"
)
# One that names nothing at all, not even a service; for IAM, one that names all of IAM is as good.
_ANYTHING = re.compile(r"[*]+|arn:[^:]*:[*]+:[^:]*:[^:]*:[*]+")
_ALL_OF_IAM = re.compile(r"arn:[^:]*:iam:[^:]*:[^:]*:[*]+")
_OF_ONESELF = "${aws:username}"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a statement gives, judged by its patterns alone; conditions may narrow it."""

    risk: str
    writes: bool
    wildcard: bool
    admin: bool


NO_REACH = Reach(risk="low", writes=False, wildcard=False, admin=False)


def reach(
    actions: tuple[str, ...], not_actions: tuple[str, ...], resources: tuple[str, ...],
    not_resources: tuple[str, ...],
) -> Reach:  # fmt: skip
    """The reach of an Allow statement.

    `wildcard`: an action is * or service:*, or the statement allows all but its NotAction. `admin`:
    all actions, all but some, or all of IAM, on everything. Risk: critical for administration and
    for what changes identities, rights or credentials, and for assuming any role; high for a whole
    service, for sensitive writes and for reading secrets anywhere; medium for other writes; low for
    reads.
    """
    wide = bool(not_resources) or any(map(is_wide, resources))
    unbounded = any(_EVERYTHING.fullmatch(each) for each in actions) or bool(not_actions)
    admin = _is_admin(actions, resources, unbounded=unbounded, all_but=bool(not_resources))
    wildcard = unbounded or any(_SERVICE.fullmatch(each) for each in actions)
    speaks_of = _Speaker(actions, not_actions)
    writes = unbounded or any(writes_by_name(each) for each in actions)
    if admin or _changes_identities(speaks_of, resources, wide=wide):
        risk = "critical"
    elif wildcard or (wide and speaks_of.any(_SENSITIVE)):
        risk = "high"
    else:
        risk = "medium" if writes else "low"
    return Reach(risk=risk, writes=writes, wildcard=wildcard, admin=admin)


def _is_admin(
    actions: tuple[str, ...], resources: tuple[str, ...], *, unbounded: bool, all_but: bool
) -> bool:
    anywhere = all_but or any(_ANYTHING.fullmatch(each) for each in resources)
    in_all_of_iam = anywhere or any(_ALL_OF_IAM.fullmatch(each) for each in resources)
    return (anywhere and unbounded) or (
        in_all_of_iam and any(covers(each, "iam:*") for each in actions)
    )


def is_wide(resource: str) -> bool:
    """Whether a resource pattern names nothing in particular: "*", or all of one type."""
    return _WIDE.fullmatch(resource) is not None


@lru_cache(maxsize=65_536)
def writes_by_name(pattern: str) -> bool:
    """Whether the pattern may cover more than reads; `s3:Get*` does not, `s3:G*` may."""
    name = literal_start(pattern.partition(":")[2]).lower()
    return not name.startswith(_READS)


class _Speaker:
    """Of which well-known actions a statement speaks."""

    def __init__(self, actions: tuple[str, ...], not_actions: tuple[str, ...]) -> None:
        self._actions = actions
        self._not_actions = not_actions

    def any(self, known: tuple[str, ...]) -> bool:
        if self._not_actions:
            return any(
                not any(covers(pattern, action) for pattern in self._not_actions)
                for action in known
            )
        return any(_covers_one_of(pattern, known) for pattern in self._actions)


@lru_cache(maxsize=65_536)
def _covers_one_of(pattern: str, known: tuple[str, ...]) -> bool:
    if not has_wildcard(pattern):
        return pattern.lower() in _lower(known)
    return any(covers(pattern, action) for action in known)


@lru_cache(maxsize=64)
def _lower(known: tuple[str, ...]) -> frozenset[str]:
    return frozenset(action.lower() for action in known)


def _changes_identities(speaks_of: _Speaker, resources: tuple[str, ...], *, wide: bool) -> bool:
    own = bool(resources) and all(_OF_ONESELF in each for each in resources)
    changes = (
        speaks_of.any(RIGHTS_ACTIONS)
        or (not own and speaks_of.any(CREDENTIAL_ACTIONS))
        or (wide and speaks_of.any(ASSUME_ACTIONS))
    )
    return changes and (not resources or any(_may_be_an_identity(each) for each in resources))


def _may_be_an_identity(resource: str) -> bool:
    """Whether the resource may belong to one of the services that keep identities: a bucket does
    not.
    """
    parts = resource.split(":")
    if len(parts) < 3 or has_wildcard(parts[0]) or has_wildcard(parts[1]):
        return True
    services = ("iam", "sts", "organizations", "sso", "identitystore")
    return any(covers(parts[2], service) for service in services)
