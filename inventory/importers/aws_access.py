"""Works out what each AWS user and role is given: by its own policies, attached ones, and its
groups.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inventory.importers.aws_arns import (
    Arn,
    BadItem,
    clean,
    is_account,
    joined_id,
    name_of,
    parse_arn,
)
from inventory.importers.aws_policies import (
    UNKNOWN_TEXT,
    Policy,
    entitlements,
    unknown_policy,
)
from inventory.importers.aws_powers import Power, speaks_of_rights
from inventory.importers.records import EntitlementRow, GrantRow, Rejected

DENIED = "A Deny statement also applies to this identity; the effective right may be smaller."

# Any: items are JSON of the file's making until each field has been checked.
Item = Mapping[str, Any]
Read = EntitlementRow | Rejected


@dataclass(frozen=True, slots=True)
class _Held:
    """One entitlement that a policy holds: all that is remembered of most statements."""

    entitlement: str
    denies: bool
    admin: bool = False
    row: EntitlementRow | None = None  # kept where it speaks of rights, roles or credentials


@dataclass(frozen=True, slots=True)
class _WayIn:
    """One policy of an identity or a group: inline with what it holds, or attached."""

    via: str
    held: tuple[_Held, ...] = ()
    attached: Policy | None = None


@dataclass(slots=True)
class Rights:
    """What an identity is given; `rows` are entitlements that only its own item holds, and what is
    wrong.
    """

    rows: list[Read] = field(default_factory=list)
    grants: list[GrantRow] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    powers: list[Power] = field(default_factory=list)
    policies: tuple[str, ...] = ()
    is_admin: bool = False


class Access:
    """The policies and groups of all accounts of a run. Policies come before the rights that rest
    on them.
    """

    def __init__(self) -> None:
        self._policies: dict[str, tuple[_Held, ...]] = {}
        self._groups: dict[tuple[str, str], tuple[_WayIn, ...]] = {}
        self._group_ways: dict[str, tuple[_WayIn, ...]] = {}
        self.unknown_policies = 0

    def managed_policy(self, value: object, accounts: Sequence[str], place: str) -> Iterator[Read]:
        """The statements of a policy's default version; AWS's own have them in each account."""
        item, arn = named_item(value, "policy")
        document = _default_version(item)
        for account in accounts if arn.account == "aws" else [arn.account]:
            policy = _managed(arn, account, place)
            if policy.key in self._policies:
                if arn.account == "aws":
                    continue
                raise BadItem(
                    "Arn", "The same policy stands in the files already. Remove one of the two."
                )
            rows = list(entitlements(policy, document))
            self._policies[policy.key] = _held(rows)
            yield from rows

    def group(self, value: object, place: str) -> Iterator[Read]:
        """The statements of a group's inline policies; what the group gives is remembered."""
        item, arn = named_item(value, "group")
        key = (arn.account, _name(item, "GroupName"))
        if key in self._groups:
            raise BadItem(
                "Arn", "The same group stands in the files already. Remove one of the two."
            )
        rows: list[Read] = []
        self._groups[key] = ways = tuple(self._own_ways(item, arn, place, rows))
        self._group_ways[arn.text] = ways
        yield from rows

    def unknown_policies_of_groups(self) -> Iterator[EntitlementRow]:
        """Policies that groups have and the files do not hold; to be asked when all policies are
        read.
        """
        for ways in self._groups.values():
            for way in ways:
                rows: list[Read] = []
                self._resolved(way, rows)
                yield from (row for row in rows if isinstance(row, EntitlementRow))

    def rights(self, item: Item, arn: Arn, place: str) -> Rights:
        """Everything that a user or role is given, with its way in."""
        rights = Rights()
        ways = [*self._own_ways(item, arn, place, rights.rows), *self._of_groups(item, arn, rights)]
        held = {
            (way.via, each.entitlement): each
            for way in ways
            for each in self._resolved(way, rights.rows)
        }
        if any(each.denies for each in held.values()):
            rights.caveats.append(DENIED)
        rights.caveats.extend(_boundary(item))
        rights.grants.extend(
            GrantRow(
                external_id=joined_id(arn.text, via, each.entitlement), place=place,
                scope=arn.account, identity=arn.text, entitlement=each.entitlement, via=via,
                caveats=() if each.denies else tuple(rights.caveats),
            )
            for (via, _), each in held.items()
        )  # fmt: skip
        rights.powers.extend(
            Power(grant.external_id, each.row)
            for grant, each in zip(rights.grants, held.values(), strict=True)
            if each.row is not None
        )
        rights.policies = tuple(
            dict.fromkeys(way.attached.label for way in ways if way.attached is not None)
        )
        rights.is_admin = any(each.admin for each in held.values())
        return rights

    def admin_groups(self) -> Iterator[str]:
        """ARNs of the groups that give administration."""
        for arn, ways in self._group_ways.items():
            held = [each for way in ways for each in self._resolved(way, [])]
            if any(each.admin for each in held):
                yield arn

    def groups_of(self, item: Item, arn: Arn) -> tuple[str, ...]:
        """ARNs of the groups that the user is in, of those in the files."""
        names = item.get("GroupList") or []
        wanted = {name_of(name) for name in names} if isinstance(names, list) else set()
        return tuple(
            text
            for text in self._group_ways
            if (found := parse_arn(text)) and found.account == arn.account and found.tail in wanted
        )

    def boundary(self, item: Item, account: str) -> tuple[EntitlementRow, ...] | None:
        """The statements of its permissions boundary that count here; () without one, None where its text is not in
        the files."""
        boundary = item.get("PermissionsBoundary")
        if not isinstance(boundary, dict):
            return ()
        arn = parse_arn(boundary.get("PermissionsBoundaryArn"))
        held = self._policies.get(_managed(arn, account, "").key) if arn is not None else None
        if held is None or any(each.row and UNKNOWN_TEXT in each.row.caveats for each in held):
            return None
        return tuple(each.row for each in held if each.row is not None)

    def _own_ways(self, item: Item, owner: Arn, place: str, rows: list[Read]) -> Iterator[_WayIn]:
        """Inline and attached policies; the same three names with another first word in each kind
        of item.
        """
        kind = owner.kind.title()
        names = set()
        for number, inline in enumerate(_list(item, f"{kind}PolicyList")):
            at = f"{place}.{kind}PolicyList[{number}]"
            name = _name(inline, "PolicyName")
            if name in names:
                raise BadItem(
                    "PolicyName", "Two inline policies have one name. Export the file again."
                )
            names.add(name)
            policy = Policy(
                key=f"{owner.text}/inline/{name}", name=name, account=owner.account, place=at,
                label=f"inline policy {name} of {owner.text}",
            )  # fmt: skip
            read = list(entitlements(policy, inline.get("PolicyDocument")))
            rows.extend(read)
            yield _WayIn(f"inline policy {name}", held=_held(read))
        for attached in _list(item, "AttachedManagedPolicies"):
            arn = parse_arn(attached.get("PolicyArn"))
            if arn is None:
                raise BadItem(
                    "PolicyArn", "The policy's ARN is missing or no ARN. Export the file again."
                )
            yield _WayIn(f"policy {arn.tail}", attached=_managed(arn, owner.account, place))

    def _of_groups(self, item: Item, arn: Arn, rights: Rights) -> Iterator[_WayIn]:
        names = item.get("GroupList") or []
        for name in names if isinstance(names, list) else []:
            ways = self._groups.get((arn.account, name_of(name)))
            if ways is None:
                rights.caveats.append(
                    f"Its group {name_of(name)} is not in the file; what it gives is unknown."
                )
            for way in ways or ():
                yield _WayIn(f"group {name_of(name)} > {way.via}", way.held, way.attached)

    def _resolved(self, way: _WayIn, rows: list[Read]) -> tuple[_Held, ...]:
        """What the way gives. A policy without text becomes one entitlement, said once."""
        if way.attached is None:
            return way.held
        known = self._policies.get(way.attached.key)
        if known is None:
            row = unknown_policy(way.attached)
            rows.append(row)
            known = self._policies[way.attached.key] = _held([row])
            self.unknown_policies += 1
        return known


