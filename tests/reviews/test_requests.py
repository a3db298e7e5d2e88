"""Requests for access: who is asked, who may not answer, what an answer makes."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from inventory import task_life
from inventory.models import Change, EndCause, Grant, Person, User
from inventory.rules import RuleBroken
from reviews import access_rules, request_life, requests
from reviews.models import AccessPolicy, AccessRequest, Approval, Notification
from reviews.requests import Answer
from tests.factories import NOW, a_person, a_successor, a_user
from tests.reviews.asking import HOUR, Office, people_asked

pytestmark = pytest.mark.django_db
YES, NO = Answer(True), Answer(False, "Too much.")


@pytest.fixture
def office() -> Office:
    return Office()


def answered(
    office: Office, request: AccessRequest, by: User, given: Answer = YES, at: object = NOW
) -> AccessRequest:
    return requests.answer(request, given=given, by=by, at=at)  # type: ignore[arg-type]


def grants_of(request: AccessRequest) -> list[Grant]:
    return list(Grant.objects.filter(pk__in=request.items.values("grant")).order_by("pk"))


def test_low_risk_starts_at_once(office: Office) -> None:
    request = office.ask(office.can("low"), task=office.task())

    (grant,) = grants_of(request)
    assert request.status == "approved"
    assert Grant.objects.effective(NOW).filter(pk=grant.pk).exists()
    assert grant.just_in_time
    assert grant.expires_at == NOW + 8 * HOUR  # its task ends before the rules' longest
    assert request.answer == "The rules (version 1) give low risk at once."


def test_the_owner_approves_and_the_grant_starts_then(office: Office) -> None:
    request = office.ask(task=office.task(), lasts=2 * HOUR)
    later = NOW + timedelta(minutes=30)

    assert people_asked(request) == [office.owner]
    assert grants_of(request) == []
    answered(office, request, office.login(office.owner), at=later)

    (grant,) = grants_of(request)
    assert (grant.starts_at, grant.expires_at) == (later, later + 2 * HOUR)
    assert grant.approved_by == office.owner
    assert grant.granted_by == office.platform.username
    verbs = {change.verb for change in Change.objects.about_identity(office.agent.pk)}
    assert {"request.asked", "request.approved"} <= verbs


def test_the_end_of_its_task_ends_it(office: Office) -> None:
    task = office.task()
    request = office.ask(task=task)
    answered(office, request, office.login(office.owner))

    task_life.end_task(task, how="done", by=office.platform, at=NOW + HOUR)

    (grant,) = grants_of(request)
    assert grant.end_cause == EndCause.TASK
    assert grant.revocation_confirmed_at == NOW + HOUR


def test_an_owner_narrows_to_fewer_and_shorter(office: Office) -> None:
    read, write = office.can(name="read"), office.can(name="write")
    request = office.ask(read, write, task=office.task(), lasts=4 * HOUR)

    narrower = Answer(True, "Reading is enough.", keep=[read.pk], lasts=HOUR)
    answered(office, request, office.login(office.owner), narrower)

    (grant,) = grants_of(request)
    assert grant.entitlement == read
    assert grant.expires_at == NOW + HOUR
    assert list(request.items.values_list("kept", flat=True)) == [True, False]


def test_nobody_approves_more_than_was_asked_or_nothing(office: Office) -> None:
    request = office.ask(task=office.task(), lasts=HOUR)
    owner = office.login(office.owner)

    with pytest.raises(RuleBroken, match="longer than was asked"):
        answered(office, request, owner, Answer(True, lasts=2 * HOUR))
    with pytest.raises(RuleBroken, match="Nothing is left"):
        answered(office, request, owner, Answer(True, keep=[0]))

    assert AccessRequest.objects.get(pk=request.pk).status == "waiting"


def test_critical_risk_needs_the_owner_and_the_owner_of_the_resource(office: Office) -> None:
    request = office.ask(office.can("critical"), task=office.task())

    assert people_asked(request) == [office.owner, office.keeper]
    answered(office, request, office.login(office.owner))
    assert grants_of(request) == []
    done = answered(office, request, office.login(office.keeper))

    assert done.status == "approved"
    assert len(grants_of(request)) == 1


def test_two_approvals_are_two_people(office: Office) -> None:
    """The owner of the agent owns the ledger as well: somebody else approves as the ledger's owner."""
    office.keeper = office.owner

    request = office.ask(office.can("critical"), task=office.task())

    assert people_asked(request) == [office.owner, office.manager]
    ledger = request.approvals.get(person=office.manager)
    assert ledger.passed_over == ["Ona approves as the owner already."]
    assert ledger.stands_for == "Manager of Ona."


