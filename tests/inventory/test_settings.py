"""Settings: users, API tokens, and what the organisation decided."""

import time
from datetime import timedelta
from io import StringIO
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory import ownership, policy_settings, users
from inventory.models import ApiToken, Change, Identity, Setting, User
from inventory.rules import RuleBroken
from tests.factories import a_person, a_user, an_identity

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def security() -> User:
    a_user("security")  # there are two of them
    return a_user("security", username="sec")


def facts(**other: Any) -> dict[str, Any]:
    return {"role": "owner", "email": "", "first_name": "", "last_name": "", "person": "", **other}


# --- users --------------------------------------------------------------------------------------


def test_a_new_user_signs_in_with_the_password_shown_once_and_has_to_change_it(
    security: User,
) -> None:
    person = a_person(email="ada@example.org")
    shown = signed_in(security).post(
        reverse("inventory:user-new"), facts(username="ada", person="ada@example.org")
    )
    password = shown.context["secret"]
    client = Client()

    client.post(reverse("account_login"), {"login": "ada", "password": password})
    first = client.get(reverse("overview"))
    client.post(
        reverse("account_change_password"),
        {"oldpassword": password, "password1": "quite-another-1", "password2": "quite-another-1"},
    )

    assert first.headers["Location"] == reverse("account_change_password")
    assert client.get(reverse("overview")).status_code == 200
    made = User.objects.get(username="ada")
    assert (made.person, made.role, made.must_change_password) == (person, "owner", False)
    assert Change.objects.filter(verb="user.added", user=security).exists()


def test_a_new_password_ends_open_sessions(security: User) -> None:
    user = a_user("owner")
    user.set_password("first-password-1")
    user.save()
    open_session = signed_in(user)

    answer = signed_in(security).post(reverse("inventory:user-password", args=[user.pk]))

    assert answer.context["secret"]
    assert open_session.get(reverse("overview")).status_code == 302


def test_switching_off_ends_sessions_and_tokens_at_once(security: User) -> None:
    user = a_user("owner")
    session = signed_in(user)

    signed_in(security).post(reverse("inventory:user-switch", args=[user.pk]), {"reason": "Left"})
    off = session.get(reverse("overview")).status_code
    signed_in(security).post(reverse("inventory:user-switch", args=[user.pk]))

    assert off == 302
    assert User.objects.get(pk=user.pk).is_active


def test_nobody_switches_off_or_demotes_themselves(security: User) -> None:
    client = signed_in(security)

    off = client.post(reverse("inventory:user-switch", args=[security.pk]))
    role = client.post(reverse("inventory:user-edit", args=[security.pk]), facts(role="auditor"))

    assert (off.status_code, role.status_code) == (422, 422)
    assert "Nobody can" in off.content.decode()


def test_the_last_one_of_security_stays() -> None:
    service = a_user("security", is_service=True)
    last = a_user("security")

    with pytest.raises(RuleBroken, match="last one of security"):
        users.switch_off(last, by=service, reason="", at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_two_of_security_cannot_switch_each_other_off_at_once() -> None:
    first, second = a_user("security"), a_user("security")
    refused: list[str] = []

    def switch_off(user: User, by: User) -> None:
        try:
            users.switch_off(user, by=by, reason="", at=timezone.now())
        except RuleBroken as rule:
            refused.append(str(rule))
        finally:
            connection.close()

    threads = [Thread(target=switch_off, args=pair) for pair in ((first, second), (second, first))]
    with transaction.atomic():  # both wait here, and then start at once
        list(User.objects.select_for_update())
        for thread in threads:
            thread.start()
        time.sleep(0.3)
    for thread in threads:
        thread.join()

    assert User.objects.filter(is_active=True).count() == 1
    assert len(refused) == 1


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"username": "sec"}, "There is a user sec already"),
        ({"username": "two words"}, "Enter a valid value"),
        ({"username": "ada", "role": "king"}, "not one of the available choices"),
        ({"username": "ada", "person": "no@example.org"}, "Nobody has the e-mail address"),
    ],
)
def test_a_user_that_cannot_be_made_is_refused_with_a_reason(
    other: dict[str, str], says: str, security: User
) -> None:
    answer = signed_in(security).post(reverse("inventory:user-new"), facts(**other))

    assert answer.status_code == 422 and says in answer.content.decode()


def test_an_address_belongs_to_one_user(security: User) -> None:
    a_user(email="ada@example.org")

    answer = signed_in(security).post(
        reverse("inventory:user-new"), facts(username="ada", email="ADA@example.org")
    )

    assert "Another user has the address" in answer.content.decode()


