"""Checks of what is delegated: how wide, how long, who answers for it, and who passes it on."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Least, NullIf

from inventory.models import Delegation, DelegationScope, Entitlement, Grant, Identity, Severity
from inventory.models.chain import chains_computed_at
from inventory.models.grant import in_force_q
from inventory.models.identity import active_q
from inventory.models.person import can_answer
from reviews.check import Check, Rows
from reviews.parameters import Minutes

Outer = Callable[[str], OuterRef]
FRESH = timedelta(days=1)  # facts about the whole estate say nothing after that
# Principals that stand for whoever comes, or for nobody any more (inventory/importers/aws_principals.py).
ANONYMOUS_TYPES = ("anyone", "anyone_except", "account", "deleted")
# What Kubernetes calls whoever did not sign in (Kubernetes documentation, Authenticating, "Anonymous requests").
ANONYMOUS_NAMES = ("system:anonymous", "Group system:unauthenticated")
# In the order of the alphabet, worst first: `_worst_of` relies on it.
BEYOND, KEPT, LONGER, UNCLEAR, WITHIN = "beyond", "kept", "longer", "unclear", "within"


class DelegationNarrows(Check):
    """Who passes on more than they have, or for longer, makes authority out of nothing at the next hop.

    Limited: each entitlement it names must be held by the delegator, or be delegated to it so that it may pass it on;
    and where it is only delegated, one of those delegations must last as long. Without limits: it means what the
    delegator may do at the moment, so it never adds anything, also below a limited one; but if the delegator has
    nothing of its own, it must not last longer than all that it was given. One hop up is looked at: the hop above is a
    row of its own here. Rights of people are not in the inventory, and patterns cannot be compared by name: what rests
    on those cannot be told, nor can a limited scope that names nothing. What only follows from grants is left out.
    Mandate's own decisions widen nothing either way; platforms may honour what the delegation says.
    """

    id = "delegation-narrows"
    problem = "Delegation wider than its delegator"
    title = "A delegated scope is never wider than that of the delegator, or of the user acted for"
    severity = Severity.CRITICAL
    fix = "Narrow the delegation to what its delegator holds, and let it end no later."
    evidence = ("how", "scope_all", "delegator_identity__name", "expires_at")

    def population(self, at: datetime) -> Rows:
        return _set_up(at).annotate(
            until=Least("expires_at", "task__deadline"),
            compared=Case(
                When(scope_all=False, then=NullIf(_worst(at), Value(UNCLEAR))),
                When(_lasts_without_limits(at), then=Value(WITHIN)),
                default=Value(LONGER),
                output_field=CharField(),
            ),
        )

    def fails(self, at: datetime) -> Q:
        return Q(compared__in=[BEYOND, LONGER])


class DelegationAttributable(Check):
    """When nobody can be named at the start of a chain, nobody answers for what its end did.

    Someone is named if there is, on some way up, a person, or an identity whose owner can answer; what lies more than
    one hop up is computed for the whole estate, and cannot be told before. It fails at once where one end is whoever
    comes: anybody, any principal of an account, a principal that was deleted. What the platform gives away of its own
    is left out; so is what only follows from grants, unless whoever comes gets it.
    """

    id = "delegation-attributable"
    problem = "Nobody answers for the delegation"
    title = "Every delegated action resolves to the originating principal and to each hop"
    severity = Severity.HIGH
    fix = "Name an owner for the delegator, and delegate to named identities only."
    evidence = ("how", "delegator_identity__name", "delegate__name", "anonymous")

    def population(self, at: datetime) -> Rows:
        theirs = Q(delegator_identity=None) | Q(delegator_identity__platform_managed=False)
        anonymous = _anonymous("delegate__") | _anonymous("delegator_identity__")
        above = Delegation.objects.effective(at).filter(delegate=OuterRef("delegator_identity"))
        return (
            Delegation.objects.effective(at)
            .filter(theirs)
            .alias(computed_at=chains_computed_at())
            .annotate(
                anonymous=Case(When(anonymous, then=True), default=False),
                attributable=Case(
                    When(anonymous, then=False),
                    When(_answered(at), then=True),
                    When(~Exists(above), then=False),
                    When(Exists(above.filter(_answered(at))), then=True),
                    When(computed_at__gte=at - FRESH, then=F("delegator_identity__chain__rooted")),
                    default=None,
                    output_field=BooleanField(),
                ),
            )
            .filter(Q(derived=False) | anonymous)
        )

    def fails(self, at: datetime) -> Q:
        return Q(attributable=False)


class DelegationOutlivesTask(Check):
    """Authority that a person lent for one piece of work, and that still stands when the work is over, is nobody's.

    What is bound to a task must end with it; here it is dead at once, its platform may not know. What an agent may do
    for a person without any task needs an end of its own.
    """

    id = "delegation-outlives-task"
    problem = "Delegation outlives its task"
    title = "No delegation outlives the task it is for, and none for a person is without an end"
    severity = Severity.HIGH
    fix = "Revoke the delegation, or let it end with its task."
    evidence = ("how", "delegator_person__name", "expires_at", "task__deadline", "over_since")

    grace = Minutes(15, "Minutes until a delegation has to end with its task")

    def population(self, at: datetime) -> Rows:
        for_a_person = (
            Q(how=Delegation.How.ON_BEHALF_OF, delegate__kind__in=Identity.AI_KINDS)
            & Q(delegator_person__isnull=False)
            & active_q("delegate__")
            & can_answer(at, "delegator_person__")
        )
        over = Least("task__ended_at", "task__deadline", "task__silent_at")
        return Delegation.objects.filter(
            in_force_q(at), Q(task__isnull=False) | for_a_person
        ).annotate(over_since=over)

    def fails(self, at: datetime) -> Q:
        late = Q(over_since__lte=at - self.grace) | Q(expires_at__gt=F("task__deadline"))
        return (Q(task__isnull=False) & late) | Q(task__isnull=True, expires_at__isnull=True)


class RedelegationAgainstFlag(Check):
    """Who lends authority “to you and nobody else” has decided who uses it; passing it on undoes the decision.

    The onward delegation is found if it has no limits, or names an entitlement that its delegator has by such a
    delegation only. Where nobody has said whether a delegation may be passed on, the question does not apply.
    """

    id = "redelegation-against-flag"
    problem = "Passed on against the delegator's will"
    title = "What was delegated without the right to pass it on is not passed on"
    severity = Severity.HIGH
    fix = "Limit or revoke the onward delegation, or ask the first delegator to allow it."
    evidence = ("how", "scope_all", "delegator_identity__name", "delegate__name")

    def population(self, at: datetime) -> Rows:
        mine = Delegation.objects.effective(at).filter(delegate=OuterRef("delegator_identity"))
        kept = Exists(mine.filter(may_redelegate=False))
        return (
            _set_up(at)
            .filter(Exists(mine.filter(may_redelegate__isnull=False)))
            .annotate(
                passed_on=Case(
                    When(~kept, then=Value(WITHIN)),
                    When(scope_all=True, then=Value(KEPT)),
                    default=NullIf(_worst_passed_on(at), Value(UNCLEAR)),
                    output_field=CharField(),
                )
            )
        )

    def fails(self, at: datetime) -> Q:
        return Q(passed_on=KEPT)


def _set_up(at: datetime) -> QuerySet[Delegation]:
    """Works between two identities, and somebody set it up; what follows from grants, nobody handed on."""
    return Delegation.objects.effective(at).filter(delegator_identity__isnull=False, derived=False)


def _held(at: datetime, by: str) -> QuerySet[Grant]:
    grants = Grant.objects.effective(at).filter(identity=OuterRef(by))
    return grants.filter(entitlement__effect=Entitlement.Effect.ALLOW)


def _may_pass_on(at: datetime, whose: str) -> QuerySet[Delegation]:
    """What was delegated to it, and may be handed further."""
    mine = Delegation.objects.effective(at).filter(delegate=OuterRef(whose))
    ends = Least("expires_at", "task__deadline")
    return mine.filter(Q(may_redelegate=None) | Q(may_redelegate=True)).alias(ends=ends)


def _lasts(until: str = "until") -> Q:
    """No end, or not before that of the delegation that rests on it; an end that is open wants an open one."""
    return Q(ends=None) | Q(ends__gte=OuterRef(until))


def _lasts_without_limits(at: datetime) -> Q:
    given = _may_pass_on(at, "delegator_identity")
    own = Exists(_held(at, "delegator_identity"))
    return Q(own) | ~Q(Exists(given)) | Q(Exists(given.filter(_lasts())))


def _limits() -> QuerySet[DelegationScope]:
    """The entitlements a limited delegation names, each with who gives it, and until when."""
    return DelegationScope.objects.filter(delegation=OuterRef("pk")).annotate(
        giver=F("delegation__delegator_identity"),
        until=Least("delegation__expires_at", "delegation__task__deadline"),
    )


def _worst(at: datetime) -> Coalesce:
    """How the worst of its entitlements compares with what the delegator has."""
    given = _may_pass_on(at, "giver")
    covering = given.filter(_covers(at))
    above = Q(delegator_identity=None) | Exists(_may_pass_on(at, "delegator_identity"))
    alike = Exists(_alike(at, "delegator_identity", lambda name: OuterRef(OuterRef(name))))
    perhaps = given.filter(Q(scope_all=True) & (above | Q(alike)))
    return _worst_of(
        When(Exists(_held(at, "giver").filter(entitlement=OuterRef("entitlement"))), then=Value(WITHIN)),
        When(Exists(covering.filter(_lasts())), then=Value(WITHIN)),
        When(Exists(perhaps) | Exists(_alike(at, "giver", OuterRef)), then=Value(UNCLEAR)),
        When(Exists(covering), then=Value(LONGER)),
        otherwise=BEYOND,
    )  # fmt: skip


def _covers(at: datetime) -> Q:
    """For a delegation inside a limit: it names the entitlement, or gives all of somebody who holds it."""
    entitlement = OuterRef(OuterRef("entitlement"))
    theirs = _held(at, "delegator_identity").filter(entitlement=entitlement)
    named = DelegationScope.objects.filter(delegation=OuterRef("pk"), entitlement=entitlement)
    return (Q(scope_all=True) & Exists(theirs)) | (Q(scope_all=False) & Exists(named))


def _alike(at: datetime, who: str, outer: Outer) -> QuerySet[Grant]:
    """Grants in the same system that may cover the entitlement without being it: patterns, and the whole system."""
    whole = Q(entitlement__resource=None, entitlement__name=outer("entitlement__name"))
    patterns = Q(entitlement__wildcard=True) | Q(entitlement__admin=True)
    statements = ~Q(entitlement__policy="")
    same = Q(entitlement__system=outer("entitlement__system")) & ~Q(
        entitlement=outer("entitlement")
    )
    return _held(at, who).filter(same, patterns | statements | whole)


def _worst_passed_on(at: datetime) -> Coalesce:
    """Whether one of its entitlements is its delegator's by delegations only that may not be passed on."""
    mine = Delegation.objects.effective(at).filter(delegate=OuterRef("giver"), may_redelegate=False)
    of_people = mine.filter(scope_all=True, delegator_identity=None)
    return _worst_of(
        When(Exists(_held(at, "giver").filter(entitlement=OuterRef("entitlement"))), then=Value(WITHIN)),
        When(Exists(_may_pass_on(at, "giver").filter(_covers(at))), then=Value(WITHIN)),
        When(Exists(mine.filter(_covers(at))), then=Value(KEPT)),
        When(Exists(of_people), then=Value(UNCLEAR)),
        otherwise=WITHIN,
    )  # fmt: skip


def _worst_of(*cases: When, otherwise: str) -> Coalesce:
    """The worst of what is said about each entitlement it names; unclear where it names none."""
    said = Case(*cases, default=Value(otherwise), output_field=CharField())
    named = _limits().annotate(compared=said).order_by("compared").values("compared")[:1]
    return Coalesce(Subquery(named), Value(UNCLEAR), output_field=CharField())


def _anonymous(prefix: str) -> Q:
    kinds = Q(**{f"{prefix}attributes__principal_type__in": ANONYMOUS_TYPES})
    return kinds | Q(**{f"{prefix}name__in": ANONYMOUS_NAMES})


def _answered(at: datetime) -> Q:
    """The delegator is a person, or an identity whose owner can answer."""
    owned = Q(delegator_identity__owner__isnull=False)
    return Q(delegator_person__isnull=False) | (
        owned & can_answer(at, "delegator_identity__owner__")
    )
