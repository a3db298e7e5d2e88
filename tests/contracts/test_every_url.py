"""Who may open and who may post to each address of the product. An address that is not in the table fails."""

from collections.abc import Mapping
from urllib.parse import quote

import pytest
from django.urls import reverse

from tests.contracts.world import VISITORS, World, build, every_url

pytestmark = pytest.mark.django_db

# Answers in the order anonymous, outsider (an owner of nothing), owner (of the row), auditor, security.
Answers = tuple[int, int, int, int, int]
ENTER = 302  # to the sign-in page
EVERYBODY: Answers = (200, 200, 200, 200, 200)
SIGNED_IN: Answers = (ENTER, 200, 200, 200, 200)
READERS: Answers = (ENTER, 403, 403, 200, 200)
SECURITY: Answers = (ENTER, 403, 403, 403, 200)
MINE: Answers = (ENTER, 404, 200, 200, 200)
MINE_TO_CHANGE: Answers = (ENTER, 404, 200, 403, 200)
SECURITY_IF_SEEN: Answers = (ENTER, 404, 403, 403, 200)
POST_ONLY: Answers = (ENTER, 405, 405, 405, 405)

# An empty post to a form: 422 is "you may, but fill it in".
NEVER: Answers = POST_ONLY
POST_MINE: Answers = (ENTER, 404, 422, 403, 422)
POST_SECURITY: Answers = (ENTER, 403, 403, 403, 422)
POST_SECURITY_IF_SEEN: Answers = (ENTER, 404, 403, 403, 422)
# An empty post that is a whole answer: no reason is asked for.
ACT_MINE: Answers = (ENTER, 404, 302, 403, 302)
ACT_SECURITY_IF_SEEN: Answers = (ENTER, 404, 403, 403, 302)
POSTS_SECURITY: Answers = (ENTER, 403, 403, 403, 302)
BULK_SECURITY: Answers = (ENTER, 403, 403, 403, 200)
# Nothing is selected: back to the list, which says so.
BULK_MINE: Answers = (ENTER, 302, 302, 403, 302)
BULK_NONE_SECURITY: Answers = (ENTER, 403, 403, 403, 302)

