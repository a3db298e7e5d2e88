"""What people decide about findings: accepted, snoozed, not true, assigned, open again; in sets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from inventory import access, audit
from inventory.models import Identity, User
from inventory.rules import RuleBroken
from reviews.models import Finding, Waiver
from reviews.models.finding import WAIVED, FindingQuerySet
from reviews.summaries import summarise

Chosen = QuerySet[Finding] | Iterable[int]
Status = Finding.Status


@dataclass(frozen=True)
class Exemption:
    """What an exception says: why, until when, and what protects meanwhile."""

    reason: str
    until: datetime | None = None
    compensating_control: str = ""


def visible_to(user: User) -> FindingQuerySet:
    """The findings this user may see; for an owner those of the identities they may see."""
    if access.sees_all(user):
        return Finding.objects.all()
    mine = access.visible_to(user, Identity.objects.all())
    return Finding.objects.filter(identity__in=mine.order_by().values("pk"))


def accept(
    findings: Chosen,
    *,
    by: User,
    reason: str,
    until: datetime,
    at: datetime,
    compensating_control: str = "",
) -> int:
    """Accepts the risk until a day, on which the findings count as open again by themselves.

    A second acceptance replaces the first. Resolved findings are left out. Returns how many.
    """
    exemption = Exemption(reason, until, compensating_control)
    return _waive(findings, Waiver.Kind.ACCEPTED, exemption, by, at)


def snooze(findings: Chosen, *, by: User, reason: str, until: datetime, at: datetime) -> int:
    """Puts the findings off until a day."""
    return _waive(findings, Waiver.Kind.SNOOZED, Exemption(reason, until), by, at)


def mark_false_positive(
    findings: Chosen, *, by: User, reason: str, at: datetime, until: datetime | None = None
) -> int:
    """Says that the findings are not true, for good or until a day."""
    return _waive(findings, Waiver.Kind.FALSE_POSITIVE, Exemption(reason, until), by, at)


def reopen(findings: Chosen, *, by: User, reason: str, at: datetime) -> int:
    """Takes exceptions back. What is open already stays as it is; what is resolved too."""
    access.require_security(by)
    _require_reason(reason)
    with audit.acting(by, "finding.reopened", reason):
        rows = list(_locked(findings, Q(status__in=WAIVED)))
        keys = [key for key, _ in rows]
        _withdraw(keys, at)
        Finding.objects.filter(pk__in=keys).update(status=Status.OPEN, until=None, opened_at=at)
        summarise(at, _identities(rows))
    return len(rows)


def assign(findings: Chosen, *, to: User | None, by: User, reason: str = "", at: datetime) -> int:
    """Gives unresolved findings to somebody to deal with, or to nobody."""
    access.require_security(by)
    if to is not None and (not to.is_active or to.is_service):
        raise RuleBroken(f"{to.display_name} cannot sign in. Choose somebody who can.")
    if to is not None:
        _require_sight(findings, to)
    with audit.acting(by, "finding.assigned", reason):
        keys = [key for key, _ in _locked(findings, ~Q(status=Status.RESOLVED))]
        return Finding.objects.filter(pk__in=keys).update(assignee=to)


def _waive(findings: Chosen, kind: str, exemption: Exemption, by: User, at: datetime) -> int:
    access.require_security(by)
    _require_reason(exemption.reason)
    until = exemption.until
    if until is not None and until <= at:
        raise RuleBroken(f"{until:%Y-%m-%d} is past. Choose a later day.")
    with audit.acting(by, f"finding.{kind}", exemption.reason):
        rows = list(_locked(findings, ~Q(status=Status.RESOLVED)))
        keys = [key for key, _ in rows]
        _withdraw(keys, at)
        Waiver.objects.bulk_create(
            (
                Waiver(
                    finding_id=key,
                    kind=kind,
                    reason=exemption.reason,
                    compensating_control=exemption.compensating_control,
                    starts_at=at,
                    ends_at=until,
                    author=by,
                )
                for key in keys
            ),
            batch_size=5_000,
        )
        Finding.objects.filter(pk__in=keys).update(status=kind, until=until)
        summarise(at, _identities(rows))
    return len(rows)


def _locked(findings: Chosen, condition: Q) -> QuerySet[Any, tuple[int, int | None]]:
    """(finding, identity) of those that the act is about, locked in the order of keys."""
    chosen = Finding.objects.filter(condition, pk__in=_keys(findings))
    return chosen.order_by("pk").select_for_update(of=("self",)).values_list("pk", "identity_id")


def _keys(findings: Chosen) -> Any:  # Any: keys, or a subquery of them
    if isinstance(findings, QuerySet):
        return findings.order_by().values("pk")
    return list(findings)


def _identities(rows: list[tuple[int, int | None]]) -> set[int]:
    return {identity for _, identity in rows if identity is not None}


def _withdraw(keys: list[int], at: datetime) -> None:
    Waiver.objects.filter(finding__in=keys, withdrawn_at=None).update(withdrawn_at=at)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleBroken("There is no reason. Say why, for those who read this later.")


def _require_sight(findings: Chosen, to: User) -> None:
    """Nobody is asked to deal with what they cannot see."""
    wanted = Finding.objects.filter(pk__in=_keys(findings))
    hidden = wanted.exclude(pk__in=visible_to(to).order_by().values("pk"))
    if hidden.exists():
        raise RuleBroken(
            f"{to.display_name} may not see all of these findings. Choose somebody from security,"
            " or the owner of the identities."
        )
