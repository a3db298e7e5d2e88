"""Reads whole AWS accounts: users, roles, what their policies give them, and who may assume the
roles.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from inventory.importers.aws_access import Access, Item, Rights, named_item
from inventory.importers.aws_arns import (
    Arn,
    BadItem,
    Tags,
    clean,
    is_account,
    name_of,
    parse_arn,
    read_tags,
    time_of,
)
from inventory.importers.aws_documents import Documents
from inventory.importers.aws_escalation import Escalations
from inventory.importers.aws_policies import Statement, statements, system_id
from inventory.importers.aws_powers import Principal
from inventory.importers.aws_principals import Role, read_trust
from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.records import (
    DelegationRow,
    EntitlementRow,
    IdentityRow,
    Incomplete,
    Rejected,
    Said,
    SystemRow,
    Tally,
)

USERS, GROUPS, ROLES, POLICIES = "UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"

_WORDS = {USERS: "users", GROUPS: "groups", ROLES: "roles", POLICIES: "policies"}
_SERVICE_LINKED = "/aws-service-role/"


class AwsIam(Connector):
    """Users, groups, roles and policies, from `aws iam get-account-authorization-details`."""

    key = "aws-iam"
    label = "AWS IAM"
    namespace = "aws"
    help = (
        "Run `aws iam get-account-authorization-details > account.json` in each account, and "
        "upload the files together. A JSON list of such answers, or an object of them by "
        "account id, is read as well."
    )
    suffixes = (".json",)

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        reading = _Reading(files)
        yield from reading.shape()
        yield from reading.policies_and_groups()
        yield from reading.users_and_roles()
        yield from reading.what_they_can_become()
        yield from reading.tallies()


@dataclass(slots=True)
class _Document:
    """What the first pass finds out about one answer."""

    where: str
    accounts: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    is_truncated: bool = False


class _Reading:
    """One run of three passes: where everything stands; then policies and groups; then users and
    roles.

    Between the passes only ids are kept, so that a file of any size takes little memory.
    """

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = files
        self._documents: dict[tuple[int, str], _Document] = {}
        self._counts: Counter[str] = Counter()
        self._access = Access()
        self._accounts: frozenset[str] = frozenset()
        self._stubs: dict[str, IdentityRow] = {}
        self._escalations = Escalations()
        self._trusts: list[DelegationRow] = []
        self._places: dict[str, str] = {}

    def shape(self) -> Iterator[Said]:
        """Systems, and what is missing; raises WrongFile before anything else is said."""
        for number, file in enumerate(self._files):
            self._survey(number, file)
        for document in self._documents.values():
            yield from _incomplete(document)
        self._accounts = frozenset().union(*(each.accounts for each in self._documents.values()))
        if not self._accounts:
            yield Incomplete("The files name no account, so nothing in them can be placed.")
        for account in sorted(self._accounts):
            yield SystemRow(
                external_id=system_id(account), place=f"account {account}", scope=account,
                name=f"AWS account {account}", kind="aws_account",
            )  # fmt: skip

    def policies_and_groups(self) -> Iterator[Said]:
        """The statements of all policies, and what groups give; groups are no identities
        themselves.
        """
        for document, key, place, item in self._items((POLICIES, GROUPS)):
            # A page that holds nothing but AWS's own policies names no account: they are the same
            # in all.
            accounts = document.accounts or self._accounts
            try:
                if key == POLICIES:
                    said = self._access.managed_policy(item, sorted(accounts), place)
                else:
                    said = self._access.group(item, place)
                yield from self._counted(said)
            except BadItem as bad:
                yield Rejected(place, bad.name, str(bad))
        yield from self._counted(self._access.unknown_policies_of_groups())

    def users_and_roles(self) -> Iterator[Said]:
        """Identities with their grants and delegations, and stubs of those that only a trust policy
        names.
        """
        for _, key, place, item in self._items((USERS, ROLES)):
            try:
                yield from self._counted(self._identity(key, item, place))
            except BadItem as bad:
                yield Rejected(place, bad.name, str(bad))
        for external_id, stub in self._stubs.items():
            if external_id not in self._places:
                yield stub

    def what_they_can_become(self) -> Iterator[Said]:
        """Delegations of trust policies, and those that follow from what the identities were granted."""
        for arn in self._access.admin_groups():
            self._escalations.add_admin_group(arn)
        for row in self._trusts:
            yield self._escalations.doubted(row)
        yield from self._escalations.rows()

    def tallies(self) -> Iterator[Tally]:
        for word in _WORDS.values():
            yield Tally(word, self._counts[word])
        yield Tally("accounts", len(self._accounts))
        yield Tally("statements", self._counts["statements"])
        yield Tally("policies without text", self._access.unknown_policies)

    def _survey(self, number: int, file: SourceFile) -> None:
        documents = Documents(file, holds_document=is_account)
        for place, key in documents:
            name = f"{file.name} {place}".rstrip()
            document = self._documents.setdefault((number, place), _Document(name))
            if is_account(place):
                document.accounts.add(place)
            if key == "IsTruncated":
                document.is_truncated = documents.value() is True
            elif key in _WORDS:
                self._survey_list(document, key, documents)
        found = [each for (of, _), each in self._documents.items() if of == number]
        if not found or not all(each.lists for each in found):
            raise WrongFile(
                f"{file.name} is not the answer of get-account-authorization-details. Upload what "
                "that command writes."
            )

    def _survey_list(self, document: _Document, key: str, documents: Documents) -> None:
        document.lists.add(key)
        for text in documents.fields("Arn"):
            self._counts[_WORDS[key]] += 1
            arn = parse_arn(text)
            if arn and is_account(arn.account):
                document.accounts.add(arn.account)

    def _items(self, wanted: tuple[str, ...]) -> Iterator[tuple[_Document, str, str, object]]:
        """Document, list, place and item of each item of the wanted lists."""
        for number, file in enumerate(self._files):
            documents = Documents(file, holds_document=is_account)
            before = f"{file.name} " if len(self._files) > 1 else ""
            for place, key in documents:
                if key in wanted:
                    document = self._documents[number, place]
                    start = f"{before}{place}{'.' if place else ''}{key}"
                    for index, item in enumerate(documents.items()):
                        yield document, key, f"{start}[{index}]", item

    def _identity(self, key: str, value: object, place: str) -> Iterator[Said]:
        item, arn = named_item(value, "user" if key == USERS else "role")
        if arn.text in self._places:
            raise BadItem(
                "Arn", f"It stands at {self._places[arn.text]} already. Remove one of the two."
            )
        rights = self._access.rights(item, arn, place)
        # First of all, because others may hold them too: they must stay if this identity is
        # refused.
        yield from rights.rows
        who = self._principal(key, item, arn, place, rights)
        if key == USERS:
            yield _user(item, arn, place, rights)
        else:
            yield from self._role(item, arn, place, rights)
        self._places[arn.text] = place
        self._escalations.add(who, is_admin=rights.is_admin)
        yield from rights.grants

    def _principal(self, key: str, item: Item, arn: Arn, place: str, rights: Rights) -> Principal:
        """What has to be known of it until all are read."""
        is_role = key == ROLES
        profiles = item.get("InstanceProfileList")
        document = item.get("AssumeRolePolicyDocument") if is_role else None
        return Principal(
            arn=arn.text, kind=arn.kind, account=arn.account, name=arn.tail, place=place,
            powers=rights.powers, policies=rights.policies,
            groups=() if is_role else self._access.groups_of(item, arn),
            boundary=self._access.boundary(item, arn.account),
            has_boundary=isinstance(item.get("PermissionsBoundary"), dict),
            trusts=tuple(
                each for each in statements(document, place) if isinstance(each, Statement)
            ) if is_role else (),
            profiles=bool(profiles) if isinstance(profiles, list) else None,
        )  # fmt: skip

    def _role(self, item: Item, arn: Arn, place: str, rights: Rights) -> Iterator[Said]:
        role = Role(arn.text, arn.account, place, self._accounts)
        trust = read_trust(role, item.get("AssumeRolePolicyDocument"))
        rights.caveats.extend(trust.caveats)
        yield _role_row(item, arn, place, rights)
        for stub in trust.stubs:
            self._stubs.setdefault(stub.external_id, stub)
        yield from trust.rejected
        self._trusts.extend(trust.delegations)

    def _counted(self, said: Iterator[Said]) -> Iterator[Said]:
        for each in said:
            if isinstance(each, EntitlementRow):
                self._counts["statements"] += 1
            yield each


def _incomplete(document: _Document) -> Iterator[Incomplete]:
    for key, word in _WORDS.items():
        if key not in document.lists:
            yield Incomplete(f"{document.where} has no {key}: its {word} are unknown.")
    if document.is_truncated:
        yield Incomplete(f"{document.where} is one page of several. Export all pages.")


def _user(item: Item, arn: Arn, place: str, rights: Rights) -> IdentityRow:
    tags = read_tags(item.get("Tags"))
    groups = item.get("GroupList")
    own = {"groups": [name_of(each) for each in groups] if isinstance(groups, list) else []}
    return IdentityRow(
        external_id=arn.text, place=place, scope=arn.account, kind="service_account",
        name=arn.tail, source_state="enabled",
        environment=tags.environment, purpose=tags.purpose, owner_email=tags.owner_email,
        created_at=time_of(item, "CreateDate"),
        attributes=_attributes(item, "UserId", tags) | own, caveats=tuple(rights.caveats),
    )  # fmt: skip


def _role_row(item: Item, arn: Arn, place: str, rights: Rights) -> IdentityRow:
    """Service-linked roles belong to the service that made them (IAM User Guide, "Service-linked
    role").
    """
    tags = read_tags(item.get("Tags"))
    last_used_at, use_known = _last_used(item)
    profiles = item.get("InstanceProfileList")
    own = {
        "instance_profiles": [
            name_of(each.get("InstanceProfileName"))
            for each in (profiles if isinstance(profiles, list) else [])
            if isinstance(each, dict)
        ]
    }
    return IdentityRow(
        external_id=arn.text, place=place, scope=arn.account, kind="role",
        name=arn.tail, source_state="enabled",
        environment=tags.environment, purpose=tags.purpose, owner_email=tags.owner_email,
        platform_managed=_SERVICE_LINKED in f"/{arn.resource}",
        created_at=time_of(item, "CreateDate"), last_active_at=last_used_at,
        activity_known=use_known, attributes=_attributes(item, "RoleId", tags) | own,
        caveats=tuple(rights.caveats),
    )  # fmt: skip


def _last_used(item: Item) -> tuple[datetime | None, bool]:
    """When the role was last used, and whether AWS says so: an empty RoleLastUsed means not within
    the tracking period of 400 days (IAM API Reference, RoleLastUsed); a missing one says nothing.
    """
    found = item.get("RoleLastUsed")
    if not isinstance(found, dict):
        return None, False
    return time_of(found, "LastUsedDate"), True


def _attributes(item: Item, id_name: str, tags: Tags) -> dict[str, object]:
    found: dict[str, object] = {
        "path": clean(item.get("Path"), 600), "unique_id": name_of(item.get(id_name)),
        "tags": tags.values, "other_tags": tags.other_keys,
    }  # fmt: skip
    boundary = item.get("PermissionsBoundary")
    if isinstance(boundary, dict):
        found["permissions_boundary"] = clean(boundary.get("PermissionsBoundaryArn"), 1000)
    return found
