"""What an assessment counts beside its checks: rows in scope, and how each source stood."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, QuerySet

from frameworks.judging import Who
from frameworks.snapshot import SourceState
from inventory.models import (
    Credential,
    Delegation,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Person,
    Source,
    ToolBinding,
)
from reviews.models import Finding


def totals(who: Who, *, at: datetime) -> dict[str, int]:
    """How many of each noun are in scope; live identities, and what works at the moment."""
    identities = who.identities if who.identities is not None else Identity.objects.all()
    live = identities.live()
    grants = Grant.objects.effective(at).filter(entitlement__effect=Entitlement.Effect.ALLOW)
    return {
        "identities": live.count(),
        "agents": live.agents().count(),
        "people": _owners(who).count(),
        "credentials": _of(Credential.objects.live(at), who, "identity").count(),
        "grants": _of(grants, who, "identity").count(),
        "delegations": _of(Delegation.objects.in_force(at), who, "delegate").count(),
        "tools": _of(ToolBinding.objects.filter(gone_at=None), who, "identity")
        .values("tool")
        .distinct()
        .count(),
        "open findings": _of(Finding.objects.open(at), who, "identity").count(),
    }


def sources(who: Who, *, at: datetime) -> Iterator[SourceState]:
    """Every source, with how many live identities in scope it gave."""
    identities = who.identities if who.identities is not None else Identity.objects.all()
    counted = identities.live().order_by().values_list("source").annotate(number=Count("pk"))
    number = dict(counted)
    last = ImportRun.objects.filter(source=OuterRef("pk")).order_by("-pk")[:1]
    rows = Source.objects.annotate(
        last_error=last.values("error"), last_whole=last.values("complete")
    )
    for source in rows.order_by("label", "pk"):
        yield SourceState(
            name=source.label, kind=source.kind, read_at=source.last_complete_at,
            is_stale=source.is_stale(at), problem=_problem(source, at),
            identities=number.get(source.pk, 0),
        )  # fmt: skip


def _problem(source: Source, at: datetime) -> str:
    if source.kind == Source.MANUAL:
        return ""
    said = str(getattr(source, "last_error", "") or "")
    if said:
        return f"The last reading failed: {said}"
    if source.last_complete_at is None:
        return "It was never read whole."
    if source.is_stale(at):
        return "It has not been read whole for twice as long as expected."
    return (
        "" if getattr(source, "last_whole", True) is not False else "The last reading was partial."
    )


def _of(rows: QuerySet, who: Who, path: str) -> QuerySet:  # type: ignore[type-arg]  # of each noun
    if who.identities is None:
        return rows
    return rows.filter(**{f"{path}__in": who.identities.order_by().values("pk")})


def _owners(who: Who) -> QuerySet[Person]:
    if who.identities is None:
        return Person.objects.filter(gone_at=None)
    owned = who.identities.filter(owner=OuterRef("pk")).order_by()
    return Person.objects.filter(Exists(owned), gone_at=None)
