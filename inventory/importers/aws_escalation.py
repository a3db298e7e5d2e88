"""What AWS identities can become by what they were granted: derived delegations, one for each method and target.

A claim is certain only where every action it needs is allowed without condition, no denial or boundary stands against
it, and the role can really be assumed by the service or account in question. Where only a condition or a missing text
is in doubt it is a "may", with the reason; everything else is not claimed. The methods: `inventory/methods_aws.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from inventory.importers.aws_arns import joined_id
from inventory.importers.aws_policies import system_id
from inventory.importers.aws_powers import ANY, Principal, Verdict, allowed, denials
from inventory.importers.aws_trusts import (
    account_trust,
    service_trust,
    trusted_accounts,
    trusted_services,
)
from inventory.importers.records import (
    DelegationRow,
    EntitlementRow,
    GrantRow,
    IdentityRow,
    Json,
    Row,
)
from inventory.methods_aws import OTHERS, PASS_ROLE, RUNNING, SELF, TRUST
from inventory.methods_table import Method

_METHOD = {method.id: method for method in (*SELF, *OTHERS)}
_WHICH_ROLE = "The files do not say which role it runs as; this is one that it could be."
_NO_PROFILE_SAID = "The files do not say whether a machine can hold the role."
_DENIES_ITSELF = "A Deny statement of the delegate forbids it to assume the role."
_NOT_ALLOWED = "The role is another account's, and the delegate's own policies do not allow it to assume the role."
_AWS_OWNED = ":iam::aws:"


@dataclass(slots=True)
class Claim:
    """`parts`: what allows each action that is needed."""

    target: str
    method: Method
    parts: list[Verdict]
    caveats: list[str] = field(default_factory=list)
    conditions: Json | None = None

    @property
    def is_certain(self) -> bool:
        return not self.conditions and not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys([*self.caveats, *(each for part in self.parts for each in part.caveats)])
        )


class Escalations:
    """All users and roles of a run; asked once all are known."""

    def __init__(self) -> None:
        self._principals: list[Principal] = []
        self._by_arn: dict[str, Principal] = {}
        self._admins: set[str] = set()
        self._bound_admins: set[str] = set()
        self._admin_groups: set[str] = set()

    def add(self, who: Principal, *, is_admin: bool) -> None:
        """`is_admin`: its policies give administration, before any boundary."""
        self._principals.append(who)
        self._by_arn[who.arn] = who
        if is_admin:
            (self._bound_admins if who.has_boundary else self._admins).add(who.arn)

    def add_admin_group(self, arn: str) -> None:
        self._admin_groups.add(arn)

    def doubted(self, row: DelegationRow) -> DelegationRow:
        """A delegation of a trust policy, with what the delegate's own policies put in doubt: a denial; and, from one
        account to another, that they do not allow it (IAM User Guide, Cross account resource access in IAM)."""
        who = self._by_arn.get(row.delegate)
        role = row.delegator_identity or ""
        if who is None:
            return row
        denied = denials(who, "sts:AssumeRole", role)
        crosses = f":{who.account}:" not in role
        own = allowed(who, "sts:AssumeRole", role) if crosses else None
        caveats = list(denied if denied is not None else [_DENIES_ITSELF])
        if crosses and own is None and denied is not None:
            caveats.append(_NOT_ALLOWED)
        elif own is not None:
            caveats += own.caveats
        return replace(row, caveats=tuple(dict.fromkeys([*row.caveats, *caveats])))

    def rows(self) -> Iterator[Row]:
        """The delegations, and the administrator of each account that somebody can become."""
        estate = _Estate(self._principals)
        made: set[str] = set()
        for who in self._principals:
            if who.arn in self._admins:
                continue
            claims = list(self._of_itself(who))
            if not any(claim.is_certain for claim in claims):
                claims += [*_of_others(who, estate), *_of_roles(who, estate)]
            claims += _by_trust(who, estate)
            rises = any(claim.target == administrator(who.account) for claim in claims)
            if rises and who.account not in made:
                made.add(who.account)
                yield from _administrator_rows(who)
            yield from (_row(who, claim) for claim in claims)

    def _of_itself(self, who: Principal) -> Iterator[Claim]:
        """What makes it administrator: a change of its own rights."""
        kind, me = who.kind.title(), who.arn
        target = administrator(who.account)
        asked: list[tuple[str, str, Iterable[str]]] = [
            ("aws-policy-version", "iam:CreatePolicyVersion", [p for p in who.policies if _AWS_OWNED not in p]),
            ("aws-attach-own-policy", f"iam:Attach{kind}Policy", [me]),
            ("aws-put-own-policy", f"iam:Put{kind}Policy", [me]),
            ("aws-attach-group-policy", "iam:AttachGroupPolicy", who.groups),
            ("aws-put-group-policy", "iam:PutGroupPolicy", who.groups),
        ]  # fmt: skip
        if who.kind == "user":
            others = sorted(self._admin_groups - set(who.groups))
            mine = [group for group in others if f"::{who.account}:" in group]
            asked.append(("aws-join-group", "iam:AddUserToGroup", mine))
        if who.arn in self._bound_admins:
            asked.append(("aws-remove-boundary", f"iam:Delete{kind}PermissionsBoundary", [me]))
        for method, action, resources in asked:
            part = _best(allowed(who, action, resource) for resource in resources)
            if part is not None:
                yield Claim(target, _METHOD[method], [part])


class _Estate:
    """The roles by whom they trust, and the users by account."""

    def __init__(self, principals: Sequence[Principal]) -> None:
        self.users: dict[str, list[Principal]] = defaultdict(list)
        self.roles: dict[str, list[Principal]] = defaultdict(list)
        self.role: dict[str, Principal] = {}
        self.by_service: dict[tuple[str, str], list[Principal]] = defaultdict(list)
        self.by_account: dict[str, list[Principal]] = defaultdict(list)
        for each in principals:
            if each.kind == "user":
                self.users[each.account].append(each)
                continue
            self.roles[each.account].append(each)
            self.role[each.arn] = each
            for service in trusted_services(each.trusts):
                self.by_service[each.account, service].append(each)
            for account in trusted_accounts(each.trusts):
                self.by_account[account].append(each)


def _of_others(who: Principal, estate: _Estate) -> Iterator[Claim]:
    """Credentials of other users, and the trust of roles."""
    for method, targets in (
        ("aws-access-key", estate.users), ("aws-create-password", estate.users),
        ("aws-change-password", estate.users), ("aws-change-trust", estate.roles),
    ):  # fmt: skip
        action = _METHOD[method].needs[0]
        if allowed(who, action, ANY) is None:
            continue
        for target in targets[who.account]:
            if target.arn != who.arn and (part := allowed(who, action, target.arn)):
                yield Claim(target.arn, _METHOD[method], [part])


def _of_roles(who: Principal, estate: _Estate) -> Iterator[Claim]:
    """Roles that can be handed to something that runs the identity's own code, or that runs as them already."""
    for service, methods in (*PASS_ROLE.items(), *RUNNING.items()):
        roles = [
            role
            for role in estate.by_service.get((who.account, service), ())
            if role.arn != who.arn
        ]
        for method in methods if roles else ():
            for claim in _handed(who, method, roles, service):
                yield from _run_as(claim, estate.role[claim.target], service)


