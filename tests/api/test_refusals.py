"""What the API refuses, and that each refusal is a problem document with a sentence."""

import json
from typing import Any

import pytest
from django.test import Client

from inventory import grants
from inventory.models import ApiToken, Grant, Identity, ImportRun
from reviews.models import SweepRun
from tests.contracts.world import build
from tests.factories import a_grant, a_person, an_identity

pytestmark = pytest.mark.django_db


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    )
    document: dict[str, Any] = json.loads(answer.content)
    assert document["status"] == status
    assert document["type"] == "about:blank"
    assert document["title"] and document["detail"]
    return document


# --- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("assign-owner", '{"owner": "a\\u0000b"}', "owner"),
        ("assign-owner", '{"owner": "\\ud800"}', "owner"),
        ("assign-owner", '{"owner": {"email": "x"}}', "owner"),
        ("assign-owner", '{"owner": ""}', "owner"),
        ("assign-owner", '{"owner": "nobody@example.org"}', "owner"),
        ("successors", '{"people": "ada@example.org"}', "people"),
        ("describe", '{"purpos": "a typing error"}', "purpos"),
        ("describe", '{"purpose": "\\ud800"}', "purpose"),
        ("describe", '{"declared_tier": 1e400}', "declared_tier"),
        ("suspend", '{"reason": " "}', "reason"),
        ("suspend", "[]", "non_field_errors"),
    ],
)
def test_a_bad_field_is_named(act: str, body: str, field: str, api: Any) -> None:
    identity, before = an_identity(), Identity.objects.values().get()

    answer = api()._client.post(
        f"/api/v1/identities/{identity.pk}/{act}/", body, content_type="application/json"
    )

    document = assert_problem(answer, 400)
    assert field in [one["field"].split("[")[0] for one in document["errors"]]
    assert Identity.objects.values().get() == before


@pytest.mark.parametrize("body", ["[" * 100_000, '{"reason": NaN}', "{", "\\", '{"reason": "\xff'])
def test_a_body_that_is_no_json_is_the_callers_error(body: str, api: Any) -> None:
    grant = a_grant()

    answer = api()._client.generic(
        "POST", f"/api/v1/grants/{grant.pk}/revoke/", body.encode("latin-1"), "application/json"
    )

    assert_problem(answer, 400)
    assert Grant.objects.get().revoked_at is None


