"""The Overview: each number is what its list shows, and each visitor sees what is theirs."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from frameworks import loading
from inventory.models import Source, User
from reviews import sweep
from tests.factories import a_credential, a_grant, a_person, a_user, an_entitlement, an_identity

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def estate() -> Any:
    """Two owners, three identities, one of them without an owner; swept, with frameworks."""
    ada, ben = a_person(name="Ada"), a_person(name="Ben", status="leaving")
    risky = an_entitlement(risk="critical")
    for owner in (ada, ben, None):
        identity = an_identity(owner=owner)
        a_grant(identity=identity, entitlement=risky, expires_at=None)
        a_credential(identity=identity, expires_at=None)
    Source.objects.update(last_complete_at=timezone.now())
    loading.load()
    sweep.run(timezone.now(), by="test")
    return ada


def tiles(page: str) -> dict[str, tuple[str, str]]:
    """Label to (address, number)."""
    found = re.findall(
        r'stat-label"><a href="([^"]+)">([^<]+)</a></p><p class="stat-value">([^<]+)<', page
    )
    return {label: (unescape(url), number) for url, label, number in found}


@pytest.mark.parametrize("role", ["security", "auditor", "owner"])
def test_each_number_is_what_its_list_shows(role: str, estate: Any) -> None:
    client = signed_in(a_user(role, person=estate if role == "owner" else None))

    shown = tiles(client.get(reverse("overview")).content.decode())

    assert len(shown) >= 5
    for label, (url, number) in shown.items():
        listed = client.get(url).context["list"].count
        assert (label, number) == (label, str(listed))
    assert {number for _, number in shown.values()} != {"0"}


def test_an_owner_sees_numbers_of_what_is_theirs_only(estate: Any) -> None:
    mine = tiles(
        signed_in(a_user("owner", person=estate)).get(reverse("overview")).content.decode()
    )

    assert mine["Your identities"][1] == "1"


def test_security_sees_who_leaves_and_where_frameworks_stand(estate: Any) -> None:
    page = signed_in(a_user()).get(reverse("overview")).content.decode()

    assert "Ben" in page and "1 to hand over" in page
    assert "OWASP Non-Human Identities Top 10" in page


def test_an_empty_inventory_says_how_to_begin() -> None:
    security = signed_in(a_user()).get(reverse("overview")).content.decode()
    auditor = signed_in(a_user("auditor")).get(reverse("overview")).content.decode()

    assert "Three steps to the first findings" in security and "Import files" in security
    assert "Import files" not in auditor


@pytest.mark.parametrize("role", ["security", "owner"])
def test_the_page_takes_few_queries(
    role: str, estate: Any, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(a_user(role, person=estate))

    with django_assert_max_num_queries(12):
        client.get(reverse("overview"))
