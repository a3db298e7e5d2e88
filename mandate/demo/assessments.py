"""Assessments of the demo: a past one and today's, an attestation, and what the auditor asked for."""

from datetime import timedelta

from frameworks import assessments, attestations, comments, evidence_requests, schedule
from frameworks.attestations import Said
from frameworks.comments import Place
from frameworks.models import Assessment, Control
from frameworks.snapshot import Scope
from inventory.models import Team
from mandate.demo.events import Scene

_ORGANISATION = "Meridian Freight"
_TRAINING = (
    "Everybody who owns an agent took the course on agent oversight; the list of participants is with the learning"
    " team."
)
_RECORDS = "The minutes of the risk committee in which the autonomous agents were classified."
_ANSWER = (
    "They are in the governance space under Risk committee, 12 October; access was given to you."
)


def plan_monthly(scene: Scene) -> None:
    by = scene.users["priya.raman"]
    schedule.decide(days=30, name=_ORGANISATION, by=by, reason="Monthly, for the audit")


def assess_again(scene: Scene) -> None:
    assessments.assess(Scope(), "job assessments", scene.at, title="Monthly assessment")


def assess_now(scene: Scene) -> None:
    by = scene.users["priya.raman"]
    assessments.assess(Scope(), by, scene.at, title="Before the audit")
    team = Team.objects.get(name="Customer Care")
    assessments.assess(Scope(team=team.name), by, scene.at, title="Customer Care")


def attest(scene: Scene) -> None:
    control = _control("nist-ai-rmf", "GOVERN 2.2")
    said = Said(_TRAINING, (scene.at + timedelta(days=300)).date())
    attestations.attest(control, said, by=scene.users["priya.raman"], at=scene.at)


def ask_for_evidence(scene: Scene) -> None:
    """One is answered, one waits; and the auditor remarks on an assessment."""
    auditor, security = scene.users["auditor"], scene.users["jonas.falk"]
    answered = evidence_requests.ask(
        question=_RECORDS, by=auditor, at=scene.at,
        place=Place(framework_key="nist-ai-rmf", control_id="MAP 1.1"),
    )  # fmt: skip
    when = scene.at + timedelta(hours=20)
    evidence_requests.answer(answered, text=_ANSWER, link="", by=security, at=when)
    last = Assessment.objects.done().latest("number")
    evidence_requests.ask(
        question="How were the three grants of wildcard access in production approved?",
        by=auditor, at=when, place=Place(assessment=last), due_on=(when + timedelta(days=14)).date(),
    )  # fmt: skip
    text = "The credentials that cannot be told are the ones of the spreadsheet; ask for its owner."
    comments.add(Place(assessment=last), text=text, by=auditor, at=when)


def _control(key: str, control_id: str) -> Control:
    found = Control.objects.select_related("framework")
    return found.get(framework__key=key, framework__is_current=True, control_id=control_id)