def test_one_refusal_refuses_all_of_it_and_says_why(office: Office) -> None:
    request = office.ask(office.can("critical"), task=office.task())

    refused = answered(office, request, office.login(office.keeper), NO)

    assert (refused.status, refused.answer) == ("refused", "Too much.")
    assert grants_of(request) == []
    with pytest.raises(RuleBroken, match="refused already"):
        answered(office, request, office.login(office.owner))


def test_a_refusal_without_a_reason_is_none(office: Office) -> None:
    with pytest.raises(RuleBroken, match="no reason"):
        answered(office, office.ask(), office.login(office.owner), Answer(False))


def test_nobody_approves_their_own_request(office: Office) -> None:
    """The owner asks: the manager decides, and the owner's own answer is refused with the rule."""
    owner = office.login(office.owner)

    request = office.ask(by=owner)

    assert people_asked(request) == [office.manager]
    assert request.approvals.get().passed_over == ["Ona asked for it."]
    with pytest.raises(RuleBroken, match="You asked for it yourself"):
        answered(office, request, owner)


def test_nobody_approves_what_benefits_them(office: Office) -> None:
    request = office.ask(task=office.task(on_behalf_of=office.owner))

    assert people_asked(request) == [office.manager]
    with pytest.raises(RuleBroken, match="Ona benefits from it"):
        answered(office, request, office.login(office.owner))


def test_no_program_approves_anything(office: Office) -> None:
    other = a_user("security", is_service=True)
    request = office.ask()

    with pytest.raises(RuleBroken, match="A program cannot approve"):
        answered(office, request, other)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"away_from": NOW - HOUR, "away_until": NOW + 24 * HOUR}, "Ona is away until"),
        ({"status": "leaving", "leaves_at": NOW + 24 * HOUR}, "Ona is leaving."),
    ],
)
def test_an_owner_who_is_away_or_leaving_is_passed_over(
    office: Office, state: dict[str, object], said: str
) -> None:
    Person.objects.filter(pk=office.owner.pk).update(**state)
    backup = a_successor(identity=office.agent).person

    request = office.ask()

    assert people_asked(request) == [backup]
    assert request.approvals.get().passed_over[0].startswith(said)
    Person.objects.filter(pk=backup.pk).update(**state)
    assert people_asked(office.ask()) == [office.manager]


def test_a_deputy_comes_before_the_backup(office: Office) -> None:
    deputy = a_person(name="Dee")
    away = {"away_from": NOW - HOUR, "away_until": NOW + 24 * HOUR, "deputy": deputy}
    Person.objects.filter(pk=office.owner.pk).update(**away)
    a_successor(identity=office.agent)

    request = office.ask()

    assert people_asked(request) == [deputy]
    assert request.approvals.get().stands_for == "Deputy of Ona."


def test_where_nobody_may_decide_security_does(office: Office) -> None:
    Person.objects.filter(pk__in=[office.manager.pk]).update(status="left", left_at=NOW - HOUR)
    request = office.ask(by=office.login(office.owner))

    assert people_asked(request) == [None]
    with pytest.raises(RuleBroken, match="You are not asked"):
        answered(office, request, office.login(office.keeper))
    with pytest.raises(PermissionDenied):
        answered(office, request, a_user("auditor"))
    assert answered(office, request, office.security).status == "approved"


def test_who_is_not_asked_decides_nothing(office: Office) -> None:
    with pytest.raises(RuleBroken, match="You are not asked"):
        answered(office, office.ask(), office.login(office.keeper))


def test_longer_than_the_rules_allow_is_refused_with_the_limit(office: Office) -> None:
    with pytest.raises(RuleBroken, match=r"at most 24\.0 hours"):
        office.ask(office.can("medium"), lasts=100 * HOUR)


