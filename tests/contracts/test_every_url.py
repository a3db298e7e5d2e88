"""Who may open and who may post to each address of the product. An address that is not in the table fails."""

from collections.abc import Mapping
from urllib.parse import quote

import pytest
from django.db import transaction
from django.urls import reverse

from inventory.models import Identity
from tests.contracts.world import VISITORS, World, build, every_url

pytestmark = pytest.mark.django_db

# Answers in the order anonymous, outsider (an owner of nothing), owner (of the row), auditor, security, auditor of the
# row's team only.
Answers = tuple[int, int, int, int, int, int]
ENTER = 302  # to the sign-in page
EVERYBODY: Answers = (200, 200, 200, 200, 200, 200)
SIGNED_IN: Answers = (ENTER, 200, 200, 200, 200, 200)
READERS: Answers = (ENTER, 403, 403, 200, 200, 403)
EVIDENCE_READERS: Answers = (ENTER, 403, 403, 200, 200, 200)
# Of their own requests only.
ASKERS: Answers = (ENTER, 403, 403, 200, 200, 404)
# People belong to the whole organisation.
PERSON: Answers = (ENTER, 404, 200, 200, 200, 404)
PERSON_TO_CHANGE: Answers = (ENTER, 404, 200, 403, 200, 404)
PERSON_OF_SECURITY: Answers = (ENTER, 404, 403, 403, 200, 404)
PEOPLE: Answers = (ENTER, 200, 200, 200, 200, 403)
SECURITY: Answers = (ENTER, 403, 403, 403, 200, 403)
MINE: Answers = (ENTER, 404, 200, 200, 200, 200)
MINE_TO_CHANGE: Answers = (ENTER, 404, 200, 403, 200, 403)
SECURITY_IF_SEEN: Answers = (ENTER, 404, 403, 403, 200, 403)
POST_ONLY: Answers = (ENTER, 405, 405, 405, 405, 405)

