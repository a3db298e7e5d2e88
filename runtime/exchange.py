"""Token exchange (RFC 8693): a workload's proof and a task become an access token of minutes.

What is issued is bound to the task, to one audience and to a key that the workload holds, and is for no more than what
a decision would permit now and what the subject token is for. Nothing of it is stored but its digest.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from joserfc import jwt

from inventory import audit
from inventory.models import Identity, Person, Task
from runtime import chains, permits, signing_keys, standing, subjects
from runtime.addresses import issuer
from runtime.chains import Link
from runtime.models import Token, TokenActor, TokenAncestor
from runtime.oauth_errors import InvalidGrant, InvalidRequest, InvalidScope, UnauthorizedClient
from runtime.permits import Asking
from runtime.proofs import Proven
from runtime.scopes import Wish
from runtime.subjects import Subject

LIVES = timedelta(minutes=5)
BY = "token exchange"


@dataclass(frozen=True)
class Asked:
    """A request for a token, its parameters read and its proofs of possession checked.

    `holder`: the workload's own proof; None when the subject token is that proof. `jkt`: the DPoP key.
    """

    subject_token: str
    subject_token_type: str
    audience: str
    holder: Proven | None = None
    task: int | None = None
    wishes: list[Wish] = field(default_factory=list)
    jkt: str = ""


@dataclass(frozen=True)
class Issued:
    """The token, seen here and nowhere else, and what was kept of it."""

    text: str
    row: Token


@dataclass(frozen=True)
class _Bond:
    """Everything that the new token is bound to."""

    proven: Proven
    subject: Subject
    task: Task
    person: Person | None
    chain: tuple[Link, ...]


def exchange(asked: Asked, *, at: datetime) -> Issued:
    """Issues a token. Raises OAuthError with the code of the standard; nothing is issued then."""
    subject = subjects.of_token(asked.subject_token, asked.subject_token_type, at=at)
    proven = asked.holder or subject.proven
    if proven is None:
        raise InvalidRequest(
            "There is no proof of the workload: give a client_assertion or an actor_token beside the subject_token."
        )
    if not asked.jkt and not proven.x5t:
        raise InvalidRequest(
            "Tokens are bound to a key of the workload. Send a DPoP proof (RFC 9449), or use an X.509-SVID."
        )
    if not proven.identity.may_act:
        state = proven.identity.get_lifecycle_display().lower()
        raise UnauthorizedClient(f"{proven.identity.name} is {state} and may not act.")
    bond = _bond(asked, proven, subject, at)
    granted = _granted(asked.wishes or list(subject.scope or ()), bond, at)
    return _issue(asked, bond, granted, at)


def name_of(row: Identity | Person) -> str:
    """How tokens call somebody (`sub`)."""
    if isinstance(row, Identity):
        return row.spiffe_id or f"identity:{row.pk}"
    return f"person:{row.pk}"


def _bond(asked: Asked, proven: Proven, subject: Subject, at: datetime) -> _Bond:
    task = _task_of(asked, proven, subject, at)
    person = subject.person or task.on_behalf_of
    if task.on_behalf_of is not None and person != task.on_behalf_of:
        raise InvalidGrant("The task is for somebody else than the subject token.")
    chain = chains.extended(
        proven.identity, subject.behind, person=subject.person, task=task, at=at
    )
    return _Bond(proven, subject, task, person, chain)


def _task_of(asked: Asked, proven: Proven, subject: Subject, at: datetime) -> Task:
    """The task that is named, or the parent token's. Who may not work on it hears the same as if there were none."""
    parent = subject.parent
    key = asked.task if asked.task is not None else (parent.task_id if parent else None)
    if key is None:
        raise InvalidRequest("There is no task. Name the open task that the token is for (task).")
    if parent is not None and key != parent.task_id:
        raise InvalidGrant("The subject token is for another task.")
    allowed = [proven.identity.pk, *(link.identity.pk for link in subject.behind)]
    tasks = Task.objects.open(at).select_related("on_behalf_of")
    task = tasks.filter(pk=key, identity__in=allowed).first()
    if task is None:
        raise InvalidGrant(f"There is no open task {key} of this workload.")
    if task.on_behalf_of is not None and not task.on_behalf_of.can_answer(at):
        raise InvalidGrant("The person whom the task is for has left.")
    return task