def test_a_service_user_gets_a_token_and_no_password(security: User) -> None:
    client = signed_in(security)
    client.post(reverse("inventory:user-new"), facts(username="robot", is_service="on"))
    robot = User.objects.get(username="robot")

    refused = client.post(reverse("inventory:user-password", args=[robot.pk]))
    made = client.post(
        reverse("inventory:user-token", args=[robot.pk]),
        {"name": "nightly", "scopes": ["read"], "days": "30"},
    )

    assert (refused.status_code, robot.has_usable_password()) == (422, False)
    assert ApiToken.objects.get().digest == ApiToken.digest_of(made.context["secret"])


def test_the_list_of_users_is_filtered_and_an_auditor_changes_nothing(security: User) -> None:
    auditor = signed_in(a_user("auditor"))

    shown = auditor.get(reverse("inventory:user-list"), {"role": "auditor"})
    detail = auditor.get(reverse("inventory:user-edit", args=[security.pk])).content.decode()

    assert shown.context["list"].on_page == 1
    assert "<form" not in detail.split("<main")[1].split("</main>")[0]


# --- tokens -------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_its_digest_kept() -> None:
    user = a_user("owner")
    client = signed_in(user)

    made = client.post(
        reverse("inventory:token-new"), {"name": "laptop", "scopes": ["read"], "days": "90"}
    )
    secret = made.context["secret"]
    listed = client.get(reverse("inventory:my-tokens")).content.decode()

    token = ApiToken.objects.get()
    assert secret in made.content.decode() and secret not in listed
    assert (token.user, token.scopes, token.digest) == (user, ["read"], ApiToken.digest_of(secret))
    assert secret[:12] in listed
    assert secret not in str([change.after for change in Change.objects.all()])


@pytest.mark.parametrize(
    "wrong", [{"days": "0"}, {"days": "366"}, {"scopes": ["import"]}, {"scopes": []}, {"name": ""}]
)
def test_a_token_that_is_too_much_is_refused(wrong: dict[str, Any]) -> None:
    given = {"name": "x", "scopes": ["read"], "days": "9", **wrong}

    answer = signed_in(a_user("auditor")).post(reverse("inventory:token-new"), given)

    assert (answer.status_code, ApiToken.objects.count()) == (422, 0)


def test_a_revoked_token_stays_in_the_list_and_opens_nothing(api_token: Any) -> None:
    user, secret = api_token
    client = signed_in(user)

    client.post(reverse("inventory:token-revoke", args=[ApiToken.objects.get().pk]))

    assert "Revoked" in client.get(reverse("inventory:my-tokens")).content.decode()
    called = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/people/")
    assert called.status_code == 401


def test_security_revokes_the_tokens_of_others_and_nobody_else_does(
    api_token: Any, security: User
) -> None:
    address = reverse("inventory:token-revoke", args=[ApiToken.objects.get().pk])

    stranger = signed_in(a_user("owner")).post(address).status_code
    auditor = signed_in(a_user("auditor")).post(address).status_code
    done = signed_in(security).post(address).status_code

    assert (stranger, auditor, done) == (404, 403, 302)
    assert ApiToken.objects.get().revoked_at is not None


@pytest.fixture
def api_token() -> tuple[User, str]:
    user, secret = a_user("owner"), ApiToken.new_secret()
    now = timezone.now()
    ApiToken.objects.create(
        user=user, name="laptop", hint=secret[:12], digest=ApiToken.digest_of(secret),
        scopes=["read"], created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    return user, secret


def test_the_command_prints_the_token_alone() -> None:
    user, out, err = a_user("auditor", username="ada"), StringIO(), StringIO()

    call_command("token", "ada", "--days", "7", stdout=out, stderr=err)

    token = ApiToken.objects.get()
    assert token.digest == ApiToken.digest_of(out.getvalue().strip())
    assert (token.user, token.scopes) == (user, ["read"])
    assert "ada" in err.getvalue()


def test_the_command_names_the_users_when_there_is_none_of_that_name() -> None:
    a_user(username="ada")

    with pytest.raises(CommandError, match=r"There is no user “bob”\. Users: ada"):
        call_command("token", "bob")


# --- decisions ----------------------------------------------------------------------------------


def test_the_decision_on_leaving_is_kept_with_author_and_followed(security: User) -> None:
    boss = a_person()
    owner = a_person(manager=boss)
    an_identity(owner=owner)
    client = signed_in(security)

    client.post(
        reverse("inventory:settings-leaving"), {"value": ownership.TAKE_OVER, "reason": "Policy 7"}
    )
    ownership.mark_left(owner, by=security, at=timezone.now())

    change = Change.objects.of(Setting.objects.get())[0]
    assert (change.user, change.reason) == (security, "Policy 7")
    assert policy_settings.LEAVING.decided() == ownership.TAKE_OVER
    assert Identity.objects.get().owner == boss
    assert (
        "The next in line takes over" in client.get(reverse("inventory:settings")).content.decode()
    )


def test_a_decision_that_does_not_exist_is_refused(security: User) -> None:
    answer = signed_in(security).post(reverse("inventory:settings-leaving"), {"value": "ignore"})

    assert (answer.status_code, Setting.objects.count()) == (422, 0)
