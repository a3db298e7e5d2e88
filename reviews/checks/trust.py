"""Checks of whom delegations trust: outsiders, other agents, pipelines."""

from datetime import datetime

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, NullIf

from inventory.models import (
    Credential,
    Delegation,
    Environment,
    Identity,
    Severity,
)
from reviews.check import Check, Rows

NOT_PRODUCTION = [str(value) for value in Environment.values if value != Environment.PRODUCTION]
OUTSIDE_KINDS = (Identity.Kind.EXTERNAL_ACCOUNT, Identity.Kind.OAUTH_APP)


class TrustWithoutConditions(Check):
    """Trust in another account or environment is as strong as the weakest key there; a condition says whom it meant.

    Without one, an outsider that serves many customers can be tricked into using your role for somebody else (AWS IAM
    User Guide, "The confused deputy problem"), and test opens production. Whether a condition is a good one, this
    check does not judge. Services of the platform itself, and what only follows from grants, are left out.
    """

    id = "trust-without-conditions"
    problem = "Trusts outsiders without a condition"
    title = "Delegation to another account, environment or organisation has a condition"
    severity = Severity.HIGH
    fix = "Add a condition, such as an external ID or an organisation, or remove the trust."
    evidence = ("how", "delegator_identity__name", "delegate__name", "crosses")

    def population(self, at: datetime) -> Rows:
        """What crosses a border, or may: nobody has said whose the delegate is."""
        maybe = Q(delegate__third_party=None, delegate__kind__in=OUTSIDE_KINDS, theirs=None)
        return (
            Delegation.objects.effective(at)
            .filter(delegator_identity__isnull=False, derived=False)
            .filter(delegate__platform_managed=False)
            .annotate(theirs=_account("delegate__"), ours=_account("delegator_identity__"))
            .annotate(crosses=_crosses())
            .filter(Q(crosses__isnull=False) | maybe)
        )

    def fails(self, at: datetime) -> Q:
        return Q(conditions={})

    def unknown(self, at: datetime) -> Q:
        return Q(conditions={}, crosses=None)


class InterAgentAuth(Check):
    """An agent that cannot prove who it is can be replaced by one that only says so.

    Both ends need a SPIFFE ID, or a live credential that is bound to one workload. The delegation itself is the entry
    of the approved list. Of an agent without any credential in the inventory, nothing can be told.
    """

    id = "inter-agent-auth"
    problem = "Agents that do not prove themselves"
    title = (
        "Agent-to-agent connections are mutually authenticated and the peer is on an approved list"
    )
    severity = Severity.HIGH
    fix = "Give both agents a workload identity, or a credential bound to one workload."
    evidence = (
        "how", "delegator_identity__name", "delegate__name", "delegator_proof", "delegate_proof",
    )  # fmt: skip

    def population(self, at: datetime) -> Rows:
        hows = (Delegation.How.ORCHESTRATE, Delegation.How.ON_BEHALF_OF)
        return (
            Delegation.objects.effective(at)
            .filter(how__in=hows, delegate__kind__in=Identity.AI_KINDS)
            .filter(delegator_identity__kind__in=Identity.AI_KINDS)
            .annotate(
                delegator_proof=_proof(at, "delegator_identity"),
                delegate_proof=_proof(at, "delegate"),
            )
        )

    def fails(self, at: datetime) -> Q:
        return Q(delegator_proof="none") | Q(delegate_proof="none")


class _PathExists(Func):
    """PostgreSQL's jsonb_path_exists; the last argument is the path."""

    function = "jsonb_path_exists"
    template = "%(function)s(%(expressions)s::jsonpath)"
    output_field = BooleanField()


# What a pattern matches that names nobody: it is open right behind the label of the claim, `*` or `repo:*`.
_LABELS = "repo|repository|repository_owner|project_path|organization|org|owner|pipeline|workspace|environment|ref"
_NAMES_NOBODY = f"^((({_LABELS}|system:serviceaccount|sc):)?/*[*?]|$)"
# Operators that ask for a match (AWS IAM User Guide, "String condition operators"), in each of their forms.
_EXACT = "^(foranyvalue:|forallvalues:)?stringequals(ignorecase)?(ifexists)?$"
_LIKE = "^(foranyvalue:|forallvalues:)?stringlike(ifexists)?$"


