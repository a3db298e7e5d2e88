"""The API says what the pages say, to whom the pages say it, and takes what the rules take."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory import api_tokens, tasks
from inventory.models import (
    ApiToken,
    Change,
    Credential,
    Grant,
    Identity,
    ImportRun,
    Person,
    User,
)
from reviews import sweep
from reviews.checks import CHECKS
from reviews.models import Finding, SweepRun
from tests.contracts.world import build
from tests.factories import (
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_source,
    a_user,
    an_entitlement,
    an_identity,
)

pytestmark = pytest.mark.django_db
LISTS = (
    "people", "teams", "identities", "credentials", "grants", "delegations", "tools", "systems",
    "entitlements", "sources", "imports", "findings", "checks", "sweeps",
)  # fmt: skip
ORGANISATION = ("teams", "systems", "entitlements", "sources", "imports", "checks", "sweeps")


def names(answer: Any) -> list[str]:
    return [row["name"] for row in answer.json()["results"]]


def rows_of(answer: Any) -> list[dict[str, Any]]:
    """Checks are few and come without pages."""
    found = answer.json()
    return found if isinstance(found, list) else found["results"]  # type: ignore[no-any-return]


# --- who may enter ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LISTS)
def test_a_stranger_gets_a_problem_and_no_page_to_sign_in(path: str) -> None:
    answer = Client().get(f"/api/v1/{path}/")

    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", LISTS)
def test_security_and_auditors_read_everything(path: str, api: Any) -> None:
    assert api("security").get(f"{path}/").status_code == 200
    assert api("auditor").get(f"{path}/").status_code == 200


@pytest.mark.parametrize("path", ORGANISATION)
def test_owners_do_not_read_what_concerns_the_organisation(path: str, api: Any) -> None:
    assert api("owner").get(f"{path}/").status_code == 403


def test_an_owner_sees_only_what_is_theirs(api: Any) -> None:
    mine, other = a_person(), a_person()
    a_grant(identity=an_identity(name="mine", owner=mine))
    foreign = a_grant(identity=an_identity(name="foreign", owner=other))
    client = api("owner", person=mine)

    assert names(client.get("identities/")) == ["mine"]
    assert [row["identity"]["name"] for row in client.get("grants/").json()["results"]] == ["mine"]
    assert client.get(f"grants/{foreign.pk}/").status_code == 404
    assert client.post(f"grants/{foreign.pk}/revoke/", reason="x").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_at", timezone.now() - timedelta(seconds=1)),
        ("revoked_at", timezone.now() - timedelta(seconds=1)),
    ],
)
def test_a_token_that_has_ended_opens_nothing(field: str, value: Any, api: Any) -> None:
    client = api()
    ApiToken.objects.update(created_at=timezone.now() - timedelta(days=9), **{field: value})

    assert client.get("people/").status_code == 401


def test_a_token_of_somebody_switched_off_opens_nothing(api: Any) -> None:
    client = api()
    client.user.is_active = False
    client.user.save()

    assert client.get("people/").status_code == 401


def test_a_token_for_reading_changes_nothing_whatever_the_role(api: Any) -> None:
    client, grant = api(scopes=["read"]), a_grant()

    answer = client.post(f"grants/{grant.pk}/revoke/", reason="x")

    assert (answer.status_code, Grant.objects.get().revoked_at) == (403, None)


def test_a_token_for_changes_starts_no_import(api: Any) -> None:
    file = SimpleUploadedFile("people.csv", b"email,name\n")

    answer = api(scopes=["read", "write"]).upload("imports/", kind="csv", file=file)

    assert (answer.status_code, ImportRun.objects.count()) == (403, 0)


def test_an_auditor_changes_nothing(api: Any) -> None:
    grant = a_grant()
    user = api("auditor").user
    now = timezone.now()
    forged = ApiToken.objects.create(
        user=user, name="x", hint="x", digest=ApiToken.digest_of("forged"),
        scopes=["read", "write", "import"], created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    client = Client(headers={"Authorization": "Bearer forged"})

    answer = client.post(
        f"/api/v1/grants/{grant.pk}/revoke/", {"reason": "x"}, content_type="application/json"
    )

    assert (answer.status_code, Grant.objects.get().revoked_at) == (403, None)
    assert forged.user == user


def test_a_browser_session_needs_the_form_token_to_change_something() -> None:
    grant, client = a_grant(), Client(enforce_csrf_checks=True)
    client.force_login(a_user())

    read = client.get("/api/v1/grants/")
    changed = client.post(f"/api/v1/grants/{grant.pk}/revoke/", {"reason": "x"})

    assert (read.status_code, changed.status_code) == (200, 403)


def test_the_use_of_a_token_is_noted(api: Any) -> None:
    api().get("people/")

    assert ApiToken.objects.get().last_used_at is not None


# --- reading ------------------------------------------------------------------------------------


def test_pages_show_every_row_once_in_order(api: Any) -> None:
    for number in range(7):
        an_identity(name=f"bot-{number % 3}")
    client, found, query = api(), [], {"page_size": 2}

    answer = client.get("identities/", **query).json()
    while True:
        found += [(row["name"], row["id"]) for row in answer["results"]]
        if not answer["next"]:
            break
        answer = client._client.get(answer["next"]).json()

    assert found == sorted(found)
    assert len(set(found)) == 7 == Identity.objects.count()


def test_a_list_in_another_order_and_back_one_page(api: Any) -> None:
    for number in range(4):
        an_identity(name=f"bot-{number}")
    client = api()

    first = client.get("identities/", ordering="-name", page_size=2).json()
    second = client._client.get(first["next"]).json()
    back = client._client.get(second["previous"]).json()

    assert [row["name"] for row in second["results"]] == ["bot-1", "bot-0"]
    assert back["results"] == first["results"]


@pytest.mark.parametrize(
    "query",
    [
        {"owner": "x"}, {"colour": "red"}, {"kind": "robot"}, {"page_size": "0"},
        {"page_size": "9999"}, {"ordering": "secret"}, {"cursor": "made-up"}, {"sort": "name"},
    ],
)  # fmt: skip
def test_nothing_in_the_address_is_ignored(query: dict[str, str], api: Any) -> None:
    answer = api().get("identities/", **query)

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "page", "query"),
    [
        ("identities/", "inventory:identity-list", {"ownership": "orphaned"}),
        ("identities/", "inventory:identity-list", {"kind": "role", "q": "bot"}),
        ("credentials/", "inventory:credential-list", {"state": "endless"}),
        ("grants/", "inventory:grant-list", {"state": "standing"}),
        ("people/", "inventory:person-list", {"owns": "yes"}),
        ("findings/", "reviews:finding-list", {"state": "open", "severity": "3"}),
        ("delegations/", "inventory:delegation-list", {"state": "endless"}),
        ("sources/", "inventory:source-list", {"q": "payroll"}),
    ],
)
def test_a_filter_shows_what_its_page_shows(
    path: str, page: str, query: dict[str, str], api: Any
) -> None:
    for kind in ("role", "assistant"):
        identity = an_identity(name=f"bot-{kind}", kind=kind, owner=None)
        a_grant(identity=identity)
        a_credential(identity=identity, expiry_known=True)
    ending = timezone.now() + timedelta(days=200)
    a_grant(expires_at=ending)
    a_credential(expires_at=ending, expiry_known=True)
    a_delegation()
    a_delegation(expires_at=ending)
    a_source(label="payroll")
    sweep.run(timezone.now(), by="test")
    client = api()
    browser = Client()
    browser.force_login(client.user)

    by_api = client.get(path, **query).json()
    on_page = browser.get(reverse(page), query).context["list"]

    assert by_api["count"] == on_page.count.number
    assert 0 < by_api["count"] < client.get(path).json()["count"] or path == "people/"


def test_one_identity_has_successors_and_tools(api: Any) -> None:
    identity = an_identity()

    found = api().get(f"identities/{identity.pk}/").json()

    assert (found["name"], found["successors"], found["tools"]) == (identity.name, [], [])
    assert found["owner"]["email"] == identity.owner.email


def test_an_entitlement_shows_its_patterns_and_its_system(api: Any) -> None:
    entitlement = an_entitlement(name="s3:*", actions=["s3:*"], resources=["*"], wildcard=True)
    an_entitlement(name="read")
    client = api()

    listed = client.get("entitlements/", wildcard="true").json()["results"]
    one = client.get(f"entitlements/{entitlement.pk}/").json()
    system = client.get(f"systems/{entitlement.system_id}/").json()

    assert [row["name"] for row in listed] == ["s3:*"]
    assert (one["actions"], one["resources"], one["system"]["id"]) == (
        ["s3:*"],
        ["*"],
        system["id"],
    )


def test_no_answer_holds_a_secret_or_what_it_is_kept_as(api: Any) -> None:
    client, world = api(), build()
    token, user = ApiToken.objects.first(), User.objects.get(pk=client.user.pk)
    assert token is not None

    answers = "".join(
        client.get(f"{path}/").content.decode()
        + "".join(
            client.get(f"{path}/{row['id']}/").content.decode()
            for row in rows_of(client.get(f"{path}/"))
        )
        for path in LISTS
    )

    assert world.rows["identity"].name in answers
    for kept in (token.digest, token.hint, user.password, '"password"', "stored_as"):
        assert kept not in answers


# --- changing -----------------------------------------------------------------------------------


def test_an_owner_ends_a_grant_and_the_history_names_them(api: Any) -> None:
    person = a_person()
    grant = a_grant(identity=an_identity(owner=person))
    client = api("owner", person=person)

    answer = client.post(f"grants/{grant.pk}/revoke/", reason="Not needed any more")

    assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    change = Change.objects.of(grant)[0]
    assert (change.user, change.reason) == (client.user, "Not needed any more")


def test_a_rule_that_refuses_is_unprocessable_and_says_why(api: Any) -> None:
    grant = a_grant()

    answer = api().post(f"grants/{grant.pk}/end/", until="2020-01-01T00:00:00Z", reason="x")

    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert "2020-01-01 is past" in answer.json()["detail"]


def test_a_field_that_is_missing_or_wrong_is_named(api: Any) -> None:
    identity, client = an_identity(), api()

    missing = client.post(f"identities/{identity.pk}/suspend/").json()
    nobody = client.post(f"identities/{identity.pk}/assign-owner/", owner="no@example.org").json()

    assert [one["field"] for one in missing["errors"]] == ["reason"]
    assert [one["field"] for one in nobody["errors"]] == ["owner"]


def test_an_identity_goes_through_its_life(api: Any) -> None:
    identity, heir, client = an_identity(), a_person(), api()
    path = f"identities/{identity.pk}"

    client.post(f"{path}/assign-owner/", owner=heir.email)
    client.post(f"{path}/successors/", people=[a_person().email])
    client.post(f"{path}/describe/", purpose="Pays invoices", risk="high")
    client.post(f"{path}/suspend/", reason="Leak")
    suspended = client.get(f"{path}/").json()
    client.post(f"{path}/activate/")
    client.post(f"{path}/retire/", reason="Replaced")

    assert suspended["lifecycle"] == "suspended"
    assert (suspended["purpose"], suspended["risk"]) == ("Pays invoices", "high")
    assert (suspended["owner"]["email"], len(suspended["successors"])) == (heir.email, 1)
    assert Identity.objects.get().lifecycle == "retired"


def test_a_credential_is_revoked(api: Any) -> None:
    credential = a_credential()

    api().post(f"credentials/{credential.pk}/revoke/", reason="Leaked")

    assert Credential.objects.get().revoked_at is not None


def test_a_person_leaves_and_hands_over(api: Any) -> None:
    person, heir, client = a_person(), a_person(), api()
    an_identity(owner=person)

    moved = client.post(f"people/{person.pk}/hand-over/", to=heir.email).json()
    left = client.post(f"people/{person.pk}/left/", reason="Gone").json()

    assert (moved, left["status"]) == ({"moved": 1}, "left")
    assert Identity.objects.get().owner == heir
    assert Person.objects.get(pk=person.pk).left_at is not None


def test_a_finding_is_accepted_and_reopened(api: Any) -> None:
    an_identity(owner=None)
    sweep.run(timezone.now(), by="test", checks=["owner-active"])
    finding, client = Finding.objects.get(), api()
    until = (timezone.now() + timedelta(days=5)).isoformat()

    accepted = client.post(f"findings/{finding.pk}/accept/", reason="Pilot", until=until).json()
    assigned = client.post(f"findings/{finding.pk}/assign/", to=client.user.username).json()
    reopened = client.post(f"findings/{finding.pk}/reopen/", reason="Over").json()

    assert (accepted["state"], reopened["state"]) == ("accepted", "open")
    assert assigned["assignee"]["username"] == client.user.username
    assert accepted["title"] == "No accountable owner"


def test_a_sweep_is_asked_for_and_read(api: Any) -> None:
    client = api()

    asked = client.post("sweeps/")
    sweep.run(timezone.now(), by="test", asked=SweepRun.objects.get())
    done = client.get(f"sweeps/{asked.json()['id']}/").json()

    assert (asked.status_code, asked.json()["status"], done["status"]) == (202, "queued", "done")
    assert len(done["check_runs"]) == len(CHECKS)
    checks = {row["id"]: row for row in client.get("checks/").json()}
    assert checks["owner-active"]["last_run"]["population"] == 0
    assert client.get("checks/owner-active/").json() == checks["owner-active"]
    assert client.get("checks/nonsense/").status_code == 404


# --- imports ------------------------------------------------------------------------------------


def people_csv(*rows: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("people.csv", "\n".join(["email,name", *rows]).encode())


def test_files_are_imported_by_a_worker(api: Any) -> None:
    client = api()

    asked = client.upload(
        "imports/", kind="csv", file=people_csv("a@example.org,Ada", "broken,Ben")
    )
    tasks.read_upload(asked.json()["id"], write=True)
    run = client.get(f"imports/{asked.json()['id']}/").json()

    assert (asked.status_code, asked.json()["status"]) == (202, "queued")
    assert (run["status"], run["counts"]["person"]["new"], run["rejected_count"]) == (
        "applied",
        1,
        1,
    )
    assert run["rejected"][0]["field"] == "email"
    assert Person.objects.get().name == "Ada"


def test_a_preview_changes_nothing_until_it_is_applied(api: Any) -> None:
    client = api()
    asked = client.upload(
        "imports/", kind="csv", file=people_csv("a@example.org,Ada"), preview="true"
    ).json()
    tasks.read_upload(asked["id"], write=False)
    previewed = client.get(f"imports/{asked['id']}/").json()
    before = Person.objects.count()

    applied = client.post(f"imports/{asked['id']}/apply/")
    tasks.read_upload(asked["id"], write=True)
    again = client.post(f"imports/{asked['id']}/apply/")

    assert (previewed["status"], previewed["counts"]["person"]["new"], before) == (
        "previewed",
        1,
        0,
    )
    assert (applied.status_code, again.status_code) == (202, 422)
    assert Person.objects.get().name == "Ada"


def test_a_preview_that_was_discarded_cannot_be_applied(api: Any) -> None:
    client = api()
    asked = client.upload(
        "imports/", kind="csv", file=people_csv("a@example.org,A"), preview="true"
    )
    tasks.read_upload(asked.json()["id"], write=False)

    discarded = client.post(f"imports/{asked.json()['id']}/discard/").json()

    assert discarded["status"] == "discarded"
    assert client.post(f"imports/{asked.json()['id']}/apply/").status_code == 422


def test_a_kind_that_does_not_exist_and_a_missing_file_are_named(api: Any) -> None:
    client = api()

    wrong = client.upload("imports/", kind="excel", file=people_csv())
    none = client.upload("imports/", kind="csv")

    assert [one["field"] for one in wrong.json()["errors"]] == ["kind"]
    assert [one["field"] for one in none.json()["errors"]] == ["file"]


def test_files_go_to_the_source_that_was_named(api: Any) -> None:
    run = api().upload("imports/", kind="csv", file=people_csv(), source="payroll", partial="true")

    assert (run.json()["source"], run.json()["partial"]) == ("payroll", True)


def test_a_source_of_another_kind_is_refused(api: Any) -> None:
    a_source(key="hr", kind="json")

    answer = api().upload("imports/", kind="csv", file=people_csv(), source="hr")

    assert (answer.status_code, ImportRun.objects.count()) == (422, 0)


# --- the document -------------------------------------------------------------------------------


def test_an_address_that_is_none_answers_with_a_problem() -> None:
    answer = Client().get("/api/v2/people/")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_the_openapi_document_is_complete(tmp_path: Any) -> None:
    call_command(
        "spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yml")
    )

    text = (tmp_path / "schema.yml").read_text()
    assert all(f"/api/v1/{path}/" in text for path in LISTS)


def test_the_reference_page_runs_no_script_of_its_own(api: Any) -> None:
    client = Client()
    client.force_login(api().user)

    page = client.get("/api/v1/docs/")

    text, policy = page.content.decode(), page.headers["Content-Security-Policy"]
    assert page.status_code == 200
    assert "<script>" not in text and "<style" not in text
    assert "script-src 'self'; style-src 'self'; img-src 'self' data:;" in policy


def test_each_operation_says_what_it_does_and_what_its_parameters_mean(api: Any) -> None:
    document = api()._client.get("/api/v1/schema/", headers={"Accept": "application/json"}).json()
    operations = {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }

    silent = [name for name, operation in operations.items() if not operation.get("summary")]
    unexplained = [
        (name, parameter["name"])
        for name, operation in operations.items()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    unprepared = [
        name
        for name, operation in operations.items()
        if not {"400", "401", "403", "406"} <= set(operation["responses"])
    ]

    assert document["openapi"].startswith("3.1")
    assert (silent, unexplained, unprepared) == ([], [], [])


# --- tokens -------------------------------------------------------------------------------------


def test_an_auditor_makes_no_token_for_changes() -> None:
    user, now = a_user("auditor"), timezone.now()

    with pytest.raises(Exception, match="can be for: read"):
        api_tokens.create(
            user, name="x", scopes=["write"], until=now + timedelta(days=1), by=user, at=now
        )
