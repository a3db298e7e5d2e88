"""Turns AWS policy documents into entitlements: one for each statement, kept as patterns.

Grammar: AWS IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy
elements".
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from inventory.importers.aws_actions import NO_REACH, Reach, reach
from inventory.importers.aws_arns import BadItem, clean, clean_json, joined_id
from inventory.importers.records import EntitlementRow, Json, Rejected

UNKNOWN_TEXT = "The policy's text is not in the file; its statements are unknown."
_ALL_BUT_ACTIONS = "It covers all actions but those listed; its reach is judged from what is left."
_ALL_BUT_RESOURCES = "It covers all resources but those listed; it is judged as if it covered all."
_NO_RESOURCES = "It names no resources; it is judged as if it covered all."
_BY_NAME = "It is judged by the name that AWS gave it."

# What AWS says about its own policies (AWS Managed Policy Reference), for files that hold only
# their ARN.
_WELL_KNOWN = {
    "AdministratorAccess": Reach(risk="critical", writes=True, wildcard=True, admin=True),
    "IAMFullAccess": Reach(risk="critical", writes=True, wildcard=True, admin=True),
    "PowerUserAccess": Reach(risk="critical", writes=True, wildcard=True, admin=True),
    "ReadOnlyAccess": NO_REACH,
    "SecurityAudit": NO_REACH,
    "ViewOnlyAccess": NO_REACH,
}
_FULL_ACCESS = Reach(risk="high", writes=True, wildcard=True, admin=False)
_SHOWN_ACTIONS = 3
_LONGEST_ENTITLEMENT_NAME = 500
_LONGEST_PATTERN = 2000


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it stands in an account. `key` is unique in all accounts; `name` is what people
    call it.
    """

    key: str
    name: str
    label: str  # its ARN, or whose inline policy it is
    account: str
    place: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, checked; `key` tells it from the others of its policy."""

    key: str
    effect: str  # allow, deny
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: Json
    principal: object = None
    not_principal: object = None


def system_id(account: str) -> str:
    return f"aws:account:{account}"


def entitlements(policy: Policy, document: object) -> Iterator[EntitlementRow | Rejected]:
    """An entitlement for each statement; a statement that cannot be read is said, and the others
    are taken.
    """
    for read in statements(document, policy.place):
        yield _entitlement(policy, read) if isinstance(read, Statement) else read


def statements(document: object, place: str) -> Iterator[Statement | Rejected]:
    """The statements of a document: an object, or its JSON text, URL-encoded or not."""
    try:
        found = _statement_list(document)
    except BadItem as bad:
        yield Rejected(place, bad.name, str(bad))
        return
    sids = Counter(
        each.get("Sid") for each in found if isinstance(each, dict) and _is_name(each.get("Sid"))
    )
    for number, each in enumerate(found):
        try:
            yield _statement(each, number, sids)
        except BadItem as bad:
            yield Rejected(f"{place}.Statement[{number}]", bad.name, str(bad))


def unknown_policy(policy: Policy) -> EntitlementRow:
    """The whole of a policy of which only the ARN is known; AWS's are judged by their name."""
    judged = _judged_by_name(policy)
    return EntitlementRow(
        external_id=joined_id(f"{policy.key}#?"), place=policy.place, scope=policy.account,
        system=system_id(policy.account), policy=policy.label,
        name=f"{policy.name}: statements unknown",
        risk=judged.risk if judged else "medium", writes=judged.writes if judged else None,
        wildcard=bool(judged and judged.wildcard), admin=bool(judged and judged.admin),
        caveats=(UNKNOWN_TEXT, _BY_NAME) if judged else (UNKNOWN_TEXT,),
    )  # fmt: skip


def _judged_by_name(policy: Policy) -> Reach | None:
    if ":iam::aws:policy/" not in policy.label:
        return None
    if policy.name in _WELL_KNOWN:
        return _WELL_KNOWN[policy.name]
    if policy.name.endswith(("ReadOnlyAccess", "ReadOnly", "ViewOnlyAccess")):
        return NO_REACH
    return _FULL_ACCESS if policy.name.endswith("FullAccess") else None


