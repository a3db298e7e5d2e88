"""How a token ends before its time: revoked by somebody, or because what it rests on is gone; and who is told."""

from collections.abc import Collection
from datetime import datetime, timedelta

from inventory import access, audit
from inventory.audit import Actor
from runtime import security_events, standing
from runtime.models import Token, TokenActor
from runtime.models.token import TokenQuerySet

JOB = "job end-tokens"
KEPT = timedelta(days=365)
AT_ONCE = 10_000  # tokens that the job forgets in one transaction
WEIGHED_AT_ONCE = 1_000  # tokens whose access is decided about in one run
Cause = Token.EndCause


def revoke(token: Token, *, by: Actor, reason: str, at: datetime) -> Token:
    """Ends the token now, with all that came from it. Revoking twice is not an error; the first time stays."""
    access.require(by, "revoke", token)
    with audit.acting(by, "token.revoked", reason):
        claimed = Token.objects.filter(pk=token.pk, revoked_at=None).update(
            revoked_at=at, end_cause=Cause.REVOKED
        )
        if claimed:
            security_events.tell_of_tokens([token.pk], at=at)
            settle(at, rows=Token.objects.filter(ancestors__ancestor=token.pk))
    return Token.objects.get(pk=token.pk)


def settle(
    at: datetime,
    *,
    identities: Collection[int] | None = None,
    tasks: Collection[int] | None = None,
    rows: TokenQuerySet | None = None,
) -> int:
    """Writes down which unexpired tokens do not hold any more, with the cause, and tells the receivers of events.
    Returns how many. They were refused before that already (law 1). Twice changes nothing."""
    live = (Token.objects.all() if rows is None else rows).unexpired(at).filter(revoked_at=None)
    if identities is not None:
        chained = TokenActor.objects.filter(identity__in=identities)
        live = live.filter(pk__in=chained.values("token"))
    if tasks is not None:
        live = live.filter(task__in=tasks)
    gone = live.exclude(pk__in=Token.objects.carried(at).values("pk"))
    ended = sum(_end(token, at) for token in _with_facts(gone))
    # In any order: a run that does not get through them all begins elsewhere than the last one did.
    for token in _with_facts(live.order_by("?"))[:WEIGHED_AT_ONCE]:
        if not standing.remaining(token, at):
            ended += _end(token, at)
    return ended


def _with_facts(rows: TokenQuerySet) -> TokenQuerySet:
    return rows.select_related("identity", "task__on_behalf_of", "person")


def _end(token: Token, at: datetime) -> int:
    with audit.acting(JOB, "token.ended"):
        claimed = Token.objects.filter(pk=token.pk, revoked_at=None).update(
            revoked_at=at, end_cause=standing.cause_of_end(token, at)
        )
        if claimed:
            security_events.tell_of_tokens([token.pk], at=at)
    return claimed


def tidy(at: datetime) -> int:
    """Forgets tokens that expired more than a year ago; their history stays. Returns how many rows went."""
    with audit.acting(JOB, "token.forgotten"):
        old = Token.objects.filter(expires_at__lt=at - KEPT).order_by("pk")
        keys = list(old.values_list("pk", flat=True)[:AT_ONCE])
        return Token.objects.filter(pk__in=keys).delete()[0]
