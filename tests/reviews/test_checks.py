"""Every check: its smallest failing, passing and unknown row, and what holds for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db.models import F, Model, Q

from inventory import estate_graph
from inventory.models import Credential, Identity, Person
from reviews import access_rules, sweep
from reviews.check import CHECKS, Check
from reviews.checks import configured
from reviews.models import AccessRequest, CheckRun, Finding, RequestedEntitlement
from tests.factories import (
    NOW,
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_source,
    a_task,
    a_user,
    ago,
    an_entitlement,
    an_identity,
    days,
)
from tests.reviews.activity_examples import ACTIVITY
from tests.reviews.delegation_examples import DELEGATIONS
from tests.reviews.ending_examples import ENDINGS
from tests.reviews.log_examples import LOGS
from tests.reviews.review_examples import REVIEWS
from tests.reviews.tool_examples import TOOLS

pytestmark = pytest.mark.django_db
Kind, Key = Identity.Kind, Credential.Kind
FINGERPRINT = "ab" * 32
Rows = Callable[[], Model]


def left(when: Any = None) -> Person:
    return a_person(status=Person.Status.LEFT, left_at=when)


def retired(**fields: Any) -> Identity:
    return an_identity(lifecycle="retired", retired_at=ago(10), **fields)


def shared_key() -> Credential:
    a_credential(fingerprint=FINGERPRINT)
    return a_credential(fingerprint=FINGERPRINT)


def retired_with_key() -> Identity:
    identity = retired(source_state="disabled")
    a_credential(identity=identity)
    return identity


def retired_with_delegation() -> Identity:
    identity = retired(source_state="disabled")
    a_delegation(delegate=identity)
    return identity


def holder(*, environment: str = "", **entitlement: Any) -> Identity:
    identity = an_identity(environment=environment)
    a_grant(identity=identity, entitlement=an_entitlement(**entitlement))
    return identity


def reaching(*, computed: bool = True, own: bool = False, **entitlement: Any) -> Identity:
    """Acts as somebody who holds the entitlement."""
    identity = holder(admin=True) if own else an_identity()
    a_delegation(delegate=identity, delegator_identity=holder(**entitlement))
    if computed:
        estate_graph.refresh(NOW)
    return identity


def into(environment: str, *, of: str) -> Identity:
    return holder(environment=of, resource=a_resource(environment=environment))


def approved(*, by_asker: bool = False, gains: bool = False) -> Model:
    """A grant that somebody asked for over a request, and somebody approved."""
    asker, approver = a_person(), a_person()
    identity = an_identity(owner=a_person())
    task = a_task(identity=identity, on_behalf_of=approver if gains else None)
    grant = a_grant(
        identity=identity, task=task, approved_by=asker if by_asker else approver, approved_at=ago(1),
        expires_at=NOW + days(1),
    )  # fmt: skip
    request = AccessRequest.objects.create(
        kind="temporary", identity=identity, requested_by=a_user("owner", person=asker), reason="r",
        lasts=days(1), risk="low", policy=access_rules.current(), created_at=ago(1),
        answer_by=NOW, status="approved", decided_at=ago(1),
    )  # fmt: skip
    RequestedEntitlement.objects.create(request=request, entitlement=grant.entitlement, grant=grant)
    return grant


def high_impact(*, writes: bool = True, jit_now: bool = False, **fields: Any) -> Model:
    identity = an_identity(kind="autonomous_agent", owner=a_person())
    entitlement = an_entitlement(risk="high", writes=writes)
    if jit_now:
        fields |= {"just_in_time": True, "expires_at": NOW + days(1)}
    return a_grant(identity=identity, entitlement=entitlement, **fields)


def in_two_environments() -> Identity:
    a_credential(fingerprint=FINGERPRINT, identity=an_identity(environment="production"))
    other = an_identity(environment="sandbox")
    a_credential(fingerprint=FINGERPRINT, identity=other)
    return other


def quiet(**fields: Any) -> Identity:
    return an_identity(**{"activity_known": True, "last_active_at": ago(91), **fields})


def agent(**fields: Any) -> Identity:
    known = {"purpose": "Answers mail", "risk": "high", "risk_assessed_at": ago(10)}
    return an_identity(**{"kind": Kind.ASSISTANT, **known, **fields})


def supplied(**fields: Any) -> Identity:
    known = {"third_party": True, "supplier": "Acme", "supplier_reviewed_at": ago(10)}
    return an_identity(**{**known, **fields})


def jit() -> Model:
    task = a_task()
    return a_grant(identity=task.identity, task=task, expires_at=NOW + days(1))


@dataclass(frozen=True)
class Example:
    check: str
    verdict: str
    row: Rows
    why: str

    def __str__(self) -> str:
        return f"{self.check} {self.verdict}: {self.why}"


def example(check: str, verdict: str, why: str, row: Rows) -> Example:
    return Example(check, verdict, row, why)


OUT = "not applicable"
EXAMPLES = [
    example("owner-active", "fail", "nobody", lambda: an_identity(owner=None)),
    example("owner-active", "fail", "left", lambda: an_identity(owner=left(ago(1)))),
    example("owner-active", "fail", "left, nobody knows when", lambda: an_identity(owner=left())),
    example(
        "owner-active",
        "fail",
        "last day past",
        lambda: an_identity(owner=a_person(status="leaving", leaves_at=ago(1))),
    ),
    example(
        "owner-active",
        "pass",
        "leaving later",
        lambda: an_identity(owner=a_person(status="leaving", leaves_at=NOW + days(1))),
    ),
    example("owner-active", "pass", "here", an_identity),
    example(
        "owner-active",
        OUT,
        "platform's own",
        lambda: an_identity(owner=None, platform_managed=True),
    ),
    example("owner-active", OUT, "retired", lambda: retired(owner=None)),
    example("owner-offboarded-sla", "fail", "left", lambda: an_identity(owner=left(ago(1)))),
    example("owner-offboarded-sla", "fail", "left some time", lambda: an_identity(owner=left())),
    example(
        "owner-offboarded-sla",
        "pass",
        "suspended",
        lambda: an_identity(owner=left(ago(1)), lifecycle="suspended"),
    ),
    example("owner-offboarded-sla", OUT, "here", an_identity),
    example("owner-offboarded-sla", OUT, "nobody", lambda: an_identity(owner=None)),
    example("decommission-complete", "fail", "live key", retired_with_key),
    example("decommission-complete", "fail", "live delegation", retired_with_delegation),
    example("decommission-complete", "fail", "enabled", lambda: retired(source_state="enabled")),
    example("decommission-complete", "pass", "all off", lambda: retired(source_state="disabled")),
    example("decommission-complete", "pass", "gone there", lambda: an_identity(gone_at=ago(1))),
    example("decommission-complete", "unknown", "platform silent", retired),
    example("decommission-complete", OUT, "active", an_identity),
    example("purpose-and-risk-recorded", "fail", "no purpose", lambda: agent(purpose="")),
    example(
        "purpose-and-risk-recorded", "fail", "never assessed", lambda: agent(risk_assessed_at=None)
    ),
    example(
        "purpose-and-risk-recorded", "fail", "long ago", lambda: agent(risk_assessed_at=ago(366))
    ),
    example("purpose-and-risk-recorded", "pass", "all said", agent),
    example("purpose-and-risk-recorded", OUT, "no agent", lambda: agent(kind=Kind.ROLE)),
    example("credential-age", "fail", "old", lambda: a_credential(issued_at=ago(91))),
    example(
        "credential-age",
        "pass",
        "rotated",
        lambda: a_credential(issued_at=ago(91), rotated_at=ago(1)),
    ),
    example(
        "credential-age",
        "pass",
        "short-lived",
        lambda: a_credential(kind=Key.JWT_SVID, lifetime_seconds=300),
    ),
    example(
        "credential-age",
        "fail",
        "long-lived SVID",
        lambda: a_credential(kind=Key.X509, lifetime_seconds=91 * 86_400),
    ),
    example("credential-age", "unknown", "no date", a_credential),
    example(
        "credential-age", OUT, "disabled", lambda: a_credential(issued_at=ago(91), enabled=False)
    ),
    example("credential-expiry-set", "fail", "never", lambda: a_credential(expiry_known=True)),
    example(
        "credential-expiry-set",
        "fail",
        "too long",
        lambda: a_credential(issued_at=ago(10), expires_at=NOW + days(360), expiry_known=True),
    ),
    example(
        "credential-expiry-set",
        "fail",
        "far, undated",
        lambda: a_credential(expires_at=NOW + days(366), expiry_known=True),
    ),
    example(
        "credential-expiry-set",
        "pass",
        "one year",
        lambda: a_credential(issued_at=ago(10), expires_at=NOW + days(355), expiry_known=True),
    ),
    example(
        "credential-expiry-set", "pass", "short-lived", lambda: a_credential(lifetime_seconds=300)
    ),
    example("credential-expiry-set", "unknown", "not reported", a_credential),
    example(
        "credential-expiry-set",
        "unknown",
        "undated, near",
        lambda: a_credential(expires_at=NOW + days(5), expiry_known=True),
    ),
    example("credential-single-workload", "fail", "shared", shared_key),
    example(
        "credential-single-workload",
        "fail",
        "bound to nothing",
        lambda: a_credential(binding_known=True),
    ),
    example(
        "credential-single-workload",
        "pass",
        "bound",
        lambda: a_credential(binding_known=True, bound_to="spiffe://example.org/a"),
    ),
    example("credential-single-workload", "unknown", "nothing known", a_credential),
    example("strong-machine-auth", "fail", "password", lambda: a_credential(kind=Key.PASSWORD)),
    example(
        "strong-machine-auth",
        "fail",
        "agent with key",
        lambda: a_credential(identity=agent(kind=Kind.AUTONOMOUS_AGENT)),
    ),
    example(
        "strong-machine-auth",
        "fail",
        "observed as actor",
        lambda: a_credential(identity=agent(declared_tier=2, observed_tier=3)),
    ),
    example(
        "strong-machine-auth", "pass", "assistant with key", lambda: a_credential(identity=agent())
    ),
    example("strong-machine-auth", "pass", "service with key", a_credential),
    example("least-privilege", "fail", "admin", lambda: holder(admin=True)),
    example("least-privilege", "fail", "wildcard", lambda: holder(wildcard=True)),
    example("least-privilege", "pass", "named", holder),
    example("least-privilege", OUT, "denied only", lambda: holder(admin=True, effect="deny")),
    example("least-privilege", OUT, "nothing held", an_identity),
    example("least-privilege", "fail", "admin through another", lambda: reaching(admin=True)),
    example("least-privilege", "fail", "wildcard through another", lambda: reaching(wildcard=True)),
    example("least-privilege", "pass", "named through another", reaching),
    example(
        "least-privilege", "unknown", "may reach admin", lambda: reaching(admin=True, caveats=["?"])
    ),
    example(
        "least-privilege",
        "unknown",
        "chains not computed",
        lambda: reaching(admin=True, computed=False),
    ),
    example(
        "least-privilege",
        "fail",
        "own admin, chains not computed",
        lambda: reaching(computed=False, own=True),
    ),
    example(
        "unused-grant-90d", "fail", "old use", lambda: a_grant(use_known=True, last_used_at=ago(91))
    ),
    example("unused-grant-90d", "fail", "never used", lambda: a_grant(use_known=True)),
    example(
        "unused-grant-90d", "pass", "used", lambda: a_grant(use_known=True, last_used_at=ago(89))
    ),
    example("unused-grant-90d", "unknown", "not reported", a_grant),
    example(
        "unused-grant-90d",
        "unknown",
        "silent source",
        lambda: a_grant(
            use_known=True, source=a_source(last_complete_at=ago(20), last_run_at=ago(20))
        ),
    ),
    example("unused-grant-90d", OUT, "too new", lambda: a_grant(use_known=True, starts_at=ago(29))),
    example("unused-grant-90d", OUT, "revoked", lambda: a_grant(use_known=True, revoked_at=ago(1))),
    example("dormant-identity", "fail", "quiet", quiet),
    example("dormant-identity", "fail", "never", lambda: quiet(last_active_at=None)),
    example("dormant-identity", "pass", "runs yearly", lambda: quiet(expected_every=days(365))),
    example("dormant-identity", "pass", "busy", lambda: quiet(last_active_at=ago(89))),
    example(
        "dormant-identity", "pass", "too new", lambda: quiet(last_active_at=None, created_at=ago(9))
    ),
    example("dormant-identity", "unknown", "not reported", lambda: quiet(activity_known=False)),
    example("dormant-identity", OUT, "suspended", lambda: quiet(lifecycle="suspended")),
    example("grant-expires", "fail", "for good", a_grant),
    example("grant-expires", "pass", "ends", lambda: a_grant(expires_at=NOW + days(9))),
    example(
        "grant-expires",
        "pass",
        "conditional",
        lambda: a_grant(
            entitlement=an_entitlement(conditions={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
        ),
    ),
    example("grant-expires", OUT, "for a task", jit),
    example("approval-sod", "fail", "asked and approved", lambda: approved(by_asker=True)),
    example("approval-sod", "fail", "approved for themselves", lambda: approved(gains=True)),
    example("approval-sod", "pass", "somebody else", approved),
    example("approval-sod", "pass", "the rules", jit),
    example("approval-sod", "unknown", "nobody named", lambda: a_grant(approved_at=ago(1))),
    example("approval-sod", OUT, "nobody had to", a_grant),
    example("high-impact-approval", "fail", "at once", lambda: high_impact(jit_now=True)),
    example(
        "high-impact-approval",
        "fail",
        "used before",
        lambda: high_impact(approved_at=ago(1), last_used_at=ago(2)),
    ),
    example("high-impact-approval", "pass", "approved", lambda: high_impact(approved_at=ago(1))),
    example("high-impact-approval", "unknown", "not reported", high_impact),
    example("high-impact-approval", OUT, "reads", lambda: high_impact(writes=False)),
    example("env-separation", "fail", "down", lambda: into("development", of="production")),
    example("env-separation", "fail", "up", lambda: into("production", of="sandbox")),
    example("env-separation", "fail", "shared key", in_two_environments),
    example("env-separation", "pass", "stays", lambda: into("production", of="production")),
    example("env-separation", "unknown", "no environment", an_identity),
    example("env-separation", "unknown", "unnamed target", lambda: into("", of="production")),
    example(
        "human-use-of-nhi",
        "fail",
        "signed in",
        lambda: an_identity(interactive_known=True, interactive_at=ago(3)),
    ),
    example("human-use-of-nhi", "pass", "never", lambda: an_identity(interactive_known=True)),
    example(
        "human-use-of-nhi",
        "pass",
        "long ago",
        lambda: an_identity(interactive_known=True, interactive_at=ago(91)),
    ),
    example("human-use-of-nhi", "unknown", "not reported", an_identity),
    example("third-party-known", "fail", "no supplier", lambda: supplied(supplier="")),
    example(
        "third-party-known", "fail", "review old", lambda: supplied(supplier_reviewed_at=ago(366))
    ),
    example("third-party-known", "pass", "known", supplied),
    example(
        "third-party-known", "unknown", "nobody says", lambda: an_identity(kind=Kind.OAUTH_APP)
    ),
    example("third-party-known", OUT, "our own", lambda: an_identity(third_party=False)),
    example("evidence-fresh", "fail", "stale", lambda: a_source(last_complete_at=ago(15))),
    example("evidence-fresh", "fail", "never", lambda: a_source(last_complete_at=None)),
    example("evidence-fresh", "pass", "fresh", lambda: a_source(last_complete_at=ago(13))),
    example(
        "evidence-fresh", OUT, "typed in", lambda: a_source(kind="manual", last_complete_at=None)
    ),
]
EXAMPLES += [
    example(*terms) for terms in (*ENDINGS, *REVIEWS, *DELEGATIONS, *ACTIVITY, *LOGS, *TOOLS)
]
EVERY_CHECK = pytest.mark.parametrize("check_id", sorted(CHECKS))


def verdict_on(row: Model, check: Check) -> str:
    subject = f"{row._meta.model_name}:{row.pk}"
    found = [answer for about, *_, answer in check.judged(NOW) if about == subject]
    assert len(found) < 2, "a subject is judged once"
    return found[0] if found else OUT


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_the_smallest_row_of_each_answer(case: Example) -> None:
    row = case.row()

    assert verdict_on(row, CHECKS[case.check]()) == case.verdict


def test_every_check_has_a_failing_and_a_passing_example() -> None:
    shown = {(case.check, case.verdict) for case in EXAMPLES}

    assert {(check, answer) for check in CHECKS for answer in ("fail", "pass")} <= shown


def test_an_sla_leaves_time_to_reassign_and_cannot_tell_without_a_date() -> None:
    check = CHECKS["owner-offboarded-sla"]({"sla": 5})

    assert verdict_on(an_identity(owner=left(ago(4))), check) == "pass"
    assert verdict_on(an_identity(owner=left(ago(6))), check) == "fail"
    assert verdict_on(an_identity(owner=left()), check) == "unknown"


def test_a_pass_that_rests_on_a_silent_source_is_no_pass() -> None:
    silent = a_source(last_complete_at=ago(15), last_run_at=ago(15))

    assert (
        verdict_on(a_credential(issued_at=ago(1), source=silent), CHECKS["credential-age"]())
        == "unknown"
    )
    assert (
        verdict_on(a_credential(issued_at=ago(99), source=silent), CHECKS["credential-age"]())
        == "fail"
    )


def test_a_condition_that_comes_out_as_null_is_unknown() -> None:
    class Probe(Check):
        """A probe."""

        id, title, problem, severity, fix = "probe", "Probe", "Wrong", 1, "Nothing."  # type: ignore[assignment]

        def population(self, at: Any) -> Any:
            return Credential.objects.annotate(day=F("issued_at"))

        def fails(self, at: Any) -> Q:
            return Q(day__lt=at)

    del CHECKS["probe"]

    assert verdict_on(a_credential(), Probe()) == "unknown"


@EVERY_CHECK
def test_the_answers_are_disjoint_and_complete(check_id: str) -> None:
    make_everything()
    check = CHECKS[check_id]()

    judged = list(check.judged(NOW))
    answers = sweep.judge(check, NOW, by="test")

    assert len({subject for subject, *_ in judged}) == len(judged)
    assert answers.population == check.population(NOW).count() == len(judged) > 0
    assert answers.population == answers.passed + answers.failed + answers.unknown


@EVERY_CHECK
def test_narrowed_to_identities_the_answers_are_the_same(check_id: str) -> None:
    make_everything()
    check = CHECKS[check_id]()
    ids = list(Identity.objects.values_list("pk", flat=True)[::2])

    full = {row[0]: row[1:] for row in check.judged(NOW) if row[1] in ids}
    narrowed = {row[0]: row[1:] for row in check.judged(NOW, ids)}

    assert narrowed == full


def test_sweeping_twice_writes_nothing() -> None:
    make_everything()
    known = Finding.objects.count()  # those that exceptions are about
    first = sweep.run(NOW, by="test")
    written = list(Finding.objects.order_by("pk").values_list("pk", "evidence", "opened_at"))

    second = sweep.run(NOW + timedelta(seconds=1), by="test")

    assert first.status == second.status == "done", first.error
    assert first.counts["opened"] + known == len(written) > 20
    assert {k: second.counts[k] for k in ("opened", "changed", "resolved")} == {
        "opened": 0,
        "changed": 0,
        "resolved": 0,
    }
    assert (
        list(Finding.objects.order_by("pk").values_list("pk", "evidence", "opened_at")) == written
    )
    assert CheckRun.objects.filter(sweep=second).count() == len(CHECKS)


@EVERY_CHECK
def test_a_check_says_why_and_how_to_fix_it(check_id: str) -> None:
    check = CHECKS[check_id]

    assert check.why().endswith(".")
    assert check.fix.endswith(".")


def test_ids_and_titles_are_those_of_the_crosswalk() -> None:
    directory = Path(settings.BASE_DIR) / "frameworks" / "catalogues"
    paths = [directory / "crosswalk.yaml", directory / "crosswalk_additions.yaml"]
    items = [item for path in paths for item in yaml.safe_load(path.read_text())["items"]]
    titles = {item["id"]: item["title"] for item in items}

    assert {check.id: check.title for check in configured()} == {
        check_id: titles.get(check_id) for check_id in CHECKS
    }


def make_everything() -> None:
    for case in EXAMPLES:
        if not Credential.objects.filter(fingerprint=FINGERPRINT).exists() or case.row not in (
            shared_key,
            in_two_environments,
        ):
            case.row()
