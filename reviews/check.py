"""What a check is: one population, two conditions on it, and so four answers that cannot
overlap."""

import inspect
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    CharField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    SmallIntegerField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat, Greatest, JSONObject

from inventory import access
from inventory.models import Severity, Source
from reviews.models import CheckSetting
from reviews.parameters import Decided, Parameter


class _ByFailure(Func):
    """SQL's simple CASE, which asks its condition once: failed, not failed (then the second part), or NULL."""

    template = "CASE %(expressions)s ELSE 'unknown' END"
    arg_joiner = " WHEN true THEN 'fail' WHEN false THEN "


CHECKS: dict[str, type["Check"]] = {}
NEVER = Q(pk__in=[])
Rows = QuerySet[Any]  # Any: whatever noun the check is about


class Check:
    """A question to a population. Inside it each row passes, fails, or cannot be told; outside, it
    does not apply.

    A condition that comes out as NULL is "cannot tell", never a pass. So is a pass that rests on a
    source which has
    gone silent; a failure stays one until the source says otherwise.
    """

    id: ClassVar[str]
    title: ClassVar[str]  # what holds when it passes, in the words of the crosswalk
    problem: ClassVar[str]  # what is wrong when it fails, in a few words: the name of a finding
    severity: ClassVar[Severity]
    fix: ClassVar[str]
    evidence: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1  # a changed meaning raises it, so that trends do not lie
    fails_first: ClassVar[bool] = False  # True: what fails is a failure, whatever else is not known
    rests_on_source: ClassVar[bool] = True  # False: what is judged is decided here, not reported
    identity: ClassVar[str] = ""  # the path to the identity, where `access` does not know the noun

    def __init__(self, decided: Decided | None = None) -> None:
        self.decided: Decided = decided or {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        missing = [
            name for name in ("id", "title", "problem", "severity", "fix") if not hasattr(cls, name)
        ]
        if missing or not cls.__doc__:
            raise TypeError(
                f"The check {cls.__name__} lacks {', '.join(missing) or 'a docstring'}. Add it."
            )
        if cls.id in CHECKS and CHECKS[cls.id].__qualname__ != cls.__qualname__:
            raise TypeError(f"Two checks have the id {cls.id!r}. Rename one of them.")
        CHECKS[cls.id] = cls

    def population(self, at: datetime) -> Rows:
        """To whom the question applies."""
        raise NotImplementedError

    def fails(self, at: datetime) -> Q:
        """What is wrong."""
        raise NotImplementedError

    def unknown(self, at: datetime) -> Q:
        """Where data is missing, so that nothing can be said; it goes before `fails`."""
        return NEVER

    @property
    def enabled(self) -> bool:
        return bool(self.decided.get(CheckSetting.ENABLED, True))

    @classmethod
    def why(cls) -> str:
        return inspect.getdoc(cls) or ""

    @classmethod
    def parameters(cls) -> list[Parameter[Any]]:
        """What an administrator may change, in the order of declaration."""
        return [value for value in vars(cls).values() if isinstance(value, Parameter)]

    def judged(self, at: datetime, identities: Iterable[int] | Rows | None = None) -> Rows:
        """Each row of the population with subject, identity, severity, evidence and verdict.

        Narrowed to identities (keys, or a queryset of them), the same question is asked of their rows only.
        """
        rows = self.population(at).order_by()
        path = self.identity or identity_path(rows.model)
        if identities is not None:
            whose = (
                identities.order_by().values("pk")
                if isinstance(identities, QuerySet)
                else list(identities)
            )
            rows = rows.filter(**{f"{path}__in": whose}) if path else rows.none()
        failed = ExpressionWrapper(self.fails(at), output_field=BooleanField())
        found: Rows = (
            rows.annotate(failed=failed)
            .annotate(
                verdict=self._verdict(at),
                subject=Concat(
                    Value(f"{rows.model._meta.model_name}:"),
                    Cast("pk", CharField()),
                    output_field=CharField(),
                ),
                about=F(path) if path else Cast(Value(None), BigIntegerField()),
                rank=Value(int(self.severity), SmallIntegerField()),
                proof=JSONObject(**{name.replace("__", "_"): F(name) for name in self.evidence}),
            )
            .values_list("subject", "about", "rank", "proof", "verdict")
        )
        return found

    def _verdict(self, at: datetime) -> Case:
        """Each condition stands in it once: where it holds subqueries, PostgreSQL plans every mention anew."""
        if_not_failed = Case(When(self._silent(at), then=Value("unknown")), default=Value("pass"))
        if self.fails_first:
            if_not_failed = Case(
                When(self.unknown(at), then=Value("unknown")), default=if_not_failed
            )
        judged = _ByFailure(F("failed"), if_not_failed, output_field=CharField())
        if self.fails_first:
            return Case(default=judged)
        return Case(When(self.unknown(at), then=Value("unknown")), default=judged)

    def _silent(self, at: datetime) -> Q:
        return silent(at) if self.rests_on_source else NEVER


def identity_path(model: type[Any]) -> str | None:
    """The field of a noun that holds its identity; None when it is not about one."""
    prefix = access.IDENTITY_OF.get(model)
    if prefix is None:
        return None
    return prefix.removesuffix("__") or "pk"


def silent(at: datetime) -> Q:
    """The row's source has said nothing for twice the time it should; what people type in never
    goes stale."""
    age = ExpressionWrapper(
        Q(said_at__lt=Value(at) - F("expected_every") - F("expected_every")),
        output_field=BooleanField(),
    )
    old = (
        Source.objects.exclude(kind=Source.MANUAL)
        .alias(said_at=Greatest("last_complete_at", "last_run_at"))
        .alias(old=Coalesce(age, True))
        .filter(old=True, pk=OuterRef("source"))
    )
    return Q(Exists(old))