def _granted(wishes: list[Wish], bond: _Bond, at: datetime) -> list[Wish]:
    """What is asked, as far as a decision permits it; refused when it goes beyond the subject token."""
    if not wishes:
        raise InvalidScope(
            "There is no scope. Say what the token is for, such as read@resource:42."
        )
    limit = bond.subject.scope
    beyond = [wish for wish in wishes if limit is not None and wish not in limit]
    if beyond:
        raise InvalidScope(f"The subject token is not for {beyond[0]}.")
    chain = tuple(link.identity.pk for link in bond.chain)
    asking = Asking(bond.proven.identity, bond.task, bond.person, chain)
    verdicts = permits.decided(asking, wishes, at=at, asked_by=BY)
    granted = [verdict.wish for verdict in verdicts if verdict.permitted]
    if not granted:
        raise InvalidScope(verdicts[0].reason)
    return granted


def _issue(asked: Asked, bond: _Bond, granted: list[Wish], at: datetime) -> Issued:
    at = at.replace(microsecond=0)
    ends = [at + LIVES, bond.task.deadline, bond.subject.expires_at]
    expires_at = min(end for end in ends if end is not None).replace(microsecond=0)
    if expires_at <= at:
        raise InvalidGrant("The task, or the subject token, is over within this second.")
    row = Token(
        identity=bond.proven.identity,
        task=bond.task,
        person=bond.person,
        subject=name_of(bond.person or bond.chain[-1].identity),
        audience=asked.audience,
        scope=[str(wish) for wish in granted],
        jkt=asked.jkt,
        x5t="" if asked.jkt else bond.proven.x5t,
        proof=bond.proven.kind,
        bundle=bond.proven.bundle or bond.subject.bundle,
        client=bond.proven.client,
        issuer=bond.subject.issuer,
        parent=bond.subject.parent,
        issued_at=at,
        expires_at=expires_at,
    )
    key = signing_keys.current(signing_keys.Purpose.TOKENS, at)
    header = {"typ": "at+jwt", "alg": "ES256", "kid": str(key.kid)}
    text = jwt.encode(header, _claims(row, bond), key, algorithms=["ES256"])
    row.digest = standing.digest_of(text)
    _keep(row, bond)
    return Issued(text, row)


def _keep(row: Token, bond: _Bond) -> None:
    with audit.acting(BY, "token.issued", bond.task.purpose[:200]), transaction.atomic():
        row.save()
        TokenActor.objects.bulk_create(
            TokenActor(token=row, position=place, identity=link.identity, link=link.delegation)
            for place, link in enumerate(bond.chain)
        )
        parent = bond.subject.parent
        if parent is not None:
            older = parent.ancestors.values_list("ancestor_id", flat=True)
            TokenAncestor.objects.bulk_create(
                TokenAncestor(token=row, ancestor_id=key) for key in (parent.pk, *older)
            )


def _claims(row: Token, bond: _Bond) -> dict[str, Any]:
    """RFC 9068, with `act` of RFC 8693 (the outermost is who acts now) and `cnf` of RFC 7800."""
    client = row.client.client_id if row.client is not None else name_of(row.identity)
    claims: dict[str, Any] = {
        "iss": issuer(),
        "sub": row.subject,
        "aud": row.audience,
        "client_id": client,
        "iat": int(row.issued_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
        "jti": str(row.jti),
        "scope": " ".join(row.scope),
        "task": str(row.task_id),
        "cnf": confirmation(row),
    }
    act = nested([link.identity for link in bond.chain], for_person=row.person_id is not None)
    return claims | ({"act": act} if act else {})


def confirmation(row: Token) -> dict[str, str]:
    return {"jkt": row.jkt} if row.jkt else {"x5t#S256": row.x5t}


def nested(chain: list[Identity], *, for_person: bool) -> dict[str, Any]:
    """The claim `act`. Without a person, the last of the chain is the subject, and not an actor besides."""
    found: dict[str, Any] = {}
    for identity in reversed(chain if for_person else chain[:-1]):
        found = {"sub": name_of(identity)} | ({"act": found} if found else {})
    return found
