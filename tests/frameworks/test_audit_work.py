"""What auditors do: they ask and remark, and what they look at is kept."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from frameworks import comments, evidence_requests, loading
from frameworks.comments import Place
from frameworks.models import Comment, EvidenceRequest
from inventory.models import Change
from inventory.rules import RuleBroken
from tests.factories import a_user

pytestmark = pytest.mark.django_db


def asked() -> EvidenceRequest:
    return evidence_requests.ask(question="Show it.", by=a_user("auditor"), at=timezone.now())


def test_a_request_is_answered_by_security_and_accepted_by_an_auditor() -> None:
    row, at = asked(), timezone.now()
    with pytest.raises(PermissionDenied):
        evidence_requests.answer(row, text="Here.", link="", by=row.asked_by, at=at)
    evidence_requests.answer(row, text="Here.", link="", by=a_user("security"), at=at)
    with pytest.raises(PermissionDenied):
        evidence_requests.accept(row, by=a_user("security"), at=at)

    evidence_requests.accept(row, by=a_user("auditor"), at=at)

    assert (row.status, row.closed_at) == ("accepted", at)
    with pytest.raises(RuleBroken, match="accepted"):
        evidence_requests.answer(row, text="More.", link="", by=a_user("security"), at=at)


def test_an_answer_that_does_not_do_opens_it_again_and_history_keeps_both() -> None:
    row, at = asked(), timezone.now()
    evidence_requests.answer(row, text="Here.", link="", by=a_user("security"), at=at)

    evidence_requests.ask_again(row, reason="It is last year's.", by=row.asked_by)

    verbs = Change.objects.of(row).values_list("verb", flat=True)
    assert row.status == "open"
    assert list(verbs) == ["evidence.asked_again", "evidence.answered", "evidence.asked"]


def test_nobody_accepts_their_own_answer() -> None:
    security, at = a_user("security"), timezone.now()
    row = evidence_requests.ask(question="Show it.", by=security, at=at)
    evidence_requests.answer(row, text="Here.", link="", by=security, at=at)

    with pytest.raises(RuleBroken, match="yourself"):
        evidence_requests.accept(row, by=security, at=at)


def test_a_comment_stays_as_it_was_written() -> None:
    made = comments.add(
        Place(request=asked()), text="See it.", by=a_user("auditor"), at=timezone.now()
    )

    with pytest.raises(ProgrammingError), transaction.atomic():
        Comment.objects.filter(pk=made.pk).update(text="Otherwise.")
    with pytest.raises(PermissionDenied):
        comments.add(Place(request=asked()), text="x", by=a_user("owner"), at=timezone.now())


def test_what_an_auditor_looks_at_and_takes_away_is_kept(client: Client) -> None:
    loading.load()
    auditor = a_user("auditor")
    client.force_login(auditor)

    client.get(reverse("frameworks:framework-list"))
    "".join(
        part.decode()
        for part in client.get(reverse("inventory:identity-list"), {"export": "csv"})  # type: ignore[attr-defined]
    )
    client.get(reverse("frameworks:assessment-new"))

    rows = Change.objects.filter(user=auditor, verb__startswith="auditor.").order_by("pk")
    assert [(row.verb, (row.after or {})["status"]) for row in rows] == [
        ("auditor.looked", 200), ("auditor.exported", 200), ("auditor.looked", 403),
    ]  # fmt: skip
    assert rows[1].reason == "/identities/?export=csv"
    page = client.get(reverse("inventory:change-list")).content.decode()
    assert "auditor.exported" in page


def test_what_others_look_at_is_not(client: Client) -> None:
    client.force_login(a_user("security"))

    client.get(reverse("overview"))

    assert not Change.objects.filter(verb__startswith="auditor.").exists()
