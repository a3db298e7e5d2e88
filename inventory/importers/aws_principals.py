"""Turns the trust policy of an AWS role into delegations: who may assume the role, and what is
known of them.

Source: AWS IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal". The principals
are stubs: a trust policy mentions them and knows little about them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from inventory.action_patterns import statement_covers
from inventory.importers.aws_actions import ASSUME_ACTIONS
from inventory.importers.aws_arns import (
    Arn,
    BadItem,
    clean,
    is_account,
    joined_id,
    parse_arn,
    sha256,
)
from inventory.importers.aws_policies import Statement, statements
from inventory.importers.records import DelegationRow, IdentityRow, Rejected

_ANYONE = "Any principal of AWS may assume the role, unless the conditions narrow it."
_ALL_BUT = "Everybody but those named may assume the role; it is judged as if anybody could."
_ANY_OF_ACCOUNT = "Any principal of the account whose own policies allow it may assume the role."
_ANY_OF_PROVIDER = "No condition says who of the provider may assume the role."
_DENIED = "A Deny statement of the trust policy may narrow who can assume the role."
_SESSION = "It is one session of a role; the trust ends with the session's name."
_DELETED = "The principal was deleted; AWS shows its unique id in its place."
_OUTSIDE = (
    "Whose account it is, the file does not say; accounts that were not imported count as outside."
)
_TRUSTS_ITSELF = "The trust policy lets the role assume itself; no delegation is recorded for that."
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA|GPA|NPA|NVA|PKA)[A-Z0-9]{8,}")
_CANONICAL = re.compile(r"[0-9a-f]{16,128}")
_HOST = re.compile(r"[a-z0-9.-]+(?:/[!-~]{0,300})?", re.IGNORECASE)
_AWS_HOSTED = ("cognito-identity.amazonaws.com", "cognito-identity.amazonaws.com.cn")


@dataclass(frozen=True, slots=True)
class Role:
    """Whose trust policy it is. `known_accounts` are those that the run holds files of."""

    arn: str
    account: str
    place: str
    known_accounts: frozenset[str] = frozenset()


@dataclass(slots=True)
class Trust:
    """What a trust policy says: delegations, stubs of those that it names, and caveats for the
    role.
    """

    delegations: list[DelegationRow] = field(default_factory=list)
    stubs: list[IdentityRow] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Named:
    """A principal, and what is to be said about a delegation to it."""

    stub: IdentityRow
    caveats: tuple[str, ...] = ()
    of_provider: bool = False


def read_trust(role: Role, document: object) -> Trust:
    """Reads the trust policy; what cannot be read is among `rejected`."""
    trust = Trust()
    found: list[Statement] = []
    for each in statements(document, f"{role.place}.AssumeRolePolicyDocument"):
        if isinstance(each, Rejected):
            trust.rejected.append(each)
        elif _is_about_assuming(each):
            found.append(each)
    denied = any(each.effect == "deny" for each in found)
    for statement in found:
        if statement.effect == "allow":
            _read_statement(role, statement, trust, denied=denied)
    return trust


def _is_about_assuming(statement: Statement) -> bool:
    return any(
        statement_covers(action, actions=statement.actions, not_actions=statement.not_actions)
        for action in ASSUME_ACTIONS
    )


def _read_statement(role: Role, statement: Statement, trust: Trust, *, denied: bool) -> None:
    try:
        named = list(_named(role, statement))
    except BadItem as bad:
        trust.rejected.append(
            Rejected(f"{role.place}.AssumeRolePolicyDocument", bad.name, str(bad))
        )
        return
    for each in {each.stub.external_id: each for each in named}.values():
        if each.stub.external_id == role.arn:
            trust.caveats.append(_TRUSTS_ITSELF)
            continue
        trust.stubs.append(each.stub)
        trust.delegations.append(_delegation(role, statement, each, denied=denied))


def _delegation(role: Role, statement: Statement, named: _Named, *, denied: bool) -> DelegationRow:
    caveats = list(named.caveats)
    if named.of_provider and not statement.conditions:
        caveats.append(_ANY_OF_PROVIDER)
    if denied:
        caveats.append(_DENIED)
    delegate = named.stub.external_id
    return DelegationRow(
        external_id=joined_id(role.arn, delegate, f"assume_role#{statement.key}"),
        place=role.place, scope=role.account, delegator_identity=role.arn, delegate=delegate,
        how="assume_role", conditions=statement.conditions, caveats=tuple(caveats),
    )  # fmt: skip


def _named(role: Role, statement: Statement) -> Iterator[_Named]:
    if statement.not_principal is not None:
        yield _all_but(role, statement.not_principal)
        return
    principals = statement.principal
    if principals == "*":
        principals = {"AWS": "*"}
    if not isinstance(principals, dict) or not principals:
        raise BadItem("Principal", "The statement names no principal. Correct the trust policy.")
    for kind, value in principals.items():
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str) or not each:
                raise BadItem("Principal", "A principal is not text. Correct the trust policy.")
            yield _principal(role, kind, each)


def _principal(role: Role, kind: str, value: str) -> _Named:
    if kind == "AWS":
        return _of_aws(role, value)
    if kind == "Service":
        return _service(role, value)
    if kind == "Federated":
        return _federated(role, value)
    if kind == "CanonicalUser":
        if not _CANONICAL.fullmatch(value):
            raise BadItem("Principal", "The canonical user is no id. Correct the trust policy.")
        return _Named(
            _stub(
                role,
                f"aws:canonical-user:{value}",
                f"Canonical user {value[:12]}",
                "canonical_user",
            )
        )
    raise BadItem(
        "Principal",
        f'The kind of principal "{clean(kind, 40)}" is not known here. It was left out.',
    )


def _of_aws(role: Role, value: str) -> _Named:
    if value == "*":
        stub = _stub(role, "aws:anyone", "Anyone (*)", "anyone")
        return _Named(replace(stub, third_party=True), (_ANYONE,))
    if is_account(value):
        return _account(role, value)
    arn = parse_arn(value)
    if arn is None:
        if not _UNIQUE_ID.fullmatch(value):
            raise BadItem(
                "Principal",
                "A principal is neither an ARN nor an account. Correct the trust policy.",
            )
        stub = _stub(role, f"aws:unique-id:{value}", f"Deleted principal {value}", "deleted")
        return _Named(stub, (_DELETED,))
    if arn.resource == "root":
        return _account(role, arn.account)
    return _user_or_role(role, arn)


def _account(role: Role, account: str) -> _Named:
    """The account as principal means any of its principals, not its root user."""
    ours = account == role.account or account in role.known_accounts
    stub = _stub(
        role, f"aws:account:{account}:principals", f"Any principal of AWS account {account}",
        "account", account,
    )  # fmt: skip
    stub = replace(stub, third_party=not ours)
    return _Named(stub, (_ANY_OF_ACCOUNT,) if ours else (_ANY_OF_ACCOUNT, _OUTSIDE))


def _user_or_role(role: Role, arn: Arn) -> _Named:
    ours = arn.account == role.account
    is_session = arn.service == "sts"
    kinds = {"user": "service_account", "role": "role", "assumed-role": "role"}
    stub = _stub(
        role, arn.text, arn.tail if ours else f"{arn.resource} of account {arn.account}",
        "session" if is_session else arn.kind, arn.account,
    )  # fmt: skip
    if ours:
        stub = replace(stub, kind=kinds.get(arn.kind, "external_account"))
    else:
        stub = replace(stub, third_party=arn.account not in role.known_accounts)
    caveats = (_SESSION,) if is_session else ()
    return _Named(stub, caveats if not stub.third_party else (*caveats, _OUTSIDE))


def _service(role: Role, value: str) -> _Named:
    name = clean(value, 200).lower()
    stub = _stub(role, f"aws:service:{name}", name, "aws_service")
    return _Named(replace(stub, platform_managed=True))


def _federated(role: Role, value: str) -> _Named:
    arn = parse_arn(value)
    if arn is not None and arn.kind in {"saml-provider", "oidc-provider"}:
        _, _, name = arn.resource.partition("/")
        stub = _stub(
            role, arn.text, f"{name[:250]} ({arn.kind[:4].upper()} provider)",
            arn.kind.replace("-", "_"), arn.account,
        )  # fmt: skip
        return _Named(stub, of_provider=arn.kind == "oidc-provider")
    if not _HOST.fullmatch(value):
        raise BadItem(
            "Principal", "The federated principal is no provider. Correct the trust policy."
        )
    host = value.lower()
    stub = _stub(role, f"aws:federated:{host}", host, "web_identity")
    of_aws = host in _AWS_HOSTED
    return _Named(replace(stub, third_party=not of_aws, platform_managed=of_aws), of_provider=True)


def _all_but(role: Role, not_principal: object) -> _Named:
    """NotPrincipal with Allow: the set is one stub, recognised by its digest."""
    values = not_principal.values() if isinstance(not_principal, dict) else [not_principal]
    excluded = sorted(
        each
        for value in values
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, str)
    )
    names = clean(", ".join(excluded), 280)
    stub = _stub(
        role, f"aws:anyone-except:{sha256(' '.join(excluded))}", f"Anyone except {names}",
        "anyone_except",
    )  # fmt: skip
    return _Named(replace(stub, third_party=True), (_ALL_BUT,))


def _stub(
    role: Role, external_id: str, name: str, principal_type: str, account: str = ""
) -> IdentityRow:
    attributes = {"principal_type": principal_type} | ({"account": account} if account else {})
    return IdentityRow(
        external_id=external_id, place=role.place, scope=role.account, kind="external_account",
        name=name[:300], stub=True, attributes=attributes,
    )  # fmt: skip
