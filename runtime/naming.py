"""Whose call it was: from what a reporter calls an agent to the identity in the inventory.

A name that somebody set by hand counts before everything. Otherwise: the SPIFFE ID, the credential's public id, the
agent's name or id, the service's name, each only where it fits exactly one identity that is not gone. A name that fits
none stays on the list of unknown agents until it does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet

from inventory import access, audit, signals
from inventory.models import Credential, Identity, User
from runtime.models import AgentName

JOB = "job name-agents"
NOTED_EVERY = timedelta(minutes=1)
MOST_NAMES = (
    5_000  # of one reporter; a library that makes up a name per run must not fill the table
)
How = AgentName.How
_KNOWN = """
SELECT told.nth, known.id, known.identity_id, known.last_used_at
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
    WITH ORDINALITY AS told (service, agent, spiffe, credential, nth)
JOIN runtime_agentname known ON known.reporter_id = %s AND known.service_name = told.service
    AND known.agent_name = told.agent AND known.spiffe_id = told.spiffe AND known.credential = told.credential
"""
# Many times quicker than by four texts. A row is believed only for the name that it holds.
_BY_KEY = """
SELECT service_name, agent_name, spiffe_id, credential, id, identity_id, last_used_at
FROM runtime_agentname WHERE id = ANY(%s::bigint[]) AND reporter_id = %s
"""
_MOST_KEYS = 20_000  # that are remembered


class Name(NamedTuple):
    """What a reporter calls an agent; as long as the columns allow."""

    service: str
    agent: str
    spiffe_id: str = ""
    credential: str = ""


class _Known(NamedTuple):
    pk: int
    identity_id: int | None
    last_used_at: datetime


# Where the row of a reporter's name was found; no more than a hint.
_keys: dict[tuple[int, Name], int] = {}


def identities_of(
    names: Collection[Name], *, reporter: User, at: datetime
) -> dict[Name, int | None]:
    """The identity of each name, if anybody knows; names never seen before are written down."""
    known = _known(names, reporter)
    missing = [name for name in names if name not in known]
    if missing:
        _write_down(missing, reporter, at)
        known |= _known(missing, reporter)
    stale = [row.pk for row in known.values() if row.last_used_at < at - NOTED_EVERY]
    if stale:
        rows = AgentName.objects.select_for_update(skip_locked=True).filter(pk__in=stale)
        AgentName.objects.filter(pk__in=rows.values("pk")).update(last_used_at=at)
    return {name: known[name].identity_id if name in known else None for name in names}


def assign(
    name: AgentName, identity: Identity, *, by: User, reason: str, at: datetime
) -> AgentName:
    """Says who the name is, from now on and for the calls that are on record. Again is not an error."""
    access.require_security(by)
    with audit.acting(by, "agent_name.assigned", reason):
        AgentName.objects.filter(pk=name.pk).update(identity=identity, how=How.SET, ignored_at=None)
        signals.announce_changed([identity.pk])
    return AgentName.objects.get(pk=name.pk)


def ignore(name: AgentName, *, by: User, reason: str, at: datetime) -> AgentName:
    """Takes the name off the list of unknown agents; its calls stay on record, without an identity."""
    access.require_security(by)
    with audit.acting(by, "agent_name.ignored", reason):
        AgentName.objects.filter(pk=name.pk, ignored_at=None).update(
            ignored_at=at, identity=None, how=How.NOT
        )
    return AgentName.objects.get(pk=name.pk)


def try_again(at: datetime) -> list[int]:
    """Looks for the unknown names in the inventory, which may have learned of them; gives those that are known now."""
    rows = list(AgentName.objects.unknown())
    found = _resolve([_name_of(row) for row in rows])
    known = []
    with audit.acting(JOB, "agent_name.found"):
        for row in rows:
            identity, how = found[_name_of(row)]
            if identity is not None:
                AgentName.objects.filter(pk=row.pk, identity=None).update(
                    identity=identity, how=how
                )
                known.append(row.pk)
    return known


def _known(names: Collection[Name], reporter: User) -> dict[Name, _Known]:
    """Names that this process has met are read by the keys of their rows, the others by one look for each name."""
    known: dict[Name, _Known] = {}
    keys = [key for name in names if (key := _keys.get((reporter.pk, name)))]
    with connection.cursor() as cursor:
        if keys:
            cursor.execute(_BY_KEY, [keys, reporter.pk])
            known = {Name(*row[:4]): _Known(*row[4:]) for row in cursor.fetchall()}
        asked = [name for name in names if name not in known]
        if asked:
            columns = [list(column) for column in zip(*asked, strict=True)]
            cursor.execute(_KNOWN, [*columns, reporter.pk])
            found = {asked[nth - 1]: _Known(*rest) for nth, *rest in cursor.fetchall()}
            _remember(found, reporter.pk)
            known |= found
    return known


def _remember(found: dict[Name, _Known], reporter_id: int) -> None:
    if len(_keys) + len(found) > _MOST_KEYS:
        _keys.clear()
    _keys.update(((reporter_id, name), row.pk) for name, row in found.items())


def _write_down(names: list[Name], reporter: User, at: datetime) -> None:
    room = MOST_NAMES - AgentName.objects.filter(reporter=reporter).count()
    names = sorted(names)[: max(room, 0)]
    found = _resolve(names)
    rows = [
        AgentName(
            reporter=reporter, service_name=name.service, agent_name=name.agent,
            spiffe_id=name.spiffe_id, credential=name.credential, identity_id=found[name][0],
            how=found[name][1], first_seen_at=at, last_used_at=at,
        )
        for name in names
    ]  # fmt: skip
    with audit.acting(reporter, "agent_name.seen"):
        AgentName.objects.bulk_create(rows, ignore_conflicts=True)


def _resolve(names: Collection[Name]) -> dict[Name, tuple[int | None, str]]:
    """Each name's identity, and how it was found."""
    spiffe = _by_spiffe({name.spiffe_id for name in names if name.spiffe_id})
    credential = _by_credential({name.credential for name in names if name.credential})
    called = _by_name({text for name in names for text in (name.agent, name.service) if text})
    found: dict[Name, tuple[int | None, str]] = {}
    for name in names:
        ways = (
            (spiffe.get(name.spiffe_id), How.SPIFFE),
            (credential.get(name.credential), How.CREDENTIAL),
            (called.get(name.agent), How.AGENT),
            # A service that runs several agents is none of them.
            (called.get(name.service) if not name.agent else None, How.SERVICE),
        )
        found[name] = next(((pk, str(how)) for pk, how in ways if pk), (None, str(How.NOT)))
    return found


