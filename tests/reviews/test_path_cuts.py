"""Cutting an identity off: one proposes, another approves, and then every way is closed at once."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory import cuts
from inventory.cuts import Removal, Target
from inventory.effective import access_of
from inventory.models import Delegation, Grant, Identity, User
from inventory.rules import RuleBroken
from reviews import inbox, path_cuts
from reviews.models import Notification, PathCut
from tests.factories import NOW, a_delegation, a_grant, a_person, a_user, an_identity

pytestmark = pytest.mark.django_db


class Relay:
    """An agent that reaches a grant of a role through another agent."""

    def __init__(self) -> None:
        self.owner = a_person(name="Ona")
        self.agent = an_identity(name="front-desk", owner=self.owner)
        self.middle, self.role = an_identity(name="broker"), an_identity(name="ledger-role")
        self.first = a_delegation(delegate=self.agent, delegator_identity=self.middle)
        self.second = a_delegation(delegate=self.middle, delegator_identity=self.role)
        self.goal = a_grant(identity=self.role)
        self.entitlement = self.goal.entitlement
        self.ann, self.bea = a_user("security"), a_user("security")

    def ask(self, by: User | None = None, *removals: Removal) -> PathCut:
        return path_cuts.ask(
            self.agent, self.entitlement, removals or (Removal("delegation", self.first.pk),),
            by=by or self.ann, reason="A front desk needs no ledger.", at=NOW,
        )  # fmt: skip

    def reaches(self) -> bool:
        return self.entitlement.pk in access_of(self.agent.pk, NOW).rights


@pytest.fixture
def relay() -> Relay:
    return Relay()


def test_another_person_approves_and_every_way_is_closed(relay: Relay) -> None:
    cut = relay.ask()
    assert relay.reaches()

    done = path_cuts.answer(cut, approved=True, by=relay.bea, reason="Right.", at=NOW)

    assert done.status == PathCut.Status.APPLIED
    assert not relay.reaches()
    assert Delegation.objects.get(pk=relay.first.pk).revoked_at == NOW
    assert Delegation.objects.get(pk=relay.second.pk).revoked_at is None
    assert cut.way == [
        "front-desk may act as broker (acts on behalf of).",
        "broker may act as ledger-role (acts on behalf of).",
        f"ledger-role holds {relay.entitlement} on {relay.entitlement.system}.",
    ]
    assert cut.effects == [f"front-desk loses 1 entitlement: {relay.entitlement}; it keeps 0."]


def test_who_proposes_cannot_approve(relay: Relay) -> None:
    cut = relay.ask()

    with pytest.raises(RuleBroken, match="asked for it yourself"):
        path_cuts.answer(cut, approved=True, by=relay.ann, reason="", at=NOW)

    assert relay.reaches()


def test_an_auditor_neither_proposes_nor_decides(relay: Relay) -> None:
    auditor = a_user("auditor")

    with pytest.raises(PermissionDenied):
        relay.ask(auditor)
    with pytest.raises(PermissionDenied):
        path_cuts.answer(relay.ask(), approved=True, by=auditor, reason="", at=NOW)


def test_an_owner_answers_for_what_is_all_theirs_only(relay: Relay) -> None:
    owner = a_user("owner", person=relay.owner)
    mine, others = relay.ask(), relay.ask(relay.ann, Removal("delegation", relay.second.pk))

    assert list(path_cuts.waits_for(owner, NOW)) == [mine]
    with pytest.raises(RuleBroken, match="not yours"):
        path_cuts.answer(others, approved=True, by=owner, reason="", at=NOW)
    path_cuts.answer(mine, approved=True, by=owner, reason="", at=NOW)

    assert not relay.reaches()


def test_a_cut_that_leaves_a_way_open_is_refused(relay: Relay) -> None:
    a_delegation(delegate=relay.agent, delegator_identity=relay.role)

    with pytest.raises(RuleBroken, match="Another way would stay open"):
        relay.ask()

    assert not PathCut.objects.exists()


def test_a_way_that_opened_meanwhile_keeps_everything_as_it_is(relay: Relay) -> None:
    cut = relay.ask()
    a_delegation(delegate=relay.agent, delegator_identity=relay.role)

    with pytest.raises(RuleBroken, match="Another way has opened"):
        path_cuts.answer(cut, approved=True, by=relay.bea, reason="", at=NOW)

    assert PathCut.objects.get(pk=cut.pk).status == PathCut.Status.WAITING
    assert Delegation.objects.get(pk=relay.first.pk).revoked_at is None


def test_what_is_not_reached_needs_no_cut(relay: Relay) -> None:
    Delegation.objects.filter(pk=relay.second.pk).update(revoked_at=NOW)

    with pytest.raises(RuleBroken, match="does not reach"):
        relay.ask()


def test_a_proposal_lapses_and_is_made_once(relay: Relay) -> None:
    cut = relay.ask()
    assert relay.ask(relay.bea) == cut

    late = NOW + timedelta(days=8)

    assert cut.state(late) == "lapsed"
    with pytest.raises(RuleBroken, match="Nobody answered in time"):
        path_cuts.answer(cut, approved=True, by=relay.bea, reason="", at=late)


def test_the_owner_is_told_and_security_finds_it_in_the_inbox(relay: Relay) -> None:
    cut = relay.ask()

    assert Notification.objects.get(person=relay.owner).about == f"cut:{cut.pk}"
    assert list(inbox.of(relay.bea, NOW).cuts) == [cut]
    assert not inbox.of(relay.ann, NOW).cuts


def test_proposing_and_approving_in_the_browser(relay: Relay, client: Client) -> None:
    client.force_login(relay.ann)
    page = reverse("reviews:identity-cut", args=[relay.agent.pk])
    assert str(relay.entitlement) in client.get(page).content.decode()
    address = f"{page}?entitlement={relay.entitlement.pk}"
    text = client.get(address).content.decode()
    assert "No smaller set closes every way" in text
    best = cuts.propose(
        relay.agent.pk, Target(frozenset({relay.entitlement.pk})), timezone.now()
    ).cuts[0]
    chosen = " ".join(f"{each.noun}:{each.key}" for each in best.removals)

    assert client.post(address, {"cut": "nonsense", "reason": "r"}).status_code == 422
    answer = client.post(address, {"cut": chosen, "reason": "It is a front desk."})

    cut = PathCut.objects.get()
    assert answer.headers["Location"] == reverse("reviews:cut-detail", args=[cut.pk])
    approve = reverse("reviews:cut-approve", args=[cut.pk])
    assert client.post(approve, {"reason": ""}).status_code == 422
    client.force_login(relay.bea)
    assert approve in client.get(answer.headers["Location"]).content.decode()
    assert client.post(approve, {"reason": ""}).status_code == 302
    assert relay.entitlement.pk not in access_of(relay.agent.pk, timezone.now()).rights


def test_a_cut_by_grants_ends_what_a_derived_delegation_rests_on(relay: Relay) -> None:
    cut = relay.ask(relay.ann, Removal("grant", relay.goal.pk))

    path_cuts.answer(cut, approved=True, by=relay.bea, reason="", at=NOW)

    assert Grant.objects.get(pk=relay.goal.pk).revoked_at == NOW


def test_an_identity_without_ways_says_so(client: Client) -> None:
    client.force_login(a_user("security"))
    lone, other = an_identity(), an_identity()
    page = reverse("reviews:identity-cut", args=[lone.pk])

    assert "Nothing to cut" in client.get(page).content.decode()
    assert "does not reach that" in client.get(f"{page}?reaches={other.pk}").content.decode()
    assert client.get(f"{page}?entitlement=99999999").status_code == 404
    assert Identity.objects.filter(pk=lone.pk).exists()