# name: (who may open it, what an empty post gets)
TABLE: Mapping[str, tuple[Answers, Answers]] = {
    "overview": (SIGNED_IN, NEVER),
    "inventory:identity-list": (SIGNED_IN, NEVER),
    "inventory:identity-detail": (MINE, NEVER),
    "inventory:identity-as-of": (MINE, NEVER),
    "inventory:identity-owner": (MINE_TO_CHANGE, POST_MINE),
    "inventory:identity-successors": (MINE_TO_CHANGE, ACT_MINE),
    "inventory:identity-describe": (MINE_TO_CHANGE, ACT_MINE),
    "inventory:identity-access": (MINE, NEVER),
    "inventory:identity-access-path": (MINE, NEVER),
    "inventory:access-questions": (READERS, NEVER),
    "inventory:identity-suspend": (MINE_TO_CHANGE, POST_MINE),
    "inventory:identity-flag": (MINE_TO_CHANGE, POST_MINE),
    "inventory:identity-clear": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:credential-flag": (MINE_TO_CHANGE, POST_MINE),
    "inventory:credential-clear": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:credential-confirm": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:grant-confirm": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:delegation-confirm": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:delegation-detail": (MINE, NEVER),
    "inventory:delegation-revoke": (MINE_TO_CHANGE, POST_MINE),
    "inventory:identity-drill": (MINE_TO_CHANGE, POST_MINE),
    "inventory:identity-stops": (MINE, NEVER),
    "inventory:stop-list": (SIGNED_IN, NEVER),
    "inventory:identity-activate": (SECURITY_IF_SEEN, ACT_SECURITY_IF_SEEN),
    "inventory:identity-retire": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:identities-owner": (POST_ONLY, BULK_MINE),
    "inventory:identities-suspend": (POST_ONLY, BULK_MINE),
    "inventory:identities-retire": (POST_ONLY, BULK_NONE_SECURITY),
    "inventory:credentials-revoke": (POST_ONLY, BULK_MINE),
    "inventory:grants-revoke": (POST_ONLY, BULK_MINE),
    "inventory:grants-end": (POST_ONLY, BULK_MINE),
    "inventory:grants-extend": (POST_ONLY, BULK_MINE),
    "inventory:grants-expire": (POST_ONLY, BULK_MINE),
    "inventory:person-absence": (MINE_TO_CHANGE, ACT_MINE),
    "inventory:person-list": (SIGNED_IN, NEVER),
    "inventory:person-options": (SIGNED_IN, NEVER),
    "inventory:person-detail": (MINE, NEVER),
    "inventory:person-leaving": (READERS, NEVER),
    "inventory:person-hand-over": (SECURITY_IF_SEEN, ACT_SECURITY_IF_SEEN),
    "inventory:person-last-day": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:person-left": (SECURITY_IF_SEEN, ACT_SECURITY_IF_SEEN),
    "inventory:credential-list": (SIGNED_IN, NEVER),
    "inventory:credential-detail": (MINE, NEVER),
    "inventory:credential-revoke": (MINE_TO_CHANGE, POST_MINE),
    "inventory:grant-list": (SIGNED_IN, NEVER),
    "inventory:grant-detail": (MINE, NEVER),
    "inventory:grant-revoke": (MINE_TO_CHANGE, POST_MINE),
    "inventory:grant-expire": (MINE_TO_CHANGE, ACT_MINE),
    "inventory:grant-end": (MINE_TO_CHANGE, POST_MINE),
    "inventory:grant-extend": (MINE_TO_CHANGE, POST_MINE),
    "inventory:grant-idle": (MINE_TO_CHANGE, ACT_MINE),
    "inventory:task-list": (SIGNED_IN, NEVER),
    "inventory:task-detail": (MINE, NEVER),
    "inventory:identity-task": (MINE_TO_CHANGE, POST_MINE),
    "inventory:task-end": (MINE_TO_CHANGE, POST_MINE),
    "inventory:delegation-list": (SIGNED_IN, NEVER),
    "inventory:delegation-explore": (SIGNED_IN, NEVER),
    "inventory:tool-list": (SIGNED_IN, NEVER),
    "inventory:source-list": (READERS, NEVER),
    "inventory:source-detail": (READERS, NEVER),
    "inventory:import-list": (READERS, NEVER),
    "inventory:import-new": (SECURITY, POST_SECURITY),
    "inventory:import-columns": (READERS, NEVER),
    "inventory:import-template": (READERS, NEVER),
    "inventory:import-detail": (READERS, NEVER),
    "inventory:import-status": ((ENTER, 403, 403, 302, 302), NEVER),
    "inventory:import-apply": (POST_ONLY, POSTS_SECURITY),
    "inventory:import-discard": (POST_ONLY, POSTS_SECURITY),
    "inventory:import-rejected": (READERS, NEVER),
    "inventory:change-list": (READERS, NEVER),
    "inventory:change-detail": ((ENTER, 404, 404, 200, 200), NEVER),
    "inventory:search": (SIGNED_IN, NEVER),
    "inventory:settings": (READERS, NEVER),
    "inventory:settings-leaving": (SECURITY, POST_SECURITY),
    "inventory:token-list": (READERS, NEVER),
    "inventory:user-list": (READERS, NEVER),
    "inventory:user-new": (SECURITY, POST_SECURITY),
    "inventory:user-edit": (READERS, (ENTER, 403, 403, 403, 422)),
    "inventory:user-switch": (SECURITY, POSTS_SECURITY),
    "inventory:user-password": (SECURITY, (ENTER, 403, 403, 403, 200)),
    "inventory:user-token": (SECURITY, POST_SECURITY),
    "inventory:my-tokens": (SIGNED_IN, NEVER),
    "inventory:token-new": (SIGNED_IN, (ENTER, 422, 422, 422, 422)),
    "inventory:token-revoke": ((ENTER, 404, 200, 403, 200), (ENTER, 404, 302, 403, 302)),
    "reviews:inbox": (SIGNED_IN, NEVER),
    "reviews:request-list": (SIGNED_IN, NEVER),
    "reviews:request-detail": (MINE, NEVER),
    "reviews:identity-request": (MINE_TO_CHANGE, POST_MINE),
    "reviews:request-approve": (MINE_TO_CHANGE, POST_MINE),
    "reviews:request-refuse": (MINE_TO_CHANGE, POST_MINE),
    "reviews:request-cancel": (SECURITY_IF_SEEN, (ENTER, 404, 403, 403, 302)),
    "reviews:request-escalate": (SECURITY_IF_SEEN, ACT_SECURITY_IF_SEEN),
    "reviews:requests-approve": (POST_ONLY, BULK_MINE),
    "reviews:requests-refuse": (POST_ONLY, BULK_MINE),
    "reviews:campaign-list": (SIGNED_IN, NEVER),
    "reviews:campaign-new": (SECURITY, POST_SECURITY),
    "reviews:campaign-detail": (MINE, NEVER),
    "reviews:campaign-items": (MINE, NEVER),
    "reviews:campaign-launch": (SECURITY_IF_SEEN, ACT_SECURITY_IF_SEEN),
    "reviews:campaign-cancel": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "reviews:campaign-close": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "reviews:campaign-report": ((ENTER, 404, 404, 404, 404), NEVER),
    "reviews:item-detail": (MINE, NEVER),
    "reviews:item-keep": (MINE_TO_CHANGE, (ENTER, 404, 302, 403, 422)),
    "reviews:item-revoke": (MINE_TO_CHANGE, POST_MINE),
    "reviews:item-narrow": (MINE_TO_CHANGE, POST_MINE),
    "reviews:item-hand-over": (MINE_TO_CHANGE, POST_MINE),
    "reviews:item-ask": (MINE_TO_CHANGE, POST_MINE),
    "reviews:items-keep": (POST_ONLY, BULK_MINE),
    "reviews:items-revoke": (POST_ONLY, BULK_MINE),
    "reviews:items-narrow": (POST_ONLY, BULK_MINE),
    "reviews:items-hand-over": (POST_ONLY, BULK_MINE),
    "reviews:items-ask": (POST_ONLY, BULK_MINE),
    "reviews:grant-convert": (MINE_TO_CHANGE, POST_MINE),
    "reviews:cut-list": (SIGNED_IN, NEVER),
    "reviews:identity-cut": (MINE_TO_CHANGE, (ENTER, 404, 200, 403, 200)),
    "reviews:cut-detail": (MINE, NEVER),
    "reviews:cut-approve": (MINE_TO_CHANGE, (ENTER, 404, 302, 403, 422)),
    "reviews:cut-refuse": (MINE_TO_CHANGE, POST_MINE),
    "reviews:action-list": (SIGNED_IN, NEVER),
    "reviews:action-detail": (MINE, NEVER),
    "reviews:action-approve": (MINE_TO_CHANGE, (ENTER, 404, 302, 403, 422)),
    "reviews:action-refuse": (MINE_TO_CHANGE, POST_MINE),
    "reviews:access-rules": (READERS, NEVER),
    "reviews:access-rules-change": (SECURITY, POST_SECURITY),
    "reviews:notification-list": (SIGNED_IN, NEVER),
    "reviews:notifications-read": (POST_ONLY, (ENTER, 302, 302, 302, 302)),
    "reviews:notification-open": ((ENTER, 404, 302, 302, 302), NEVER),
    "reviews:notification-settings": (READERS, NEVER),
    "reviews:mail-test": (POST_ONLY, POSTS_SECURITY),
    "reviews:delivery-list": (READERS, NEVER),
    "reviews:delivery-again": (SECURITY, POSTS_SECURITY),
    "reviews:webhook-new": (SECURITY, POST_SECURITY),
    "reviews:webhook-detail": (READERS, NEVER),
    "reviews:webhook-edit": (SECURITY, POST_SECURITY),
    "reviews:webhook-key": (SECURITY, (ENTER, 403, 403, 403, 200)),
    "reviews:webhook-switch": (SECURITY, POSTS_SECURITY),
    "reviews:webhook-test": (POST_ONLY, POSTS_SECURITY),
    "reviews:finding-list": ((ENTER, 302, 302, 302, 302), NEVER),
    "reviews:finding-detail": (MINE, NEVER),
    "reviews:finding-accept": (POST_ONLY, BULK_SECURITY),
    "reviews:finding-snooze": (POST_ONLY, BULK_SECURITY),
    "reviews:finding-false-positive": (POST_ONLY, BULK_SECURITY),
    "reviews:finding-assign": (POST_ONLY, BULK_SECURITY),
    "reviews:finding-reopen": (POST_ONLY, BULK_SECURITY),
    "reviews:identity-findings": (MINE, NEVER),
    "reviews:check-list": (READERS, NEVER),
    "reviews:check-detail": (READERS, NEVER),
    "reviews:check-settings": (SECURITY, POST_SECURITY),
    "reviews:sweep-now": (POST_ONLY, POSTS_SECURITY),
    "reviews:sweep-status": ((ENTER, 403, 403, 302, 302), NEVER),
    "frameworks:framework-list": (READERS, NEVER),
    "frameworks:framework-detail": (READERS, NEVER),
    "frameworks:control-detail": (READERS, NEVER),
}
ARGUMENTS = {
    "inventory:import-template": ("people",),
    "reviews:check-detail": ("owner-active",),
    "reviews:check-settings": ("owner-active",),
    "frameworks:framework-detail": ("owasp-nhi",),
    "frameworks:control-detail": ("owasp-nhi", "NHI1:2025"),
}