# An empty post to a form: 422 is "you may, but fill it in".
NEVER: Answers = POST_ONLY
POST_MINE: Answers = (ENTER, 404, 422, 403, 422, 403)
POST_SECURITY: Answers = (ENTER, 403, 403, 403, 422, 403)
POST_SECURITY_IF_SEEN: Answers = (ENTER, 404, 403, 403, 422, 403)
# An empty post that is a whole answer: no reason is asked for.
ACT_MINE: Answers = (ENTER, 404, 302, 403, 302, 403)
ACT_SECURITY_IF_SEEN: Answers = (ENTER, 404, 403, 403, 302, 403)
POSTS_SECURITY: Answers = (ENTER, 403, 403, 403, 302, 403)
BULK_SECURITY: Answers = (ENTER, 403, 403, 403, 200, 403)
# Nothing is selected: back to the list, which says so.
BULK_MINE: Answers = (ENTER, 302, 302, 403, 302, 403)
BULK_NONE_SECURITY: Answers = (ENTER, 403, 403, 403, 302, 403)

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
    "inventory:person-absence": (PERSON_TO_CHANGE, (ENTER, 404, 302, 403, 302, 404)),
    "inventory:person-list": (PEOPLE, NEVER),
    "inventory:person-options": (PEOPLE, NEVER),
    "inventory:person-detail": (PERSON, NEVER),
    "inventory:person-leaving": (READERS, NEVER),
    "inventory:person-hand-over": (PERSON_OF_SECURITY, (ENTER, 404, 403, 403, 302, 404)),
    "inventory:person-last-day": (PERSON_OF_SECURITY, (ENTER, 404, 403, 403, 422, 404)),
    "inventory:person-left": (PERSON_OF_SECURITY, (ENTER, 404, 403, 403, 302, 404)),
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
    "inventory:tool-detail": (MINE, NEVER),
    "inventory:tool-approve": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:tool-disable": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:tool-reset": (SECURITY_IF_SEEN, POST_SECURITY_IF_SEEN),
    "inventory:tools-approve": (POST_ONLY, BULK_NONE_SECURITY),
    "inventory:tools-disable": (POST_ONLY, BULK_NONE_SECURITY),
    "inventory:tools-reset": (POST_ONLY, BULK_NONE_SECURITY),
    "inventory:server-list": (SIGNED_IN, NEVER),
    "inventory:server-detail": (MINE, NEVER),
    "inventory:identity-tools": (MINE, NEVER),
    "inventory:binding-end": (MINE_TO_CHANGE, POST_MINE),
    "inventory:source-list": (READERS, NEVER),
    "inventory:source-detail": (READERS, NEVER),
    "inventory:import-list": (READERS, NEVER),
    "inventory:import-new": (SECURITY, POST_SECURITY),
    "inventory:import-columns": (READERS, NEVER),
    "inventory:import-template": (READERS, NEVER),
    "inventory:import-detail": (READERS, NEVER),
    "inventory:import-status": ((ENTER, 403, 403, 302, 302, 403), NEVER),
    "inventory:import-apply": (POST_ONLY, POSTS_SECURITY),
    "inventory:import-discard": (POST_ONLY, POSTS_SECURITY),
    "inventory:import-rejected": (READERS, NEVER),
    "inventory:change-list": (READERS, NEVER),
    "inventory:change-detail": ((ENTER, 404, 404, 200, 200, 404), NEVER),
    "inventory:search": (SIGNED_IN, NEVER),
    "inventory:settings": (READERS, NEVER),
    "inventory:settings-leaving": (SECURITY, POST_SECURITY),
    "inventory:token-list": (READERS, NEVER),
    "inventory:user-list": (READERS, NEVER),
    "inventory:user-new": (SECURITY, POST_SECURITY),
    "inventory:user-edit": (READERS, (ENTER, 403, 403, 403, 422, 403)),
    "inventory:user-switch": (SECURITY, POSTS_SECURITY),
    "inventory:user-password": (SECURITY, (ENTER, 403, 403, 403, 200, 403)),
    "inventory:user-token": (SECURITY, POST_SECURITY),
    "inventory:my-tokens": (SIGNED_IN, NEVER),
    "inventory:token-new": (SIGNED_IN, (ENTER, 422, 422, 422, 422, 422)),
    "inventory:token-revoke": ((ENTER, 404, 200, 403, 200, 404), (ENTER, 404, 302, 403, 302, 404)),
    "reviews:inbox": (SIGNED_IN, NEVER),
    "reviews:request-list": (SIGNED_IN, NEVER),
    "reviews:request-detail": (MINE, NEVER),
    "reviews:identity-request": (MINE_TO_CHANGE, POST_MINE),
    "reviews:request-approve": (MINE_TO_CHANGE, POST_MINE),
    "reviews:request-refuse": (MINE_TO_CHANGE, POST_MINE),
    "reviews:request-cancel": (SECURITY_IF_SEEN, (ENTER, 404, 403, 403, 302, 403)),
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
    "reviews:campaign-report": ((ENTER, 404, 404, 404, 404, 404), NEVER),
    "reviews:item-detail": (MINE, NEVER),
    "reviews:item-keep": (MINE_TO_CHANGE, ACT_MINE),
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
    "reviews:identity-cut": (MINE_TO_CHANGE, (ENTER, 404, 200, 403, 200, 403)),
    "reviews:cut-detail": (MINE, NEVER),
    "reviews:cut-approve": (MINE_TO_CHANGE, (ENTER, 404, 302, 403, 422, 403)),
    "reviews:cut-refuse": (MINE_TO_CHANGE, POST_MINE),
    "reviews:action-list": (SIGNED_IN, NEVER),
    "reviews:action-detail": (MINE, NEVER),
    "reviews:action-approve": (MINE_TO_CHANGE, (ENTER, 404, 302, 403, 422, 403)),
    "reviews:action-refuse": (MINE_TO_CHANGE, POST_MINE),
    "reviews:access-rules": (READERS, NEVER),
    "reviews:access-rules-change": (SECURITY, POST_SECURITY),
    "reviews:notification-list": (SIGNED_IN, NEVER),
    "reviews:notifications-read": (POST_ONLY, (ENTER, 302, 302, 302, 302, 302)),
    "reviews:notification-open": ((ENTER, 404, 302, 302, 302, 404), NEVER),
    "reviews:notification-settings": (READERS, NEVER),
    "reviews:mail-test": (POST_ONLY, POSTS_SECURITY),
    "reviews:delivery-list": (READERS, NEVER),
    "reviews:delivery-again": (SECURITY, POSTS_SECURITY),
    "reviews:webhook-new": (SECURITY, POST_SECURITY),
    "reviews:webhook-detail": (READERS, NEVER),
    "reviews:webhook-edit": (SECURITY, POST_SECURITY),
    "reviews:webhook-key": (SECURITY, (ENTER, 403, 403, 403, 200, 403)),
    "reviews:webhook-switch": (SECURITY, POSTS_SECURITY),
    "reviews:webhook-test": (POST_ONLY, POSTS_SECURITY),
    "reviews:finding-list": ((ENTER, 302, 302, 302, 302, 302), NEVER),
    "reviews:finding-detail": (MINE, NEVER),
    "reviews:finding-accept": (POST_ONLY, BULK_SECURITY),
    "reviews:finding-snooze": (POST_ONLY, BULK_SECURITY),
    "reviews:finding-false-positive": (POST_ONLY, BULK_SECURITY),
    "reviews:finding-assign": (POST_ONLY, BULK_SECURITY),
    "reviews:finding-reopen": (POST_ONLY, BULK_SECURITY),
    "reviews:identity-findings": (MINE, NEVER),
    "reviews:tool-findings": (MINE, NEVER),
    "reviews:check-list": (READERS, NEVER),
    "reviews:check-detail": (READERS, NEVER),
    "reviews:check-settings": (SECURITY, POST_SECURITY),
    "reviews:sweep-now": (POST_ONLY, POSTS_SECURITY),
    "reviews:sweep-status": ((ENTER, 403, 403, 302, 302, 403), NEVER),
    "runtime:call-list": (SIGNED_IN, NEVER),
    "runtime:call-detail": (MINE, NEVER),
    "runtime:task-chain": (MINE, NEVER),
    "runtime:trace-chain": (MINE, NEVER),
    "runtime:conversation-chain": (SIGNED_IN, NEVER),
    "runtime:cover": (SIGNED_IN, NEVER),
    "runtime:deviation-list": (SIGNED_IN, NEVER),
    "runtime:deviation-triage": (MINE, POST_MINE),
    "runtime:drift": (SIGNED_IN, NEVER),
    "runtime:identity-tier": (MINE, NEVER),
    "runtime:identity-declare": (MINE_TO_CHANGE, POST_MINE),
    "runtime:identity-activity": (MINE, NEVER),
    "runtime:identity-rule": (POST_ONLY, ACT_SECURITY_IF_SEEN),
    "runtime:identity-privileges": (MINE, NEVER),
    "runtime:task-activity": (MINE, NEVER),
    "runtime:policy-list": (READERS, NEVER),
    "runtime:policy-try": (READERS, NEVER),
    "runtime:policyset-new": (SECURITY, POST_SECURITY),
    "runtime:policyset-modes": (SECURITY, POST_SECURITY),
    "runtime:policy-version": (READERS, NEVER),
    "runtime:policy-edit": (SECURITY, POST_SECURITY),
    "runtime:policy-copy": (SECURITY, POSTS_SECURITY),
    "runtime:policy-activate": (SECURITY, POST_SECURITY),
    # A draft was never live: there is nothing to go back to.
    "runtime:policy-roll-back": (
        (ENTER, 403, 403, 403, 404, 403),
        (ENTER, 403, 403, 403, 404, 403),
    ),
    "runtime:policy-discard": (SECURITY, POSTS_SECURITY),
    "runtime:policy-add-test": (SECURITY, POST_SECURITY),
    "runtime:policytest-edit": (SECURITY, POST_SECURITY),
    "runtime:policytest-remove": (SECURITY, POSTS_SECURITY),
    "runtime:version-replay": (SECURITY, POST_SECURITY),
    "runtime:grant-replay": (MINE_TO_CHANGE, POST_MINE),
    "runtime:identity-replay": (MINE_TO_CHANGE, POST_MINE),
    "runtime:replay-detail": (MINE, NEVER),
    "runtime:replay-status": ((ENTER, 404, 302, 302, 302, 302), NEVER),
    "runtime:decision-list": (SIGNED_IN, NEVER),
    "runtime:decision-detail": (MINE, NEVER),
    "runtime:identity-decisions": (MINE, NEVER),
    "runtime:task-decisions": (MINE, NEVER),
    "runtime:agent-name-list": (READERS, NEVER),
    "runtime:agent-name-detail": (READERS, NEVER),
    "runtime:agent-name-assign": (SECURITY, POST_SECURITY),
    "runtime:agent-name-ignore": (SECURITY, POST_SECURITY),
    "runtime:log-integrity": (READERS, NEVER),
    "runtime:verification-start": (POST_ONLY, (ENTER, 403, 403, 302, 302, 403)),
    "runtime:verification-status": ((ENTER, 403, 403, 302, 302, 403), NEVER),
    "runtime:issued-list": (SIGNED_IN, NEVER),
    "runtime:issued-detail": (MINE, NEVER),
    "runtime:issued-revoke": (MINE_TO_CHANGE, POST_MINE),
    "runtime:identity-tokens": (MINE, NEVER),
    "runtime:task-tokens": (MINE, NEVER),
    "runtime:trust": (READERS, NEVER),
    "runtime:bundle-new": (SECURITY, POST_SECURITY),
    "runtime:issuer-new": (SECURITY, POST_SECURITY),
    # The address of its keys leads nowhere, which is an answer of the form.
    "runtime:issuer-fetch": (SECURITY, POST_SECURITY),
    "runtime:client-new": (SECURITY, POST_SECURITY),
    "runtime:trust-retire": (SECURITY, POST_SECURITY),
    "runtime:stream-list": (READERS, NEVER),
    "runtime:stream-new": (SECURITY, POST_SECURITY),
    "runtime:stream-detail": (READERS, NEVER),
    "runtime:stream-switch": (SECURITY, POSTS_SECURITY),
    "runtime:stream-verify": (SECURITY, POSTS_SECURITY),
    "runtime:event-again": (SECURITY, POSTS_SECURITY),
    "frameworks:framework-list": (READERS, NEVER),
    "frameworks:framework-detail": (READERS, NEVER),
    "frameworks:control-detail": (READERS, NEVER),
    "frameworks:framework-new": (SECURITY, POST_SECURITY),
    "frameworks:framework-versions": (READERS, NEVER),
    # A published one comes with the product; only one's own can be withdrawn.
    "frameworks:framework-withdraw": (
        (ENTER, 403, 403, 403, 404, 403),
        (ENTER, 403, 403, 403, 404, 403),
    ),
    "frameworks:framework-shared": (READERS, NEVER),
    "frameworks:coverage": (READERS, NEVER),
    "frameworks:check-controls": (READERS, NEVER),
    "frameworks:finding-controls": (MINE, NEVER),
    "frameworks:past": (READERS, NEVER),
    "frameworks:past-difference": (READERS, NEVER),
    "frameworks:assessment-list": (EVIDENCE_READERS, NEVER),
    "frameworks:assessment-new": (SECURITY, (ENTER, 403, 403, 403, 302, 403)),
    "frameworks:assessment-schedule": (SECURITY, POST_SECURITY),
    "frameworks:assessment-compare": (EVIDENCE_READERS, NEVER),
    "frameworks:assessment-detail": (EVIDENCE_READERS, NEVER),
    "frameworks:assessment-status": ((ENTER, 403, 403, 302, 302, 302), NEVER),
    "frameworks:assessment-check": (EVIDENCE_READERS, NEVER),
    "frameworks:assessment-framework": (EVIDENCE_READERS, NEVER),
    "frameworks:assessment-control": (EVIDENCE_READERS, NEVER),
    "frameworks:control-attest": (SECURITY, POST_SECURITY),
    "frameworks:attestation-list": (READERS, NEVER),
    "frameworks:attestation-withdraw": (SECURITY, POST_SECURITY),
    "frameworks:attestation-file": (READERS, NEVER),
    "frameworks:evidence-list": (EVIDENCE_READERS, NEVER),
    # Asking and remarking change nothing that is governed, so auditors may.
    "frameworks:evidence-new": (EVIDENCE_READERS, (ENTER, 403, 403, 422, 422, 422)),
    "frameworks:evidence-detail": (ASKERS, NEVER),
    "frameworks:evidence-answer": (SECURITY, POST_SECURITY),
    "frameworks:evidence-accept": (ASKERS, (ENTER, 403, 403, 302, 403, 404)),
    "frameworks:evidence-again": (ASKERS, (ENTER, 403, 403, 422, 422, 404)),
    "frameworks:evidence-withdraw": (ASKERS, (ENTER, 403, 403, 302, 403, 404)),
    "frameworks:report-list": (EVIDENCE_READERS, NEVER),
    "frameworks:report-new": (EVIDENCE_READERS, (ENTER, 403, 403, 422, 422, 422)),
    "frameworks:report-status": ((ENTER, 403, 403, 302, 302, 302), NEVER),
    "frameworks:report-detail": (EVIDENCE_READERS, NEVER),
    # Its file is gone: back to the page, which says so.
    "frameworks:report-download": ((ENTER, 403, 403, 302, 302, 302), NEVER),
    "frameworks:report-delete": (SECURITY, POST_SECURITY),
    "frameworks:comment-new": (POST_ONLY, (ENTER, 403, 403, 400, 400, 400)),
}
ARGUMENTS = {
    "inventory:import-template": ("people",),
    "reviews:check-detail": ("owner-active",),
    "reviews:check-settings": ("owner-active",),
    "frameworks:framework-detail": ("owasp-nhi",),
    "frameworks:control-detail": ("owasp-nhi", "NHI1:2025"),
    "frameworks:control-attest": ("owasp-nhi", "NHI1:2025"),
    "frameworks:framework-versions": ("owasp-nhi",),
    "frameworks:framework-withdraw": ("owasp-nhi",),
    "frameworks:check-controls": ("owner-active",),
}
# Below one assessment.
IN_AN_ASSESSMENT = {
    "frameworks:assessment-check": ("owner-active",),
    "frameworks:assessment-framework": ("owasp-nhi",),
    "frameworks:assessment-control": ("owasp-nhi", "NHI1:2025"),
}
ELSEWHERE = (
    "account_",
    "healthz",
    "readyz",
    "api:",
    "api/",
    "runtime:oauth-",
    "runtime:well-known-",
    "runtime:traces",
    "access/",
    ".well-known/",
)


