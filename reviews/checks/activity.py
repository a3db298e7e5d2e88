"""Checks of what agents did: who they are, what covers their calls, when it was decided, and how far they drifted."""

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from inventory.models import Environment, Identity, Severity
from inventory.models.identity import drifted_q
from reviews.check import Check, Rows
from reviews.parameters import Days
from runtime.models import AgentName, CallTally, Decision, Deviation, PolicySet, PolicySetVersion

WINDOW = timedelta(days=30)


def _agents(at: datetime) -> QuerySet[Identity]:
    """Active agents, with what was counted of their calls in 30 days: `calls`, `bare` and `undecided` are NULL where
    none was reported."""
    counted = (
        CallTally.objects.filter(identity=OuterRef("pk"), day__gt=(at - WINDOW).date())
        .order_by()
        .values("identity")
        .annotate(
            all_calls=Sum("calls"),
            uncovered=Sum(F("calls") - F("covered")),
            without=Sum(F("calls") - F("decided")),
        )
    )
    return (
        Identity.objects.active()
        .agents()
        .ownable()
        .annotate(
            calls=Subquery(counted.values("all_calls")),
            bare=Subquery(counted.values("uncovered")),
            undecided=Subquery(counted.values("without")),
        )
    )


class InventoryComplete(Check):
    """An agent that works and is not in the inventory has no owner, no limits, and nobody who would stop it.

    Judged by the names that reported calls carry. An agent that reports nothing anywhere is not seen.
    """

    id = "inventory-complete"
    problem = "Seen at work, and in no inventory"
    title = "Every identity or agent seen in logs or provider exports is in the inventory"
    severity = Severity.HIGH
    fix = "Register the agent and give it an owner, say which identity the name belongs to, or that it is none of ours."
    evidence = ("agent_name", "service_name", "spiffe_id", "first_seen_at", "last_used_at")
    rests_on_source = False
    identity = "identity"

    window = Days(30, "Days to look back")

    def population(self, at: datetime) -> Rows:
        return AgentName.objects.filter(ignored_at=None, last_used_at__gte=at - self.window)

    def fails(self, at: datetime) -> Q:
        return Q(identity__isnull=True)


class ToolPolicyCoverage(Check):
    """A call that no rule names was allowed by accident, and nobody would notice the next one.

    Covered is what a permit policy decided, a grant that names the tool, or an approved tool declared for the agent.
    Without reported calls nobody can tell.
    """

    id = "tool-policy-coverage"
    version = 2
    problem = "Calls tools that no rule names"
    title = "Every tool an agent calls is covered by an explicit allow rule for that agent"
    severity = Severity.MEDIUM
    fix = "Write the rule for what it needs (Activity, Coverage), and take the tool away where it needs it not."
    evidence = ("kind", "calls", "bare")
    rests_on_source = False

    def population(self, at: datetime) -> Rows:
        return _agents(at)

    def fails(self, at: datetime) -> Q:
        return Q(bare__gt=0)

    def unknown(self, at: datetime) -> Q:
        return Q(calls__isnull=True)


class DecisionAtRequestTime(Check):
    """What was right when it was granted can be wrong when it is used; only a decision at the call knows.

    A decision counts for a call that names it and begins within five minutes after it.
    """

    id = "decision-at-request-time"
    problem = "Calls without a decision"
    title = "Authorisation is decided at each request with current policy and state, within the allowed cache time"
    severity = Severity.MEDIUM
    fix = "Have its gateway ask before each call, and send the decision’s ID with the call."
    evidence = ("kind", "calls", "undecided")
    rests_on_source = False

    def population(self, at: datetime) -> Rows:
        return _agents(at)

    def fails(self, at: datetime) -> Q:
        return Q(undecided__gt=0)

    def unknown(self, at: datetime) -> Q:
        return Q(calls__isnull=True)


class AutonomyTierMatch(Check):
    """An assistant that has become an actor needs other controls, and nobody decided that it should be one.

    The observed tier comes from calls, tools and delegations of the last 30 days. What it could do and never did is not
    seen here.
    """

    id = "autonomy-tier-match"
    problem = "Acts above its declared tier"
    title = "Observed capabilities stay within the declared autonomy tier"
    severity = Severity.HIGH
    fix = "Declare the tier it acts in and add the controls of that tier, or take away what lets it act so."
    evidence = ("kind", "declared_tier", "observed_tier")
    rests_on_source = False

    def population(self, at: datetime) -> Rows:
        return Identity.objects.active().agents().ownable()

    def fails(self, at: datetime) -> Q:
        return drifted_q()

    def unknown(self, at: datetime) -> Q:
        return Q(observed_tier__isnull=True) | Q(declared_tier__isnull=True)


class AtypicalUseTriaged(Check):
    """An alert that nobody looks at protects nobody.

    Judged are deviations of high and critical severity. Whether the rules find what they should is not measured here.
    """

    id = "atypical-use-triaged"
    problem = "Deviations that nobody looked at"
    title = "Alerts on atypical agent behaviour are triaged within the SLA"
    severity = Severity.MEDIUM
    fix = "Look at the deviations of the agent, and say what each was."
    evidence = ("kind", "calls")
    rests_on_source = False

    sla = Days(3, "Days until somebody has looked")

    def population(self, at: datetime) -> Rows:
        late = Deviation.objects.overdue(at - self.sla).filter(
            identity=OuterRef("pk"), severity__gte=Severity.HIGH
        )
        return _agents(at).annotate(late=Exists(late))

    def fails(self, at: datetime) -> Q:
        return Q(late=True)

    def unknown(self, at: datetime) -> Q:
        return Q(calls__isnull=True, late=False)


class DefaultDeny(Check):
    """A policy set that only watches in production permits everything there, whatever its policies say.

    What no policy permits is denied by the engine itself; a denial without any policy behind it, seen in the last 30
    days, proves it. Where none was needed, nobody can tell.
    """

    id = "default-deny"
    problem = "Policies are not enforced in production"
    title = "A request that no rule matches is denied, and production enforcement is not in monitor-only mode"
    severity = Severity.HIGH
    fix = "Take the policy set out of monitor-only mode in production."
    evidence = ("name", "domain", "monitored", "enforced", "denied_by_default")
    rests_on_source = False
    fails_first = True

    def population(self, at: datetime) -> Rows:
        live = PolicySetVersion.objects.live().filter(policy_set=OuterRef("pk"))
        bare = Decision.objects.between(at - WINDOW, at).filter(
            policy_version__policy_set=OuterRef("pk"), permitted=False, policies=[]
        )
        return PolicySet.objects.annotate(enforced=Exists(live), denied_by_default=Exists(bare))

    def fails(self, at: datetime) -> Q:
        return Q(monitored__contains=[Environment.PRODUCTION])

    def unknown(self, at: datetime) -> Q:
        return Q(enforced=False) | Q(denied_by_default=False)
