"""How the inventory judges the controls of the tiers: one pair of conditions on an identity for each."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from inventory.models import (
    ChainFacts,
    Credential,
    Delegation,
    Entitlement,
    Grant,
    KillSwitchUse,
    Risk,
    ToolBinding,
)
from inventory.models.person import can_answer
from inventory.tiers import Answer, Step, provide
from inventory.tools import usable_q

SHORT_LIVED = timedelta(hours=24)
DRILLED_WITHIN = timedelta(days=365)
LONGEST_CHAIN = 3
_NEVER = Q(pk__in=[])
_HIGH = [Risk.HIGH, Risk.CRITICAL]


def owner(at: datetime) -> Answer:
    return Answer(
        Q(platform_managed=True) | (Q(owner__isnull=False) & can_answer(at, "owner__")), _NEVER
    )


def workload_identity(at: datetime) -> Answer:
    """Unknown where a live credential's source does not say what it is bound to, and nothing else is known."""
    live = _live(at)
    proven = Q(spiffe_id__isnull=False) | Q(Exists(live.exclude(bound_to="")))
    return Answer(proven, ~proven & Q(Exists(live.filter(binding_known=False))))


def credential_expiry(at: datetime) -> Answer:
    """Without a credential there is nothing that could fail to end."""
    live = _live(at)
    endless = live.filter(expires_at=None, lifetime_seconds=None)
    return Answer(
        ~Exists(endless.filter(expiry_known=True)),
        ~Exists(endless.filter(expiry_known=True)) & Q(Exists(endless.filter(expiry_known=False))),
    )


def least_privilege(at: datetime) -> Answer:
    broad = Q(entitlement__admin=True) | Q(entitlement__wildcard=True)
    return Answer(~Exists(_allowed(at).filter(broad)), _NEVER)


def short_lived(at: datetime) -> Answer:
    """Each live credential lives a day at most and is bound. Having none proves nothing, unless it has a SPIFFE ID."""
    live = _live(at)
    seconds = SHORT_LIVED.total_seconds()
    good = (Q(lifetime_seconds__lte=seconds) | Q(expires_at__lte=at + SHORT_LIVED)) & ~Q(
        bound_to=""
    )
    return Answer(
        ~Exists(live.exclude(good)) & (Q(spiffe_id__isnull=False) | Q(Exists(live))),
        ~Exists(live) & Q(spiffe_id__isnull=True),
    )


def dataset_bound(at: datetime) -> Answer:
    """Each grant names a resource, as a row or as patterns other than a bare star."""
    loose = (
        _allowed(at)
        .filter(entitlement__resource=None)
        .filter(Q(entitlement__resources=[]) | Q(entitlement__resources__contains=["*"]))
    )
    return Answer(~Exists(loose), _NEVER)


def on_behalf_of(at: datetime) -> Answer:
    acts_for = Delegation.objects.effective_if_given(at).filter(
        delegate=OuterRef("pk"), delegator_person__isnull=False
    )
    return Answer(Q(Exists(acts_for)), _NEVER)


def approval(at: datetime) -> Answer:
    """Of grants that change something of high risk; unknown where a source never says who approved."""
    high = _allowed(at).filter(entitlement__writes=True, entitlement__risk__in=_HIGH)
    missing = high.filter(approved_at=None)
    return Answer(
        ~Exists(missing),
        ~Exists(missing.filter(just_in_time=True)) & Q(Exists(missing.filter(just_in_time=False))),
    )


def tools_approved(at: datetime) -> Answer:
    """Of the tools it holds or was seen to use; an agent of which no tool is known cannot be told."""
    held = ToolBinding.objects.filter(identity=OuterRef("pk"), gone_at=None)
    return Answer(~Exists(held.exclude(usable_q("tool__"))), ~Exists(held))


def just_in_time(at: datetime) -> Answer:
    """Nothing that changes something stands; unknown where nobody says whether a standing grant changes anything."""
    standing = _allowed(at).filter(just_in_time=False, task=None)
    writing = standing.filter(entitlement__writes=True)
    unsaid = standing.filter(entitlement__writes=None)
    return Answer(~Exists(writing), ~Exists(writing) & Q(Exists(unsaid)))


def kill_switch(at: datetime) -> Answer:
    uses = KillSwitchUse.objects.filter(
        identity=OuterRef("pk"), asked_at__gte=at - DRILLED_WITHIN, stopped_at__isnull=False
    )
    return Answer(Q(Exists(uses)), _NEVER)


def narrowing_chains(at: datetime) -> Answer:
    given = Delegation.objects.in_force(at).filter(delegator_identity=OuterRef("pk"))
    return Answer(~Exists(given.filter(scope_all=True)), ~Exists(given))


def depth_limit(at: datetime) -> Answer:
    facts = ChainFacts.objects.filter(identity=OuterRef("pk"))
    return Answer(Q(Exists(facts.filter(hops__lte=LONGEST_CHAIN))), ~Exists(facts))


def relay_detection(at: datetime) -> Answer:
    facts = ChainFacts.objects.filter(identity=OuterRef("pk"))
    return Answer(Q(Exists(facts.filter(relayed_certain=0))), ~Exists(facts))


def _live(at: datetime) -> QuerySet[Credential]:
    return Credential.objects.live(at).filter(identity=OuterRef("pk"))


def _allowed(at: datetime) -> QuerySet[Grant]:
    return Grant.objects.effective(at).filter(
        identity=OuterRef("pk"), entitlement__effect=Entitlement.Effect.ALLOW
    )


def register() -> None:
    """Called once, when the app is ready."""
    credentials = Step("Its credentials", "inventory:credential-list", "key-round", "identity={}")
    grants = Step(
        "Its grants", "inventory:grant-list", "shield-check", "identity={}&state=in_force"
    )
    standing = Step(
        "Its standing grants", "inventory:grant-list", "shield-check", "identity={}&state=standing"
    )
    risky = Step(
        "Its high-risk grants", "inventory:grant-list", "shield-check",
        "identity={}&state=in_force&risk=high&risk=critical",
    )  # fmt: skip
    chains = Step("Its delegations", "inventory:delegation-explore", "waypoints", "identity={}")
    drill = Step("Run a drill", "inventory:identity-drill", "timer", action="suspend", dialog=True)
    assign = Step(
        "Assign owner", "inventory:identity-owner", "user-check", action="assign_owner", dialog=True
    )
    provide("owner", owner, [assign])
    provide("workload-identity", workload_identity, [credentials])
    provide("credential-expiry", credential_expiry, [credentials])
    provide("least-privilege", least_privilege, [grants])
    provide("short-lived", short_lived, [credentials])
    provide("dataset-bound", dataset_bound, [grants])
    provide("on-behalf-of", on_behalf_of)
    provide("approval", approval, [risky])
    provide(
        "tools-approved",
        tools_approved,
        [Step("Its tools", "inventory:tool-list", "wrench", "identity={}")],
    )
    provide("just-in-time", just_in_time, [standing])
    provide("kill-switch", kill_switch, [drill])
    provide("narrowing-chains", narrowing_chains, [chains])
    provide("depth-limit", depth_limit, [chains])
    provide("relay-detection", relay_detection, [chains])