@pytest.fixture
def world() -> World:
    return build()


def address(name: str, world: World) -> str:
    if name in ARGUMENTS or "<" not in every_url()[name]:
        return reverse(name, args=ARGUMENTS.get(name, ()))
    if name in IN_AN_ASSESSMENT:
        return reverse(name, args=[world.rows["assessment"].pk, *IN_AN_ASSESSMENT[name]])
    if name == "inventory:identity-access-path":
        return reverse(name, args=[world.rows["identity"].pk, world.rows["grant"].entitlement_id])
    if name == "runtime:trace-chain":
        return reverse(name, args=[world.rows["call"].trace_id])
    if name == "runtime:trust-retire":
        return reverse(name, args=["bundle", world.rows["bundle"].pk])
    return reverse(name, args=[world.rows[name.split(":")[-1].split("-")[0]].pk])


def test_every_address_is_in_the_table() -> None:
    unknown = {name for name in every_url() if name not in TABLE and not elsewhere(name)}

    assert not unknown, f"Say in TABLE who may open {sorted(unknown)}."
    assert not set(TABLE) - set(every_url()), "The table names an address that is no more."


def elsewhere(name: str) -> bool:
    """Signing in is tested in test_accounts, health in test_health, the API in tests/api, and machines that bring a
    proof of their own in tests/runtime."""
    return name.startswith(ELSEWHERE)


