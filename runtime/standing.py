"""Whether a token holds at this moment, and for what: computed from today's facts whenever somebody asks (law 1)."""

from datetime import datetime
from hashlib import sha256

from inventory.models import Identity
from runtime import permits, scopes
from runtime.models import Token
from runtime.permits import Asking
from runtime.scopes import Wish

_WITH = ("identity", "task", "person", "bundle", "client", "issuer")


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def find(text: str) -> Token | None:
    """The token with this text. Whoever could make such a text without us could break SHA-256."""
    return Token.objects.select_related(*_WITH).filter(digest=digest_of(text)).first()


def remaining(token: Token, at: datetime) -> list[Wish]:
    """What of its scope holds now; nothing when the token is over, or anything that it rests on is gone."""
    if not Token.objects.carried(at).filter(pk=token.pk).exists():
        return []
    wishes = scopes.parse(" ".join(token.scope))
    verdicts = permits.weighed(asking_of(token), wishes, at=at)
    return [verdict.wish for verdict in verdicts if verdict.permitted]


def asking_of(token: Token) -> Asking:
    chain = token.actors.order_by("position").values_list("identity_id", flat=True)
    return Asking(token.identity, token.task, token.person, tuple(chain))


def cause_of_end(token: Token, at: datetime) -> str:
    """Why a token that has not expired does not hold, for the record: the first cause that fits."""
    cause, task = Token.EndCause, token.task
    if not task.is_open(at):
        return cause.TASK
    people = (token.person, task.on_behalf_of)
    if any(person is not None and not person.can_answer(at) for person in people):
        return cause.PERSON
    actors = token.actors.select_related("identity__owner")
    if any(not _may_act(actor.identity, at) for actor in actors):
        return cause.IDENTITY
    if token.ancestors.filter(ancestor__revoked_at__lte=at).exists():
        return cause.PARENT
    trusted = (token.bundle, token.client, token.issuer)
    if any(row is not None and row.retired_at is not None for row in trusted):
        return cause.TRUST
    return cause.ACCESS


def _may_act(identity: Identity, at: datetime) -> bool:
    return identity.may_act and identity.owner is not None and identity.owner.can_answer(at)