def test_for_good_is_its_own_kind_with_its_own_rule(office: Office) -> None:
    low = office.ask(office.can("low"), permanent=True)
    critical = office.ask(office.can("critical"), permanent=True)

    assert people_asked(low) == [office.owner]  # although low risk for a while is given at once
    assert critical.status == "refused"
    assert critical.answer == "The rules (version 1) refuse access of critical risk for good."
    answered(office, low, office.login(office.owner))
    (grant,) = grants_of(low)
    assert (grant.expires_at, grant.just_in_time) == (None, False)


def test_an_unanswered_request_goes_to_the_next_in_line_and_then_lapses(office: Office) -> None:
    request = office.ask(task=office.task())
    assert request.escalate_at is not None

    first = request_life.look_after(request.escalate_at)
    again = request_life.look_after(request.escalate_at)
    assert (first["escalated"], again["escalated"]) == (1, 0)
    assert people_asked(request) == [office.owner, office.manager]

    assert request.state(request.answer_by) == "lapsed"
    with pytest.raises(RuleBroken, match="unanswered already"):
        answered(office, request, office.login(office.owner), at=request.answer_by)
    request_life.look_after(request.answer_by)
    request.refresh_from_db()
    assert request.status in ("lapsed", "cancelled")
    assert grants_of(request) == []


def test_what_was_asked_for_a_task_that_is_over_is_cancelled(
    office: Office, django_capture_on_commit_callbacks: object
) -> None:
    task = office.task()
    request = office.ask(task=task)

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        task_life.end_task(task, how="failed", by=office.platform, at=NOW + HOUR)

    request.refresh_from_db()
    assert (request.status, request.answer) == (
        "cancelled",
        "The task ended before it was decided.",
    )


def test_an_approval_after_the_task_has_ended_makes_nothing(office: Office) -> None:
    task = office.task(heartbeat_every=timedelta(minutes=5))
    request = office.ask(task=task)

    with pytest.raises(RuleBroken, match="The task is silent"):
        answered(office, request, office.login(office.owner), at=NOW + timedelta(minutes=6))

    assert grants_of(request) == []
    assert not Approval.objects.exclude(answer="").exists()


def test_asking_again_replaces_the_earlier_grant(office: Office) -> None:
    task, can = office.task(), office.can("low")
    (first,) = grants_of(office.ask(can, task=task, lasts=HOUR))

    (second,) = grants_of(office.ask(can, task=task, lasts=2 * HOUR))

    first.refresh_from_db()
    assert (first.end_cause, first.state(NOW)) == (EndCause.SUPERSEDED, "superseded")
    assert second.replaces == first


def test_whoever_asked_or_security_takes_it_back(office: Office) -> None:
    request, other = office.ask(), office.ask()

    assert requests.cancel(request, by=office.platform, reason="", at=NOW).status == "cancelled"
    assert requests.cancel(other, by=office.security, reason="", at=NOW).status == "cancelled"


def test_people_are_told_once_and_not_about_what_is_decided(office: Office) -> None:
    request = office.ask()
    (told,) = Notification.objects.filter(person=office.owner)

    answered(office, request, office.login(office.owner))

    told.refresh_from_db()
    assert told.path == f"/requests/{request.pk}/"
    assert told.status == "dropped"


def test_new_rules_are_a_new_version_and_old_requests_keep_theirs(office: Office) -> None:
    request = office.ask()
    stored = access_rules.DEFAULT.as_json()
    stored["temporary"]["medium"]["approval"] = "refuse"

    made = access_rules.decide(
        access_rules.Rules.from_json(stored), by=office.security, note="Year end.", at=NOW
    )

    assert made.version == 2
    assert AccessPolicy.objects.count() == 2
    assert office.ask().status == "refused"
    assert answered(office, request, office.login(office.owner)).status == "approved"


def test_the_same_rules_again_are_no_new_version(office: Office) -> None:
    access_rules.current()

    same = access_rules.decide(access_rules.DEFAULT, by=office.security, note="Again.", at=NOW)

    assert same.version == 1


def test_access_for_good_is_never_given_at_once(office: Office) -> None:
    stored = access_rules.DEFAULT.as_json()
    stored["permanent"]["low"]["approval"] = "at_once"

    with pytest.raises(RuleBroken, match="never given without asking"):
        access_rules.decide(
            access_rules.Rules.from_json(stored), by=office.security, note="x", at=NOW
        )