# A world is built once for many addresses: most of the time would go into building it.
SHARES = 12
NAMES = sorted(TABLE)
in_shares = pytest.mark.parametrize(
    "names", [NAMES[n::SHARES] for n in range(SHARES)], ids=range(SHARES)
)


@in_shares
def test_who_may_open_it(names: list[str], world: World) -> None:
    wrong = []
    for name in names:
        path = address(name, world)
        answers = tuple(world.visitor(who).get(path).status_code for who in VISITORS)
        if answers != TABLE[name][0]:
            wrong.append(f"{name}: {answers}, not {TABLE[name][0]}")

    assert not wrong, "\n".join(wrong)


@in_shares
def test_who_may_post_to_it(names: list[str], world: World) -> None:
    wrong = []
    for name in names:
        path = address(name, world)
        answers = tuple(posted(world, who, path) for who in VISITORS)
        if answers != TABLE[name][1]:
            wrong.append(f"{name}: {answers}, not {TABLE[name][1]}")

    assert not wrong, "\n".join(wrong)


def posted(world: World, who: str, path: str) -> int:
    """The answer to an empty post; what it changed is taken back."""
    with transaction.atomic():
        status: int = world.visitor(who).post(path).status_code
        transaction.set_rollback(True)
    return status


@in_shares
def test_a_stranger_is_led_to_the_sign_in_page_and_back(names: list[str], world: World) -> None:
    for name in names:
        path = address(name, world)
        answer = world.visitor("anonymous").get(path)
        if TABLE[name][0][0] == ENTER:
            assert answer.headers["Location"] == f"{reverse('account_login')}?next={quote(path)}"


@in_shares
def test_to_an_auditor_of_another_team_it_is_not_there(names: list[str], world: World) -> None:
    """No page of a row opens, and no page without one says its name."""
    identity, wrong = world.rows["identity"], []
    Identity.objects.filter(pk=identity.pk).update(name="not-to-be-seen")
    for name in names:
        answer = world.visitor("auditor of another team").get(address(name, world))
        closed = answer.status_code in (403, 404, 405)
        expected = closed if is_about_a_row(name) else answer.status_code == TABLE[name][0][-1]
        told = b"".join(answer) if answer.streaming else answer.content
        if not expected or b"not-to-be-seen" in told:
            wrong.append(f"{name}: {answer.status_code}")

    assert not wrong, "\n".join(wrong)


def is_about_a_row(name: str) -> bool:
    return "<" in every_url()[name] and name not in ARGUMENTS