def named_item(value: object, kind: str) -> tuple[Item, Arn]:
    """The item and its ARN; raises BadItem for one of another kind, or of none."""
    if not isinstance(value, dict):
        raise BadItem("", "The item is not a JSON object. Export the file again.")
    arn = parse_arn(value.get("Arn"))
    if arn is None or arn.service != "iam" or arn.kind != kind:
        raise BadItem("Arn", f"The ARN is missing, or not that of a {kind}. Export the file again.")
    is_of_aws = kind == "policy" and arn.account == "aws"
    if not is_account(arn.account) and not is_of_aws:
        raise BadItem("Arn", "The ARN names no account. Export the file again.")
    return value, arn


def _managed(arn: Arn, account: str, place: str) -> Policy:
    """AWS's own policies have one ARN in all accounts; the account makes the key unique."""
    key = f"{arn.text}@{account}" if arn.account == "aws" else arn.text
    return Policy(key=key, name=arn.tail, label=arn.text, account=account, place=place)


def _held(rows: Sequence[Read]) -> tuple[_Held, ...]:
    return tuple(
        _Held(
            row.external_id,
            row.effect == "deny",
            row.admin and not row.conditions,
            row if speaks_of_rights(row) or UNKNOWN_TEXT in row.caveats else None,
        )
        for row in rows
        if isinstance(row, EntitlementRow)
    )


def _default_version(item: Item) -> object:
    versions = _list(item, "PolicyVersionList")
    default = item.get("DefaultVersionId")
    for version in versions:
        if version.get("IsDefaultVersion") is True or version.get("VersionId") == default:
            return version.get("Document")
    raise BadItem(
        "PolicyVersionList", "The policy's default version is missing. Export the file again."
    )


def _boundary(item: Item) -> Iterator[str]:
    boundary = item.get("PermissionsBoundary")
    if isinstance(boundary, dict):
        name = clean(boundary.get("PermissionsBoundaryArn"), 500) or "without a name"
        yield (
            f"The permissions boundary {name} limits this identity; the effective right may be "
            "smaller."
        )


def _list(item: Item, name: str) -> list[Item]:
    found = item.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadItem(name, "The value is not a list of objects. Export the file again.")
    return found


def _name(item: Item, name: str) -> str:
    found = name_of(item.get(name))
    if not found:
        raise BadItem(name, "The name is missing. Export the file again.")
    return found
