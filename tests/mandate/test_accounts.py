"""Signing in: who may, how often one may try, and what an account can do for itself."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from inventory.models import User
from tests.factories import a_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery-1"


@pytest.fixture(autouse=True)
def no_failures_yet() -> None:
    cache.clear()


@pytest.fixture
def ada() -> User:
    user = a_user("auditor", username="ada", email="ada@example.com")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(client: Client, login: str = "ada", password: str = PASSWORD, **headers: str) -> int:
    answer = client.post(
        reverse("account_login"), {"login": login, "password": password}, headers=headers
    )
    return answer.status_code


@pytest.mark.parametrize("login", ["ada", "ada@example.com"])
def test_a_name_or_an_e_mail_opens_a_session(ada: User, login: str) -> None:
    client = Client()

    assert sign_in(client, login) == 302
    assert client.get(reverse("overview")).status_code == 200


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(ada: User) -> None:
    client = Client()
    sign_in(client)

    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_wrong_password_is_refused_without_saying_which_part_was_wrong(ada: User) -> None:
    unknown, wrong = Client(), Client()
    first = unknown.post(reverse("account_login"), {"login": "nobody", "password": "x"})
    second = wrong.post(reverse("account_login"), {"login": "ada", "password": "x"})

    def errors(page: str) -> list[str]:
        return [line for line in page.splitlines() if "not correct" in line]

    assert errors(first.content.decode())
    assert errors(first.content.decode()) == errors(second.content.decode())


def test_guessing_is_stopped_also_with_the_right_password_at_last(ada: User) -> None:
    client = Client()
    for _ in range(5):
        sign_in(client, password="guess")

    client.post(reverse("account_login"), {"login": "ada", "password": PASSWORD})

    assert client.get(reverse("overview")).status_code == 302


def test_an_account_that_was_switched_off_does_not_enter(ada: User) -> None:
    User.objects.update(is_active=False)
    client = Client()

    sign_in(client)

    assert client.get(reverse("overview")).status_code == 302


def test_a_service_user_never_signs_in(ada: User) -> None:
    User.objects.update(is_service=True)
    client = Client()

    assert sign_in(client) == 200
    assert client.get(reverse("overview")).status_code == 302


def test_signing_out_takes_a_post(ada: User) -> None:
    client = Client()
    sign_in(client)

    client.get(reverse("account_logout"))
    still = client.get(reverse("overview")).status_code
    client.post(reverse("account_logout"))

    assert (still, client.get(reverse("overview")).status_code) == (200, 302)


def test_a_password_is_changed_with_the_old_one_only(ada: User) -> None:
    client = Client()
    sign_in(client)
    new = {"password1": "another-long-one-2", "password2": "another-long-one-2"}
    address = reverse("account_change_password")

    client.post(address, {"oldpassword": "guess", **new})
    refused = User.objects.get().check_password(PASSWORD)
    client.post(address, {"oldpassword": PASSWORD, **new})

    assert refused
    assert User.objects.get().check_password("another-long-one-2")


@pytest.mark.parametrize("path", ["/accounts/password/reset/", "/accounts/email/"])
def test_what_would_need_mail_is_not_there(ada: User, path: str) -> None:
    client = Client()
    client.force_login(ada)

    assert client.get(path).status_code == 404


def test_nobody_makes_an_account_alone(ada: User) -> None:
    client = Client()
    page = client.get(reverse("account_signup"))
    client.post(
        reverse("account_signup"),
        {"username": "eve", "email": "e@example.com", "password1": PASSWORD},
    )

    assert "No sign-up here" in page.content.decode()
    assert not User.objects.filter(username="eve").exists()


def test_a_place_elsewhere_is_no_place_to_go_after_signing_in(ada: User) -> None:
    client = Client()
    address = f"{reverse('account_login')}?next=https://example.net/"

    answer = client.post(
        address, {"login": "ada", "password": PASSWORD, "next": "https://example.net/"}
    )

    assert answer.headers["Location"] == reverse("overview")