def _entitlement(policy: Policy, statement: Statement) -> EntitlementRow:
    allows = statement.effect == "allow"
    judged = NO_REACH
    if allows:
        judged = reach(
            statement.actions, statement.not_actions,
            statement.resources or ("*",), statement.not_resources,
        )  # fmt: skip
    return EntitlementRow(
        external_id=joined_id(f"{policy.key}#{statement.key}"), place=policy.place,
        scope=policy.account, system=system_id(policy.account), policy=policy.label,
        name=_name(policy, statement), effect=statement.effect,
        actions=statement.actions, not_actions=statement.not_actions,
        resources=statement.resources, not_resources=statement.not_resources,
        conditions=statement.conditions, risk=judged.risk, writes=judged.writes,
        wildcard=judged.wildcard, admin=judged.admin, caveats=tuple(_caveats(statement)),
    )  # fmt: skip


def _caveats(statement: Statement) -> Iterator[str]:
    if statement.not_actions:
        yield _ALL_BUT_ACTIONS
    if statement.not_resources:
        yield _ALL_BUT_RESOURCES
    if not statement.resources and not statement.not_resources:
        yield _NO_RESOURCES


def _name(policy: Policy, statement: Statement) -> str:
    """What the statement says, short: "Deploy: s3:PutObject, s3:GetObject and 2 more"."""
    actions = statement.actions or statement.not_actions
    shown = ", ".join(actions[:_SHOWN_ACTIONS])
    more = f" and {len(actions) - _SHOWN_ACTIONS:,} more" if len(actions) > _SHOWN_ACTIONS else ""
    deny = "deny " if statement.effect == "deny" else ""
    all_but = "all but " if statement.not_actions else ""
    name = f"{policy.name}: {deny}{all_but}{shown}{more}"
    return name if len(name) <= _LONGEST_ENTITLEMENT_NAME else f"{name[:497]}..."


def _statement_list(document: object) -> list[object]:
    if isinstance(document, str):
        document = _decoded(document)
    if not isinstance(document, dict) or "Statement" not in document:
        raise BadItem("Statement", "The policy has no statements. Export the file again.")
    found = document["Statement"]
    if isinstance(found, dict):
        return [found]
    if not isinstance(found, list):
        raise BadItem("Statement", "The policy's statements are no list. Export the file again.")
    return found


def _decoded(text: str) -> object:
    """The IAM API gives URL-encoded JSON (RFC 3986), its command line gives JSON."""
    try:
        return json.loads(text if text.lstrip().startswith("{") else unquote(text, errors="strict"))
    except (ValueError, RecursionError):
        raise BadItem("Document", "The policy's text is not JSON. Export the file again.") from None


def _statement(value: object, number: int, sids: Mapping[Any, int]) -> Statement:
    if not isinstance(value, dict):
        raise BadItem("", "The statement is not a JSON object. Export the file again.")
    effect = value.get("Effect")
    if effect not in ("Allow", "Deny"):  # not a set: it may be a list
        raise BadItem("Effect", "The effect is neither Allow nor Deny. Correct the policy.")
    actions, not_actions = _patterns(value, "Action"), _patterns(value, "NotAction")
    if not actions and not not_actions:
        raise BadItem("Action", "The statement names no actions. Correct the policy.")
    conditions = value.get("Condition") or {}
    if not isinstance(conditions, dict):
        raise BadItem("Condition", "The conditions are no JSON object. Correct the policy.")
    sid = value.get("Sid")
    is_unique = _is_name(sid) and sids[sid] == 1
    cleaned = clean_json(conditions)
    return Statement(
        key=str(sid) if is_unique else f"[{number}]",
        effect=effect.lower(), actions=actions, not_actions=not_actions,
        resources=_patterns(value, "Resource"), not_resources=_patterns(value, "NotResource"),
        conditions=cleaned if isinstance(cleaned, dict) else {},
        principal=value.get("Principal"), not_principal=value.get("NotPrincipal"),
    )  # fmt: skip


def _is_name(sid: object) -> bool:
    """Whether a Sid may serve as a key: letters and digits, which never look like "[3]"."""
    return isinstance(sid, str) and 0 < len(sid) <= 200 and sid.isalnum()


def _patterns(statement: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """One text or a list of them."""
    value = statement.get(name)
    found = [value] if isinstance(value, str) else value
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise BadItem(name, "The value is neither text nor a list of texts. Correct the policy.")
    return tuple(dict.fromkeys(clean(each, _LONGEST_PATTERN) for each in found))
