"""Standing access turned into just-in-time access, judged by how it was used."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from inventory import access, audit, endings, signals
from inventory.audit import Actor
from inventory.models import EndCause, Grant, Identity
from inventory.rules import RuleBroken
from reviews import access_rules, issuing

RECENT = timedelta(days=90)


@dataclass(frozen=True)
class Converted:
    """What became of a standing grant: its replacement, or None when nobody had used it."""

    ended: Grant
    replacement: Grant | None


def foretell(grant: Grant, at: datetime) -> str:
    """What converting would do, in a sentence, for the page that asks."""
    if grant.use_known and not _is_used(grant, at):
        return "It was not used for 90 days, so it ends now and nothing takes its place."
    hours = _life(grant).total_seconds() / 3600
    how = "was used" if _is_used(grant, at) else "may be in use; its source does not report it"
    return (
        f"It {how}, so {grant.identity} keeps it for {hours:.0f} hours and then asks for it per task."
        " The platform behind it has to follow."
    )


def convert(grant: Grant, *, by: Actor, reason: str, at: datetime) -> Converted:
    """Ends a standing grant; what was in use goes on as just-in-time access for as long as the rules give at most, so
    that nothing breaks today. From then on the identity asks per task."""
    access.require(by, "narrow", grant)
    with audit.acting(by, "grant.converted", reason):
        identity = Identity.objects.select_for_update(no_key=True).get(pk=grant.identity_id)
        held = Grant.objects.select_for_update().get(pk=grant.pk)
        held.identity = identity
        if held.just_in_time or held.task_id is not None:
            raise RuleBroken("It is just-in-time access already.")
        if not Grant.objects.in_force(at).filter(pk=held.pk).exists():
            raise RuleBroken("It has ended already. There is nothing to convert.")
        used = not held.use_known or _is_used(held, at)
        if used and (identity.owner is None or not identity.owner.can_answer(at)):
            raise RuleBroken(
                "The identity has no accountable owner, and just-in-time access ends with its owner. Assign one first."
            )
        cause = EndCause.SUPERSEDED if used else EndCause.UNUSED
        endings.end_grants(Grant.objects.filter(pk=held.pk), cause=cause, at=at)
        replacement = _replace(held, by, reason, at) if used else None
        signals.announce_changed([identity.pk])
    return Converted(Grant.objects.get(pk=held.pk), replacement)


def _replace(held: Grant, by: Actor, reason: str, at: datetime) -> Grant:
    source = issuing.own_source()
    ends = at + _life(held)
    if held.expires_at is not None:
        ends = min(ends, held.expires_at)
    return Grant.objects.create(
        source=source,
        namespace=source.namespace,
        external_id=f"converted:{held.pk}",
        identity_id=held.identity_id,
        entitlement_id=held.entitlement_id,
        just_in_time=True,
        via="just in time",
        starts_at=at,
        expires_at=ends,
        granted_by=by if isinstance(by, str) else by.get_username(),
        reason=reason,
        replaces=held,
        first_seen_at=at,
    )


def _life(grant: Grant) -> timedelta:
    rules = access_rules.rules_of(access_rules.current())
    rule = rules.of("temporary", grant.entitlement.risk)
    return rule.longest(access_rules.tier_of(grant.identity))


def _is_used(grant: Grant, at: datetime) -> bool:
    return grant.last_used_at is not None and grant.last_used_at > at - RECENT
