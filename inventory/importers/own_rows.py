"""From the values of one line of Mandate's own format to records: keys, references, and what
must agree within a row.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inventory.importers.cells import BadValue, email
from inventory.importers.records import (
    NOTHING,
    CredentialRow,
    DelegationRow,
    EntitlementRow,
    GrantRow,
    IdentityRow,
    PersonRow,
    Rejected,
    ResourceRow,
    Row,
    Said,
    SystemRow,
    Tally,
    TeamRow,
    ToolBindingRow,
)
from inventory.importers.tool_rows import tool_row

# Any: each column has a type of its own, given by its parser. What the file lacks is missing.
Values = Mapping[str, Any]

_LONGEST_ID = 1000
_LINE_BITS = 40


class BadRow(Exception):
    """The values of a row contradict each other, or another row; `hides_a_row` as in Rejected."""

    def __init__(self, field: str, reason: str, *, hides_a_row: bool = True) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
        self.hides_a_row = hides_a_row


@dataclass(slots=True)
class _Entitlement:
    """What the grants say about one entitlement; later rows may fill gaps, never contradict."""

    system: str
    resource: str | None
    action: str
    mark: int
    said: dict[str, Any]  # Any: as in Values


class Reading:
    """One run over one or more files: which keys it has met, and what grants imply."""

    def __init__(self) -> None:
        self._sections: list[tuple[str, str, str]] = []
        # Hashes instead of the keys: a fifth of the memory at a million rows. Two keys of one
        # 64-bit hash would refuse a good row once in about thirty million such files.
        self._met: dict[int, int] = {}
        self._entitlements: dict[str, _Entitlement] = {}
        self._counts: dict[str, int] = {}

    def begin(self, noun: str, before: str, after: str = "") -> int:
        """A section of a file (a CSV file, a list in a JSON file); places in it read
        `before` number `after`.
        """
        self._sections.append((noun, before, after))
        self._counts.setdefault(noun, 0)
        return len(self._sections) - 1

    def place(self, section: int, number: int) -> str:
        _, before, after = self._sections[section]
        return f"{before}{number}{after}"

    def _place_of(self, mark: int) -> str:
        return self.place(mark >> _LINE_BITS, mark & (1 << _LINE_BITS) - 1)

    def take(self, section: int, number: int, values: Values) -> tuple[Said, ...]:
        """The records of one row; a single Rejected where the row contradicts itself or
        an earlier one.
        """
        noun, before, after = self._sections[section]
        self._counts[noun] += 1
        place = f"{before}{number}{after}"
        mark = section << _LINE_BITS | number
        try:
            rows = _BUILDERS[noun](values, place)
            self._claim(noun, rows[0].external_id, mark, "id")
            self._claim_more(rows[0], mark)
            if noun == "grants":
                self._remember_entitlement(values, mark)
        except BadRow as bad:
            return (Rejected(place, bad.field, bad.reason, bad.hides_a_row),)
        return rows

    def count_refused(self, section: int) -> None:
        """One more row that the file holds, but that could not be read."""
        self._counts[self._sections[section][0]] += 1

    def finish(self) -> Iterator[Said]:
        """What is known only at the end: the systems, resources and entitlements of the
        grants, and the tallies.
        """
        yield from self._implied()
        for noun, count in self._counts.items():
            yield Tally(noun, count)

    def _claim(self, noun: str, key: str, mark: int, field: str) -> None:
        if len(key) > _LONGEST_ID:
            raise BadRow(
                field,
                f"The key of this row is longer than {_LONGEST_ID:,} characters. Give it a short "
                "id.",
            )
        first = self._met.setdefault(hash((noun, field, key)), mark)
        if first != mark:
            raise BadRow(
                field,
                f"The same {_SAME[field]} stands at {self._place_of(first)} already. Remove one "
                "of the two.",
                hides_a_row=field != "id",
            )

    def _claim_more(self, row: Row, mark: int) -> None:
        """Values besides the key that only one row may have."""
        if isinstance(row, PersonRow):
            self._claim("people", row.email, mark, "email")
        elif isinstance(row, IdentityRow) and row.spiffe_id and row.lifecycle != "retired":
            self._claim("identities", row.spiffe_id, mark, "spiffe_id")
        elif isinstance(row, CredentialRow) and row.key_id and row.enabled:
            self._claim("credentials", row.key_id, mark, "key_id")

    def _remember_entitlement(self, values: Values, mark: int) -> None:
        system, resource, action = values["system"], values.get("resource"), values["action"]
        key = entitlement_key(system, resource, action)
        known = self._entitlements.get(key)
        if known is None:
            known = self._entitlements[key] = _Entitlement(system, resource, action, mark, {})
        for field in ("risk", "writes", "sensitivity"):
            value = values.get(field)
            if value is not None and known.said.setdefault(field, value) != value:
                raise BadRow(
                    field,
                    f"{_worded(value)} contradicts {_worded(known.said[field])}, which an "
                    "earlier grant of the same "
                    f"action says (first at {self._place_of(known.mark)}). Write the same in both.",
                )

    def _implied(self) -> Iterator[Row]:
        systems: set[str] = set()
        resources: dict[str, tuple[_Entitlement, str | None]] = {}
        for found in self._entitlements.values():
            place = self._place_of(found.mark)
            if found.system not in systems:
                systems.add(found.system)
                yield SystemRow(external_id=_key(found.system), place=place, name=found.system)
            if found.resource:
                key = _key(found.system, found.resource)
                _, sensitivity = resources.get(key, (found, None))
                resources[key] = (found, _higher(sensitivity, found.said.get("sensitivity")))
            yield _entitlement_row(found, place)
        for key, (found, sensitivity) in resources.items():
            place = self._place_of(found.mark)
            yield ResourceRow(
                external_id=key, place=place, system=_key(found.system), name=found.resource or "",
                sensitivity=sensitivity,
            )  # fmt: skip


def entitlement_key(system: str, resource: str | None, action: str) -> str:
    return _key(system, resource or "", action)


_SAME = {"id": "row", "email": "e-mail address", "spiffe_id": "SPIFFE ID", "key_id": "key ID"}
_SENSITIVITY = ("public", "internal", "confidential", "restricted")


def _key(*parts: str) -> str:
    """Parts joined so that different parts never give one key."""
    return "|".join([part.replace("\\", "\\\\").replace("|", "\\|") for part in parts])


def _higher(one: str | None, other: str | None) -> str | None:
    return max((each for each in (one, other) if each), key=_SENSITIVITY.index, default=None)


def _worded(value: object) -> str:
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


def _known(value: object) -> tuple[datetime | None, bool]:
    """A date column that may say never: the date, and whether the column said anything."""
    return (value if isinstance(value, datetime) else None), value is not None


def _forward(start: datetime | None, end: object, start_field: str, end_field: str) -> None:
    if start is not None and isinstance(end, datetime) and end <= start:
        raise BadRow(
            end_field,
            f"{end_field.capitalize()} {_day(end)}, not after {start_field} ({_day(start)}). "
            "Choose a later end.",
        )


def _day(moment: datetime) -> str:
    return (
        f"{moment:%Y-%m-%d}"
        if moment.timetz().isoformat() == "00:00:00+00:00"
        else f"{moment:%Y-%m-%d %H:%M} UTC"
    )


def _people(values: Values, place: str) -> tuple[Row, ...]:
    get = values.get
    address, status, left = values["email"], get("status"), get("left")
    if left and status not in {None, "left"}:
        raise BadRow(
            "left",
            f"Left {_day(left)}, but the status is {status}. Set the status to left, or use the "
            "column leaves.",
        )
    if get("manager") == address:
        raise BadRow(
            "manager", f"{address} is their own manager. Name somebody else, or leave it empty."
        )
    return (
        PersonRow(
            external_id=get("id") or address, place=place, email=address, name=values["name"],
            manager_email=get("manager"), team=get("team"), status="left" if left else status,
            leaves_at=get("leaves"), left_at=left,
        ),
    )  # fmt: skip


def _teams(values: Values, place: str) -> tuple[Row, ...]:
    return (
        TeamRow(external_id=values.get("id") or values["name"], place=place, name=values["name"]),
    )


def _identities(values: Values, place: str) -> tuple[Row, ...]:
    get = values.get
    active_at, activity_known = _known(get("last_active"))
    interactive_at, interactive_known = _known(get("last_signed_in"))
    enabled = get("enabled")
    model = get("model")
    return (
        IdentityRow(
            external_id=get("id") or values["name"], place=place, kind=values["kind"],
            name=values["name"],
            environment=get("environment"), purpose=get("purpose"), owner_email=get("owner"),
            sponsor_email=get("sponsor"), successor_emails=get("successors"), team=get("team"),
            spiffe_id=get("spiffe_id"), declared_tier=get("tier"), risk=get("risk"),
            risk_assessed_at=get("risk_assessed"), third_party=get("third_party"),
            supplier=get("supplier"),
            supplier_reviewed_at=get("supplier_reviewed"),
            platform_managed=bool(get("platform_managed")),
            lifecycle=get("lifecycle"), created_at=get("created"), last_active_at=active_at,
            source_state="unknown" if enabled is None else "enabled" if enabled else "disabled",
            activity_known=activity_known, interactive_at=interactive_at,
            interactive_known=interactive_known,
            attributes={"model": model} if model else NOTHING,
        ),
    )  # fmt: skip


def _credentials(values: Values, place: str) -> tuple[Row, ...]:
    get = values.get
    identity, key_id, bound_to = values["identity"], get("key_id"), get("bound_to")
    if not (get("id") or key_id):
        raise BadRow(
            "key_id", "The credential has neither an id nor a key_id. Give it one of the two."
        )
    _forward(get("issued"), get("expires"), "issued", "expires")
    expires_at, expiry_known = _known(get("expires"))
    used_at, use_known = _known(get("last_used"))
    return (
        CredentialRow(
            external_id=get("id") or f"{identity}/{key_id}", place=place, identity=identity,
            kind=values["kind"],
            key_id=key_id or "", fingerprint=get("fingerprint") or "",
            bound_to="" if bound_to in {None, "none"} else bound_to,
            binding_known=bound_to is not None,
            environment=get("environment"), issued_at=get("issued"), rotated_at=get("rotated"),
            expires_at=expires_at, expiry_known=expiry_known,
            lifetime_seconds=get("lifetime_seconds"),
            last_used_at=used_at, use_known=use_known, enabled=get("enabled") is not False,
        ),
    )  # fmt: skip


def _grants(values: Values, place: str) -> tuple[Row, ...]:
    get = values.get
    entitlement = entitlement_key(values["system"], get("resource"), values["action"])
    if get("sensitivity") and not get("resource"):
        raise BadRow(
            "sensitivity", "A sensitivity needs a resource. Name the resource, or leave this empty."
        )
    _forward(get("starts"), get("expires"), "starts", "expires")
    used_at, use_known = _known(get("last_used"))
    return (
        GrantRow(
            external_id=get("id") or f"{_key(values['identity'])}|{entitlement}", place=place,
            identity=values["identity"], entitlement=entitlement, starts_at=get("starts"),
            expires_at=get("expires"), last_used_at=used_at, use_known=use_known,
            granted_by=get("granted_by") or "", reason=get("reason") or "",
        ),
    )  # fmt: skip


def _entitlement_row(found: _Entitlement, place: str) -> EntitlementRow:
    everything = found.action in {"*", "*:*"}
    return EntitlementRow(
        external_id=entitlement_key(found.system, found.resource, found.action), place=place,
        system=_key(found.system), name=found.action,
        resource=_key(found.system, found.resource) if found.resource else None,
        actions=(found.action,), resources=(found.resource,) if found.resource else (),
        risk=found.said.get("risk", "low"), writes=found.said.get("writes"),
        wildcard="*" in found.action, admin=everything and found.resource in {None, "*"},
    )  # fmt: skip


def _delegations(values: Values, place: str) -> tuple[Row, ...]:
    get = values.get
    delegator, delegate, how = values["delegator"], values["delegate"], values["how"]
    is_person = (get("delegator_is") or ("person" if "@" in delegator else "identity")) == "person"
    if is_person:
        delegator = _email_of_person(delegator)
    if not is_person and delegator == delegate:
        raise BadRow("delegate", "The identity delegates to itself. Name another delegate.")
    for entitlement in get("scope") or ():
        if entitlement.count("|") < 2:
            raise BadRow(
                "scope", "An entitlement has three parts. Write it as system|resource|action."
            )
    _forward(get("starts"), get("expires"), "starts", "expires")
    condition = get("condition")
    return (
        DelegationRow(
            external_id=get("id") or _key(delegator, delegate, how), place=place,
            delegate=delegate, how=how,
            delegator_identity=None if is_person else delegator,
            delegator_email=delegator if is_person else None,
            scope_entitlements=get("scope") or (), may_redelegate=get("may_redelegate"),
            starts_at=get("starts"), expires_at=get("expires"),
            conditions={"condition": condition} if condition else NOTHING,
        ),
    )  # fmt: skip


def _email_of_person(delegator: str) -> str:
    try:
        return email(delegator)
    except BadValue as bad:
        raise BadRow("delegator", f"{bad} If it is an identity, say so in delegator_is.") from None


def _tools(values: Values, place: str) -> tuple[Row, ...]:
    get = values.get
    provider, name = values["provider"], values["name"]
    key = get("id") or f"{provider}/{name}"
    said = {"name": name, "description": get("description") or ""}
    tool = tool_row(said, external_id=key, place=place, provider=provider)
    tool = replace(
        tool, writes=get("writes") if get("writes") is not None else tool.writes,
        descriptor_digest=get("descriptor_digest") or tool.descriptor_digest, risk=get("risk"),
    )  # fmt: skip
    bindings = [
        ToolBindingRow(
            external_id=_key(identity, key), place=place, identity=identity, tool=key,
            origin=get("origin") or "declared",
        )
        for identity in get("identities") or ()
    ]  # fmt: skip
    if any(len(binding.external_id) > _LONGEST_ID for binding in bindings):
        raise BadRow(
            "identities",
            "The ids of the tool and of an identity are too long together. Shorten them.",
        )
    return (tool, *bindings)


_BUILDERS: Mapping[str, Callable[[Values, str], tuple[Row, ...]]] = {
    "people": _people,
    "teams": _teams,
    "identities": _identities,
    "credentials": _credentials,
    "grants": _grants,
    "delegations": _delegations,
    "tools": _tools,
}