@pytest.fixture
def world() -> World:
    return build()


def address(name: str, world: World) -> str:
    if name in ARGUMENTS or "<" not in every_url()[name]:
        return reverse(name, args=ARGUMENTS.get(name, ()))
    if name == "inventory:identity-access-path":
        return reverse(name, args=[world.rows["identity"].pk, world.rows["grant"].entitlement_id])
    return reverse(name, args=[world.rows[name.split(":")[-1].split("-")[0]].pk])


def test_every_address_is_in_the_table() -> None:
    unknown = {name for name in every_url() if name not in TABLE and not elsewhere(name)}

    assert not unknown, f"Say in TABLE who may open {sorted(unknown)}."
    assert not set(TABLE) - set(every_url()), "The table names an address that is no more."


def elsewhere(name: str) -> bool:
    """Signing in is tested in test_accounts, health in test_health, the API in tests/api."""
    return name.startswith(("account_", "healthz", "readyz", "api:", "api/"))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_who_may_open_it(name: str, world: World) -> None:
    path = address(name, world)

    answers = tuple(world.visitor(who).get(path).status_code for who in VISITORS)

    assert answers == TABLE[name][0]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_who_may_post_to_it(name: str, world: World) -> None:
    path = address(name, world)

    answers = tuple(world.visitor(who).post(path).status_code for who in VISITORS)

    assert answers == TABLE[name][1]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_stranger_is_led_to_the_sign_in_page_and_back(name: str, world: World) -> None:
    path = address(name, world)

    answer = world.visitor("anonymous").get(path)

    assert answer.headers["Location"] == f"{reverse('account_login')}?next={quote(path)}"