def _handed(
    who: Principal, method: Method, roles: Iterable[Principal], service: str
) -> Iterator[Claim]:
    passes = method.needs[0] == "iam:PassRole"
    run = [allowed(who, action, ANY) for action in method.needs if action != "iam:PassRole"]
    parts = [part for part in run if part is not None]
    if len(parts) < len(run):
        return
    for role in roles:
        if not passes:
            yield Claim(role.arn, method, parts, [_WHICH_ROLE])
        elif passed := allowed(who, "iam:PassRole", role.arn, service=service):
            yield Claim(role.arn, method, [passed, *parts])


def _run_as(claim: Claim, role: Principal, service: str) -> Iterator[Claim]:
    """With what the role's own side says; nothing where no machine can hold the role."""
    trust = service_trust(role.trusts, service)
    if trust is None:
        return
    claim.caveats += trust.caveats
    claim.conditions = trust.conditions
    if service == "ec2.amazonaws.com":
        if role.profiles is False:
            return
        if role.profiles is None:
            claim.caveats.append(_NO_PROFILE_SAID)
    yield claim


def _by_trust(who: Principal, estate: _Estate) -> Iterator[Claim]:
    """Roles that trust the whole account: the identity's own policies decide."""
    roles = estate.by_account.get(who.account, ())
    if not roles or allowed(who, "sts:AssumeRole", ANY) is None:
        return
    for role in roles:
        part = allowed(who, "sts:AssumeRole", role.arn)
        trust = account_trust(role.trusts, who.account, who.arn)
        if part is not None and trust is not None and role.arn != who.arn:
            yield Claim(role.arn, TRUST, [part], list(trust.caveats), trust.conditions)


def _best(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    """Of several resources on which the same act is enough, the certain ones, or else the first."""
    found = [verdict for verdict in verdicts if verdict is not None]
    sure = [verdict for verdict in found if not verdict.caveats]
    if sure:
        return Verdict(tuple(sorted({grant for verdict in sure for grant in verdict.grants})))
    return found[0] if found else None


def administrator(account: str) -> str:
    return f"aws:account:{account}:administrator"


def _administrator_rows(who: Principal) -> Iterator[Row]:
    """The stub that stands for any right in the account, and what it holds."""
    account, stub = who.account, administrator(who.account)
    entitlement = f"{stub}#everything"
    yield EntitlementRow(
        external_id=entitlement, place=who.place, scope=account, system=system_id(account),
        name="Everything in the account", actions=("*",), resources=("*",), risk="critical",
        writes=True, wildcard=True, admin=True,
    )  # fmt: skip
    yield IdentityRow(
        external_id=stub, place=who.place, scope=account, kind="external_account", stub=True,
        name=f"Administrator of AWS account {account}", platform_managed=True,
        attributes={"principal_type": "administrator", "account": account},
    )  # fmt: skip
    yield GrantRow(
        external_id=joined_id(stub, entitlement), place=who.place, scope=account, identity=stub,
        entitlement=entitlement, via="any right in the account",
    )  # fmt: skip


def _row(who: Principal, claim: Claim) -> DelegationRow:
    return DelegationRow(
        external_id=joined_id(claim.target, who.arn, claim.method.id), place=who.place,
        scope=who.account, delegator_identity=claim.target, delegate=who.arn, how=claim.method.how,
        method=claim.method.id, rests_on=tuple(part.grants for part in claim.parts),
        conditions=claim.conditions or {}, caveats=claim.reasons,
    )  # fmt: skip