def test_a_body_that_is_too_large_is_not_read(api: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
    identity = an_identity()

    answer = api().post(f"identities/{identity.pk}/describe/", purpose="x" * 2**20)

    assert "1 MB" in assert_problem(answer, 413)["detail"]


def test_an_upload_that_is_too_large_is_refused_before_it_is_written(
    api: Any, settings: Any
) -> None:
    settings.IMPORT_MAX_BYTES = 2**20
    client = api()

    answer = client._client.generic(
        "POST", "/api/v1/imports/", b"", "multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(2**30),
    )  # fmt: skip

    assert_problem(answer, 413)
    assert not ImportRun.objects.exists()


def test_an_upload_of_a_thousand_fields_is_the_callers_error(api: Any) -> None:
    answer = api().upload("imports/", **{f"field{number}": "x" for number in range(1_500)})

    detail = assert_problem(answer, 400)["detail"]
    assert "DATA_UPLOAD" not in detail


def test_a_form_is_not_taken_where_json_is(api: Any) -> None:
    grant = a_grant()

    answer = api().upload(f"grants/{grant.pk}/revoke/", reason="x")

    assert_problem(answer, 415)


@pytest.mark.parametrize("path", ["sweeps/", "imports/{}/apply/", "imports/{}/discard/"])
def test_an_act_without_fields_takes_none(path: str, api: Any) -> None:
    world, sweeps = build(), SweepRun.objects.count()

    answer = api().post(path.format(world.rows["import"].pk), check="owner-active")

    assert assert_problem(answer, 400)["errors"][0]["field"] == "check"
    assert SweepRun.objects.count() == sweeps


def test_a_person_is_found_however_the_address_is_written(api: Any) -> None:
    identity, person = an_identity(), a_person(email="Ada@Example.org")

    answer = api().post(f"identities/{identity.pk}/assign-owner/", owner="ADA@example.ORG")

    assert answer.json()["owner"]["id"] == person.pk


# --- addresses and methods ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["identities", "nothing/", "identities/x/", "identities/1/nothing/", "", "../v9/people/"],
)
def test_no_such_address(path: str, api: Any) -> None:
    assert_problem(api().get(path), 404)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_rows_are_never_replaced_or_removed(method: str, api: Any) -> None:
    identity = an_identity()

    answer = getattr(api()._client, method)(f"/api/v1/identities/{identity.pk}/")

    assert_problem(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert Identity.objects.filter(pk=identity.pk).exists()


@pytest.mark.parametrize("path", ["identities/", "schema/", "docs/"])
def test_another_format_than_the_one_served(path: str, api: Any) -> None:
    answer = api()._client.get(f"/api/v1/{path}", headers={"Accept": "image/png"})

    assert_problem(answer, 406)


@pytest.mark.parametrize("path", ["schema/", "docs/", "docs/?script="])
def test_a_stranger_gets_no_document_either(path: str) -> None:
    assert_problem(Client().get(f"/api/v1/{path}"), 401)


@pytest.mark.parametrize("sent", ["Bearer", "Bearer  ", "Bearer mdt_x y", "bearer é", "Basic YQ=="])
def test_a_header_that_is_no_token_opens_nothing(sent: str) -> None:
    answer = Client().get("/api/v1/people/", headers={"Authorization": sent})

    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_token_is_refused_even_beside_a_session(api: Any) -> None:
    client = Client(headers={"Authorization": "Bearer mdt_wrong"})
    client.force_login(api().user)

    assert_problem(client.get("/api/v1/people/"), 401)


# --- roles and scopes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "auditor", "owner"),
    [
        ("identities/{identity}/assign-owner/", 403, 400),
        ("identities/{identity}/successors/", 403, 400),
        ("identities/{identity}/suspend/", 403, 400),
        ("identities/{identity}/stop/", 403, 400),
        ("identities/{identity}/drill/", 403, 400),
        ("identities/{identity}/flag/", 403, 400),
        ("identities/{identity}/clear-flag/", 403, 403),
        ("credentials/{credential}/flag/", 403, 400),
        ("credentials/{credential}/clear-flag/", 403, 403),
        ("credentials/{credential}/confirm-revocation/", 403, 403),
        ("grants/{grant}/confirm-revocation/", 403, 403),
        ("delegations/{delegation}/confirm-revocation/", 403, 403),
        ("delegations/{delegation}/revoke/", 403, 400),
        ("identities/{identity}/retire/", 403, 403),
        ("identities/{identity}/activate/", 403, 403),
        ("identities/{identity}/describe/", 403, 200),
        ("credentials/{credential}/revoke/", 403, 400),
        ("grants/{grant}/revoke/", 403, 400),
        ("grants/{grant}/expire/", 403, 200),
        ("grants/{grant}/end/", 403, 400),
        ("people/{person}/last-day/", 403, 403),
        ("people/{person}/left/", 403, 403),
        ("people/{person}/hand-over/", 403, 403),
        ("findings/{finding}/accept/", 403, 403),
        ("findings/{finding}/snooze/", 403, 403),
        ("findings/{finding}/false-positive/", 403, 403),
        ("findings/{finding}/assign/", 403, 403),
        ("findings/{finding}/reopen/", 403, 403),
        ("imports/", 403, 403),
        ("imports/{import}/apply/", 403, 403),
        ("imports/{import}/discard/", 403, 403),
        ("sweeps/", 403, 403),
    ],
)
def test_who_may_not_change_hears_that_before_what_is_missing(
    path: str, auditor: int, owner: int
) -> None:
    """An empty body by a session, as in the table of the pages: 400 is "you may, but say what"."""
    world = build()
    where = "/api/v1/" + path.format(
        **{name: getattr(row, "pk", "") for name, row in world.rows.items()}
    )

    answers = {
        who: world.visitor(who).post(where, "{}", content_type="application/json").status_code
        if path != "imports/"
        else world.visitor(who).post(where).status_code
        for who in ("anonymous", "outsider", "auditor", "owner")
    }

    hidden = 403 if path.startswith(("imports", "sweeps")) else 404
    assert answers == {"anonymous": 401, "outsider": hidden, "auditor": auditor, "owner": owner}


@pytest.mark.parametrize(
    ("scopes", "read", "write", "load"),
    [
        (["read"], 200, 403, 403),
        (["write"], 403, 200, 403),
        (["import"], 403, 403, 400),
        (["read", "write"], 200, 200, 403),
        (["read", "write", "import"], 200, 200, 400),
    ],
)
def test_a_token_is_good_for_its_scopes_only(
    scopes: list[str], read: int, write: int, load: int, api: Any
) -> None:
    grant, client = a_grant(), api(scopes=scopes)

    answers = (
        client.get("grants/"),
        client.post(f"grants/{grant.pk}/revoke/", reason="x"),
        client.upload("imports/"),
    )

    assert tuple(answer.status_code for answer in answers) == (read, write, load)
    lacking = [answer.json()["detail"] for answer in answers if answer.status_code == 403]
    assert all("scope" in detail for detail in lacking)


def test_the_use_of_a_token_is_noted_once_a_minute(api: Any) -> None:
    client = api()
    client.get("teams/")
    first = ApiToken.objects.get().last_used_at

    client.get("teams/")

    assert ApiToken.objects.get().last_used_at == first


# --- our own errors -----------------------------------------------------------------------------


def test_an_error_of_ours_is_logged_and_tells_nothing(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **fields: object) -> None:
        raise LookupError("/srv/secret/path")

    monkeypatch.setattr(grants, "revoke", broken)
    grant, client = a_grant(), api()
    client._client.raise_request_exception = False

    answer = client.post(f"grants/{grant.pk}/revoke/", reason="x")

    assert "secret" not in json.dumps(assert_problem(answer, 500))
    with pytest.raises(LookupError):  # whoever listens for errors hears of it
        client._client.raise_request_exception = True
        client.post(f"grants/{grant.pk}/revoke/", reason="x")
