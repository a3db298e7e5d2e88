"""The pages of policies, through the browser's door: from nothing to live, and back."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Change
from runtime.models import Decision, PolicySet, PolicySetVersion, PolicyTest
from runtime.starter_policies import STARTER_TESTS
from tests.factories import a_grant, a_person, a_resource, a_user, an_entitlement, an_identity
from tests.runtime.factories import PERMIT_ALL, a_policy_set, a_version

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "policy-check"}
READS = {
    "subject": {"type": "identity", "id": "1"},
    "action": {"name": "read"},
    "resource": {"type": "resource", "id": "1"},
}
WRONG = '@id("a") permit (principal, action, resource);\n@id("b")\nforbid (principal, action resource);\n'


@pytest.fixture
def security() -> Client:
    client = Client()
    client.force_login(a_user("security"))
    return client


def at(name: str, *keys: object) -> str:
    return reverse(f"runtime:{name}", args=keys)


def post(client: Client, page: str, *keys: object, **data: Any) -> Any:  # Any: an answer
    return client.post(at(page, *keys), data)


def test_from_nothing_the_starter_policies_go_live_with_all_their_tests(security: Client) -> None:
    assert "New policy set" in security.get(at("policy-list")).content.decode()

    post(security, "policyset-new", name="inventory", domain="inventory", purpose="Agents")

    draft = PolicySetVersion.objects.get()
    page = security.get(at("policy-version", draft.pk)).content.decode()
    assert f"{len(STARTER_TESTS)} of {len(STARTER_TESTS)} pass" in page
    asked = security.get(at("policy-activate", draft.pk)).content.decode()
    assert f"All {len(STARTER_TESTS)} pass." in asked
    assert "Nothing of this set is live yet." in asked
    answer = post(security, "policy-activate", draft.pk, reason="We begin.")
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert draft.is_live
    assert Change.objects.filter(verb="policy_version.activated", reason="We begin.").exists()


def test_a_check_says_the_line_and_saves_nothing(security: Client) -> None:
    draft = a_version(state="draft")
    typed = {"text": WRONG, "note": "Mine", "act": "check"}

    part = security.post(at("policy-edit", draft.pk), typed, headers=HTMX)
    whole = security.post(at("policy-edit", draft.pk), typed)

    assert 'data-line="3"' in part.content.decode()
    assert "<html" not in part.content.decode()
    assert "forbid (principal, action resource);" in whole.content.decode()
    assert "Mine</textarea>" in whole.content.decode()
    draft.refresh_from_db()
    assert draft.text == PERMIT_ALL


def test_an_unfinished_draft_is_kept_and_cannot_go_live(security: Client) -> None:
    draft = a_version(state="draft")

    saved = post(security, "policy-edit", draft.pk, text=WRONG, note="Half done", act="save")
    refused = post(security, "policy-activate", draft.pk, reason="Try.")

    assert saved.status_code == 302
    draft.refresh_from_db()
    assert (draft.text, draft.state) == (WRONG, "draft")
    assert refused.status_code == 422
    assert "Line 3" in refused.content.decode()


def test_windows_line_ends_do_not_make_a_difference(security: Client) -> None:
    live = a_version()
    post(security, "policy-copy", live.pk)
    draft = PolicySetVersion.objects.get(state="draft")

    post(security, "policy-edit", draft.pk, text=PERMIT_ALL.replace("\n", "\r\n"), act="save")

    assert "No line differs." in security.get(at("policy-version", draft.pk)).content.decode()


def test_a_failing_test_stands_in_the_way_until_it_passes(security: Client) -> None:
    draft = a_version(state="draft")
    request = json.dumps(READS)

    post(
        security,
        "policy-add-test",
        draft.pk,
        name="Nobody reads",
        request=request,
        permitted="deny",
    )
    refused = post(security, "policy-activate", draft.pk, reason="Try.")

    assert refused.status_code == 422
    assert "Nobody reads" in refused.content.decode()
    test = PolicyTest.objects.get()
    post(security, "policytest-edit", test.pk, name="All read", request=request, permitted="permit")
    assert list(PolicyTest.objects.values_list("name", "permitted")) == [("All read", True)]
    assert post(security, "policy-activate", draft.pk, reason="Now.").status_code == 302


def test_a_test_that_is_no_json_is_refused_and_one_can_be_removed(security: Client) -> None:
    draft = a_version(state="draft")

    wrong = post(security, "policy-add-test", draft.pk, name="x", request="{", permitted="deny")

    assert wrong.status_code == 422
    assert "This is not JSON" in wrong.content.decode()
    test = PolicyTest.objects.create(version=draft, name="t", request={}, permitted=True)
    post(security, "policytest-remove", test.pk)
    assert not PolicyTest.objects.exists()


def test_going_live_shows_the_difference_and_can_be_taken_back(security: Client) -> None:
    old = a_version(note="First")
    new = a_version('@id("none") forbid (principal, action, resource);', state="draft", base=old)

    asked = security.get(at("policy-activate", new.pk)).content.decode()
    post(security, "policy-activate", new.pk, reason="Stop all.")
    back = security.get(at("policy-roll-back", old.pk)).content.decode()
    post(security, "policy-roll-back", old.pk, reason="Too much.")

    assert "Difference to the live version 1" in asked
    assert 'class="added"' in asked
    assert "Roll back" in back
    states = dict(PolicySetVersion.objects.values_list("number", "state"))
    assert states == {1: "live", 2: "retired"}


def test_what_was_live_is_not_edited_nor_discarded(security: Client) -> None:
    live = a_version()

    for name in ("policy-edit", "policy-discard", "policy-activate"):
        assert security.get(at(name, live.pk)).status_code == 404
    draft = a_version(state="draft")
    post(security, "policy-discard", draft.pk)
    assert PolicySetVersion.objects.get() == live


def test_where_a_set_only_watches_is_asked_and_kept_with_its_reason(security: Client) -> None:
    chosen = a_policy_set()
    modes = dict.fromkeys(("production", "staging", "development", "sandbox"), "enforced")

    assert post(security, "policyset-modes", chosen.pk, **modes).status_code == 422
    post(
        security,
        "policyset-modes",
        chosen.pk,
        **{**modes, "sandbox": "monitor"},
        reason="Look first.",
    )

    assert PolicySet.objects.get().monitored == ["sandbox"]
    assert "Monitor only in sandbox" in security.get(at("policy-list")).content.decode()


def a_held_dataset() -> tuple[str, str]:
    """Keys of an identity and of what it may read."""
    resource = a_resource(name="bookings")
    identity = an_identity(name="finder", owner=a_person(), declared_tier=1)
    entitlement = an_entitlement(system=resource.system, resource=resource, name="read")
    a_grant(identity=identity, entitlement=entitlement)
    return str(identity.pk), str(resource.pk)


def test_a_trial_says_why_and_which_policy_and_is_not_recorded(security: Client) -> None:
    a_version()
    draft = a_version(
        '@id("shut") @title("Nothing") forbid (principal, action, resource);', state="draft"
    )
    subject, resource = a_held_dataset()
    asked = {
        "subject": subject,
        "action": "read",
        "resource_type": "resource",
        "resource": resource,
    }

    live = security.get(at("policy-try"), asked).content.decode()
    tried = security.get(at("policy-try"), {**asked, "version": draft.pk}).content.decode()
    beyond = security.get(at("policy-try"), {**asked, "action": "write"}).content.decode()

    assert "Permitted" in live
    assert "By what is live now." in live
    assert "Denied" in tried
    assert "<code>shut</code>" in tried
    assert "Request the access" in beyond
    assert not Decision.objects.exists()


def test_a_trial_that_names_too_little_says_what_is_missing(security: Client) -> None:
    answer = security.get(at("policy-try"), {"subject": "1"})

    assert answer.status_code == 422
    assert "This field is required." in answer.content.decode()
