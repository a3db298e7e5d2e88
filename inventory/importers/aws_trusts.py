"""Whom the trust policy of a role lets in: a service, or a whole account; with what stays in doubt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inventory.action_patterns import statement_covers
from inventory.importers.aws_arns import is_account, parse_arn
from inventory.importers.aws_policies import Statement
from inventory.importers.records import NOTHING, Json

ASSUME = "sts:AssumeRole"
_DENIED = "A Deny statement of the trust policy may narrow who can assume the role."


@dataclass(frozen=True, slots=True)
class Admission:
    """It is trusted, under these conditions and with these doubts."""

    conditions: Json
    caveats: tuple[str, ...] = ()


def trusted_services(trusts: Sequence[Statement]) -> frozenset[str]:
    return frozenset(
        service.lower() for each in _allowing(trusts) for service in _named(each, "Service")
    )


def trusted_accounts(trusts: Sequence[Statement]) -> frozenset[str]:
    """Accounts that are trusted as a whole."""
    found = (account_of(named) for each in _allowing(trusts) for named in _named(each, "AWS"))
    return frozenset(account for account in found if account)


def service_trust(trusts: Sequence[Statement], service: str) -> Admission | None:
    found = [
        each
        for each in _allowing(trusts)
        if service in (name.lower() for name in _named(each, "Service"))
    ]
    return _admitted(found, trusts)


def account_trust(trusts: Sequence[Statement], account: str, arn: str) -> Admission | None:
    """Of somebody in an account that is trusted as a whole; None where they are named themselves as well, because then
    their own policies do not matter within the account, and the trust policy says it already."""
    if any(arn in _named(each, "AWS") for each in _allowing(trusts)):
        return None
    found = [
        each
        for each in _allowing(trusts)
        if account in (account_of(named) for named in _named(each, "AWS"))
    ]
    return _admitted(found, trusts)


def account_of(principal: str) -> str:
    """The account where the principal is one as a whole; else nothing."""
    if is_account(principal):
        return principal
    arn = parse_arn(principal)
    return arn.account if arn is not None and arn.resource == "root" else ""


def _admitted(found: Sequence[Statement], trusts: Sequence[Statement]) -> Admission | None:
    """The statement with the fewest conditions counts."""
    if not found:
        return None
    denied = any(each.effect == "deny" for each in trusts)
    easiest = min(found, key=lambda each: len(each.conditions))
    return Admission(easiest.conditions or NOTHING, (_DENIED,) if denied else ())


def _allowing(trusts: Sequence[Statement]) -> Iterator[Statement]:
    for each in trusts:
        speaks = statement_covers(ASSUME, actions=each.actions, not_actions=each.not_actions)
        if each.effect == "allow" and speaks:
            yield each


def _named(statement: Statement, kind: str) -> tuple[str, ...]:
    principal = {"AWS": "*"} if statement.principal == "*" else statement.principal
    value = principal.get(kind) if isinstance(principal, dict) else None
    found = value if isinstance(value, list) else [value]
    return tuple(each for each in found if isinstance(each, str))