def _by_spiffe(ids: Collection[str]) -> dict[str, int]:
    rows = _here().filter(spiffe_id__in=ids).values_list("spiffe_id", "pk")
    return _single((str(text), pk) for text, pk in rows)


def _by_credential(ids: Collection[str]) -> dict[str, int]:
    rows = Credential.objects.filter(key_id__in=ids, gone_at=None)
    return _single(rows.values_list("key_id", "identity"))


def _by_name(texts: Collection[str]) -> dict[str, int]:
    """By external id first, then by name; among several of one name, the only agent."""
    ids = _single(_here().filter(external_id__in=texts).values_list("external_id", "pk"))
    rows = list(_here().filter(name__in=texts).values_list("name", "pk", "kind"))
    agents = _single((name, pk) for name, pk, kind in rows if kind in Identity.AI_KINDS)
    any_kind = _single((name, pk) for name, pk, _ in rows)
    return {**any_kind, **agents, **ids}


def _here() -> QuerySet[Identity]:
    return Identity.objects.filter(~Q(lifecycle=Identity.Lifecycle.RETIRED), gone_at=None)


def _single(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Those that are said of one identity only."""
    found: dict[str, set[int]] = defaultdict(set)
    for text, pk in pairs:
        found[text].add(pk)
    return {text: min(pks) for text, pks in found.items() if len(pks) == 1}


def _name_of(row: AgentName) -> Name:
    return Name(row.service_name, row.agent_name, row.spiffe_id, row.credential)