def _demands(claim: str) -> Q:
    """A condition on the claim whose every value names somebody. All operators must hold, so one will do."""
    claims = f'@.key like_regex ":({claim})$" flag "i"'
    exact = f'$.keyvalue() ? (@.key like_regex "{_EXACT}" flag "i").value.keyvalue() ? ({claims})'
    like = (
        f'$.keyvalue() ? (@.key like_regex "{_LIKE}" flag "i").value.keyvalue() ? ({claims}'
        f' && !exists(@.value[*] ? (@ like_regex "{_NAMES_NOBODY}" flag "i")))'
    )
    conditions = F("conditions")
    return Q(_PathExists(conditions, Value(exact))) | Q(_PathExists(conditions, Value(like)))


class CiFederation(Check):
    """A role that trusts a whole identity provider can be assumed by everybody who has an account there.

    The trust must ask for a subject and for an audience, and the subject must name somebody: a pattern that is open
    from its start, or right behind the label of the claim (`repo:*`), names nobody. Static keys of pipelines are not
    judged here, because the inventory does not know which identity is a pipeline: see the checks of credentials.
    """

    id = "ci-federation"
    problem = "Federation trust too wide"
    title = (
        "Pipelines reach clouds by federation with subject and audience conditions,"
        " not by static keys"
    )
    severity = Severity.HIGH
    fix = "Add conditions on the subject (one repository and branch) and on the audience."
    evidence = ("delegator_identity__name", "delegate__name", "has_subject", "has_audience")

    def population(self, at: datetime) -> Rows:
        """Trust in OpenID Connect providers, other than those that the cloud itself runs for apps."""
        providers = ["oidc_provider", "web_identity"]
        return (
            Delegation.objects.effective(at)
            .filter(delegate__attributes__principal_type__in=providers)
            .filter(delegator_identity__isnull=False, delegate__platform_managed=False)
            .annotate(
                has_subject=Case(When(_demands("sub"), then=True), default=False),
                has_audience=Case(When(_demands("aud|oaud|app_id"), then=True), default=False),
            )
        )

    def fails(self, at: datetime) -> Q:
        return Q(has_subject=False) | Q(has_audience=False)


def _account(prefix: str) -> Case:
    """The account it is of. What a trust policy only mentions has the scope of the policy, so that says nothing."""
    said = NullIf(KeyTextTransform("account", f"{prefix}attributes"), Value(""))
    return Case(
        When(**{f"{prefix}stub": True}, then=said),
        default=Coalesce(said, NullIf(f"{prefix}scope", Value(""))),
        output_field=CharField(),
    )


def _crosses() -> Case:
    """The border that is crossed for sure. Scopes are compared within one namespace only."""
    both = Q(theirs__isnull=False, ours__isnull=False)
    other = both & ~Q(theirs=F("ours")) & Q(delegate__namespace=F("delegator_identity__namespace"))
    down = Q(delegator_identity__environment=Environment.PRODUCTION) & Q(
        delegate__environment__in=NOT_PRODUCTION
    )
    return Case(
        When(delegate__third_party=True, then=Value("organisation")),
        When(other, then=Value("account")),
        When(down, then=Value("environment")),
        output_field=CharField(),
    )


def _proof(at: datetime, end: str) -> Case:
    """What the agent proves itself with: NULL where bindings are not known, or no credential is."""
    keys = Credential.objects.live(at).filter(identity=OuterRef(end))
    workload = Q(**{f"{end}__spiffe_id__isnull": False}) & ~Q(**{f"{end}__spiffe_id": ""})
    return Case(
        When(workload, then=Value("SPIFFE ID")),
        When(Exists(keys.exclude(bound_to="")), then=Value("bound credential")),
        When(Exists(keys.filter(binding_known=False)) | ~Exists(keys), then=None),
        default=Value("none"),
        output_field=CharField(),
    )
