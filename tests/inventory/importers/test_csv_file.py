"""Mandate's own CSV: good rows pass, bad ones are named by line and column, secrets never pass."""

import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.csv_file import CsvFiles
from inventory.importers.records import (
    CredentialRow,
    DelegationRow,
    EntitlementRow,
    GrantRow,
    IdentityRow,
    PersonRow,
    Rejected,
    ResourceRow,
    Row,
    Said,
    SystemRow,
    Tally,
    TeamRow,
    ToolBindingRow,
    ToolRow,
)

TOKEN = "ghp_" + "a1B2" * 9


def read(*contents: str | bytes, name: str = "export.csv") -> list[Said]:
    files = [
        SourceFile(name, io.BytesIO(each.encode() if isinstance(each, str) else each))
        for each in contents
    ]
    return list(CsvFiles().rows(files))


def of(kind: type, said: list[Said]) -> list[Any]:
    return [each for each in said if isinstance(each, kind)]


def only(kind: type, *contents: str) -> Any:
    said = read(*contents)
    assert not of(Rejected, said)
    (row,) = of(kind, said)
    return row


def refusals(*contents: str) -> list[tuple[str, str]]:
    return [(each.place, each.field) for each in of(Rejected, read(*contents))]


def test_a_person_is_known_by_the_address_in_lower_case() -> None:
    row = only(PersonRow, "email,name,leaves\nNora@Example.org,Nora Lind,2026-12-31\n")

    assert row.external_id == row.email == "nora@example.org"
    assert row.leaves_at == datetime(2026, 12, 31, tzinfo=UTC)
    assert row.status is None


def test_a_person_with_a_leaving_time_has_left() -> None:
    assert only(PersonRow, "email,name,left\na@b.org,A,2026-01-31").status == "left"
    assert refusals("email,name,status,left\na@b.org,A,active,2026-01-31") == [
        ("export.csv line 2", "left")
    ]


def test_an_identity_takes_its_key_from_its_id_else_from_its_name() -> None:
    with_id, without = of(IdentityRow, read("id,name,kind\nx-1,web,role\n,web,role\n"))

    assert (with_id.external_id, without.external_id) == ("x-1", "web")


def test_an_identity_says_all_that_its_row_says() -> None:
    row = only(
        IdentityRow,
        "name,kind,environment,successors,tier,third_party,enabled,last_active,last_signed_in,model\n"
        "web,Batch job,PRODUCTION,a@b.org; c@d.org,3,yes,no,2026-03-02T10:00:00+02:00,never,m-1\n",
    )

    assert row.kind == "batch_job"
    assert row.environment == "production"
    assert row.successor_emails == ("a@b.org", "c@d.org")
    assert row.declared_tier == 3
    assert row.third_party is True
    assert row.source_state == "disabled"
    assert row.last_active_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert row.activity_known
    assert row.interactive_at is None
    assert row.interactive_known
    assert row.attributes == {"model": "m-1"}


def test_an_empty_cell_says_nothing() -> None:
    row = only(IdentityRow, "name,kind,enabled,last_active,third_party,risk\nweb,role,,,,\n")

    assert row.source_state == "unknown"
    assert not row.activity_known
    assert row.third_party is None
    assert row.risk is None


def test_a_credential_tells_never_from_not_said() -> None:
    said, never = of(
        CredentialRow,
        read(
            "identity,kind,key_id,bound_to,expires,last_used\n"
            "web,api_key,k1,,,\n"
            "web,api_key,k2,none,never,never\n"
        ),
    )

    assert (said.external_id, never.external_id) == ("web/k1", "web/k2")
    assert (said.binding_known, said.expiry_known, said.use_known) == (False, False, False)
    assert never.binding_known
    assert never.expiry_known
    assert never.use_known
    assert (never.bound_to, never.expires_at, never.last_used_at) == ("", None, None)


def test_a_grant_brings_its_system_resource_and_entitlement() -> None:
    said = read(
        "identity,system,resource,sensitivity,action,risk,writes\n"
        "web,Ledger,invoices,confidential,read,medium,no\n"
        "api,Ledger,invoices,,read,,\n"
        "api,Ledger,,,*,high,yes\n"
    )

    assert [each.external_id for each in of(GrantRow, said)] == [
        "web|Ledger|invoices|read",
        "api|Ledger|invoices|read",
        "api|Ledger||*",
    ]
    assert [each.name for each in of(SystemRow, said)] == ["Ledger"]
    (resource,) = of(ResourceRow, said)
    assert (resource.external_id, resource.sensitivity) == ("Ledger|invoices", "confidential")
    reads, everything = of(EntitlementRow, said)
    assert reads.external_id == of(GrantRow, said)[1].entitlement
    assert (reads.risk, reads.writes, reads.resource) == ("medium", False, "Ledger|invoices")
    assert everything.admin
    assert everything.wildcard
    assert not reads.admin


def test_grants_that_contradict_each_other_about_an_action_are_refused() -> None:
    (refused,) = of(
        Rejected,
        read("identity,system,action,risk\nweb,Ledger,read,low\napi,Ledger,read,high\n"),
    )

    assert (refused.place, refused.field) == ("export.csv line 3", "risk")
    assert "export.csv line 2" in refused.reason


def test_keys_of_different_parts_never_meet() -> None:
    said = read("identity,system,action\na|b,c,read\na,b|c,read\n")

    assert len({each.external_id for each in of(GrantRow, said)}) == 2


def test_a_delegation_comes_from_a_person_or_from_an_identity() -> None:
    person, identity, account = of(
        DelegationRow,
        read(
            "delegator,delegator_is,delegate,how,scope\n"
            "Nora@example.org,,web,on_behalf_of,Ledger|invoices|read\n"
            "broker,,web,orchestrate,\n"
            "job@project.iam.example.org,identity,web,impersonate,\n"
        ),
    )

    assert (person.delegator_email, person.delegator_identity) == ("nora@example.org", None)
    assert person.scope_entitlements == ("Ledger|invoices|read",)
    assert (identity.delegator_email, identity.delegator_identity) == (None, "broker")
    assert account.delegator_identity == "job@project.iam.example.org"


def test_a_tool_brings_a_binding_for_each_identity_that_holds_it() -> None:
    said = read("provider,name,identities\nledger-mcp,post,web;api\n")

    assert [each.external_id for each in of(ToolRow, said)] == ["ledger-mcp/post"]
    assert [(each.identity, each.tool) for each in of(ToolBindingRow, said)] == [
        ("web", "ledger-mcp/post"),
        ("api", "ledger-mcp/post"),
    ]


def test_several_files_are_one_run_with_a_tally_for_each_noun() -> None:
    said = read("name\nBilling\n", "name,kind\nweb,role\n,role\n")

    assert len(of(TeamRow, said)) == len(of(IdentityRow, said)) == 1
    assert of(Tally, said) == [Tally("teams", 1), Tally("identities", 2)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_spreadsheets_of_all_countries_are_read(delimiter: str, mark: str, ending: str) -> None:
    lines = ["Name,Kind,Last Active".replace(",", delimiter), delimiter.join(("wéb", "role", ""))]

    assert only(IdentityRow, mark + ending.join(lines) + ending).name == "wéb"


def test_a_quoted_cell_may_hold_lines_and_the_count_goes_on_rightly() -> None:
    said = read('name,kind,purpose\nweb,role,"two\nlines, one cell"\n\n ,,\napi,wrong,\n')

    assert of(IdentityRow, said)[0].purpose == "two\nlines, one cell"
    assert of(Rejected, said)[0].place == "export.csv line 6"


def test_a_unicode_line_separator_does_not_end_a_line() -> None:
    assert only(IdentityRow, "name,kind,purpose\nweb,role,a\u2028b\n").purpose == "a\u2028b"


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("kind", "robot"),
        ("owner", "nora"),
        ("owner", "@nora"),
        ("tier", "5"),
        ("tier", "2.5"),
        ("created", "31.01.2026"),
        ("created", "2026-02-30"),
        ("created", "1026-02-03"),
        ("third_party", "maybe"),
        ("spiffe_id", "spiffe://Example.org/web"),
        ("successors", "a@b.org;a@b.org"),
        ("name", "x" * 301),
        ("name", "a\x1bb"),
        ("name", ""),
    ],
)
def test_a_bad_cell_refuses_its_row_only(column: str, cell: str) -> None:
    cells = {"name": "web", "kind": "role"} | {column: cell}
    good = ["api", "role", *[""] * (len(cells) - 2)]
    content = "\n".join(",".join(line) for line in (cells.keys(), cells.values(), good))

    said = read(content)

    (refused,) = of(Rejected, said)
    assert (refused.place, refused.field) == ("export.csv line 2", column)
    assert re.fullmatch(r".*[.?]", refused.reason)
    assert [each.name for each in of(IdentityRow, said)] == ["api"]


def test_every_bad_cell_of_a_row_is_named() -> None:
    assert refusals("name,kind,tier\n,robot,9\n") == [
        ("export.csv line 2", "name"),
        ("export.csv line 2", "kind"),
        ("export.csv line 2", "tier"),
    ]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+SUM(A1)", "-cmd|x", "@SUM(A1)", "\t=1", "\rx", "＝1+1", " =1+1", "-1+1"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_refused(cell: str) -> None:
    assert refusals(f'name,kind,purpose\nweb,role,"{cell}"\n') == [("export.csv line 2", "purpose")]


@pytest.mark.parametrize("cell", ["-5", "+1.5", "-", "-12%", "a=b", "1-2"])
def test_numbers_and_dashes_are_no_formulas(cell: str) -> None:
    assert only(IdentityRow, f"name,kind,purpose\nweb,role,{cell}\n").purpose == cell


def test_a_formula_within_a_list_is_refused() -> None:
    assert refusals("provider,name,identities\np,t,web;=1+1\n") == [
        ("export.csv line 2", "identities")
    ]


@pytest.mark.parametrize("column", ["name", "purpose", "owner", "kind", "tier", "created", "model"])
def test_a_secret_in_any_cell_is_refused_without_being_repeated(column: str) -> None:
    cells = {"name": "web", "kind": "role"} | {column: TOKEN}

    said = read(f"{','.join(cells)}\n{','.join(cells.values())}\n")

    assert [each.field for each in of(Rejected, said)] == [column]
    assert TOKEN not in repr(said)
    assert not of(IdentityRow, said)


@given(st.sampled_from(("name", "purpose", "supplier", "id", "team")), st.text(max_size=30))
def test_no_record_and_no_message_ever_holds_the_secret(column: str, around: str) -> None:
    around = re.sub(r'["\x00\r\n]', "", around)
    cells = {"name": "web", "kind": "role"} | {column: f'"{around} {TOKEN} {around}"'}

    said = read(f"{','.join(cells)}\n{','.join(cells.values())}\n")

    assert TOKEN not in repr(said)


@pytest.mark.parametrize("heading", ["Password", "API key", "client-secret", "token value"])
def test_a_column_of_secrets_is_not_read_and_said_so(heading: str) -> None:
    said = read(f"identity,kind,key_id,{heading}\nweb,api_key,k1,hunter2\n")

    (refused,) = of(Rejected, said)
    assert refused.place == "export.csv line 1"
    assert "secret values" in refused.reason
    assert "hunter2" not in repr(said)
    assert len(of(CredentialRow, said)) == 1


def test_hexadecimal_key_ids_and_access_key_ids_are_taken() -> None:
    keys = ["AKIAIOSFODNN7EXAMPLE", "0123456789abcdef0123456789abcdef01234567"]

    said = read("identity,kind,key_id\n" + "".join(f"web,access_key,{key}\n" for key in keys))

    assert [each.key_id for each in of(CredentialRow, said)] == keys


def test_a_secret_instead_of_a_key_id_is_refused() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEK3"

    said = read(f"identity,kind,key_id\nweb,access_key,{secret}\n")

    assert [each.field for each in of(Rejected, said)] == ["key_id"]
    assert secret not in repr(said)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("name,kind\nweb,role\nweb,role\n", "id"),
        ("id,email,name\n1,a@b.org,A\n2,A@B.org,B\n", "email"),
        ("name,kind,spiffe_id\na,role,spiffe://x/y\nb,role,spiffe://x/y\n", "spiffe_id"),
        ("id,identity,kind,key_id\n1,a,api_key,k\n2,b,api_key,k\n", "key_id"),
    ],
)
def test_the_second_of_two_equal_rows_is_refused_and_names_the_first(
    content: str, field: str
) -> None:
    said = read(content)

    (refused,) = of(Rejected, said)
    assert (refused.place, refused.field) == ("export.csv line 3", field)
    assert "export.csv line 2" in refused.reason
    assert len(of(Row, said)) == 1


def test_two_disabled_credentials_may_share_a_key_id() -> None:
    said = read("id,identity,kind,key_id,enabled\n1,a,api_key,k,no\n2,b,api_key,k,yes\n")

    assert not of(Rejected, said)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("identity,kind,key_id,issued,expires\nw,api_key,k,2026-02-01,2026-01-03\n", "expires"),
        ("identity,kind\nw,api_key\n", "key_id"),
        ("identity,system,action,starts,expires\nw,L,read,2026-02-01,2026-02-01\n", "expires"),
        ("identity,system,action,sensitivity\nw,L,read,public\n", "sensitivity"),
        ("delegator,delegate,how\nw,w,run_as\n", "delegate"),
        ("delegator,delegator_is,delegate,how\nnora,person,w,run_as\n", "delegator"),
        ("delegator,delegate,how,scope\nb,w,run_as,everything\n", "scope"),
        ("email,name,manager\na@b.org,A,A@b.org\n", "manager"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(content: str, field: str) -> None:
    said = read(content)

    assert [each.field for each in of(Rejected, said)] == [field]
    assert not of(Row, said)


def test_an_end_before_the_start_is_said_with_both_days() -> None:
    (refused,) = of(
        Rejected,
        read("identity,system,action,starts,expires\nw,L,read,2026-02-01,2026-01-03\n"),
    )

    assert (
        refused.reason == "Expires 2026-01-03, not after starts (2026-02-01). Choose a later end."
    )


def test_a_line_of_another_width_is_refused_unless_it_only_ends_in_empty_cells() -> None:
    said = read("name,kind\nweb,role,x\napi\njob,role,,\n")

    assert [each.place for each in of(Rejected, said)] == ["export.csv line 2", "export.csv line 3"]
    assert [each.name for each in of(IdentityRow, said)] == ["job"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name,kind,enviroment\n", '"enviroment" is not a column of identities. Did you mean env'),
        ("name,kind,name\n", 'names the column "name" twice'),
        ("name,kind,\n", "A column has no name"),
        ("id,identity,key_id\n", "lacks the column kind"),
        ("a,b,c\n", "fits none of"),
        ("\n", "has no header"),
        ("", "has no header"),
        ("name,kind\nweb,r\u00f6le\n".encode("latin-1"), "Save the file as UTF-8"),
        ("name,kind\nweb,role\n".encode("utf-16"), "Save the file as UTF-8"),
        (f'name,kind,purpose\nweb,role,"{"x" * 140_000}"\n', "not a well-formed CSV file"),
    ],
)
def test_a_file_as_a_whole_is_refused_with_a_sentence(content: str | bytes, says: str) -> None:
    with pytest.raises(WrongFile, match=re.escape(says)) as refused:
        read(content)

    assert re.search(r"[.?]$", str(refused.value))


def test_a_file_named_after_its_noun_is_told_what_it_lacks() -> None:
    with pytest.raises(WrongFile, match="lacks the column kind, which every row of identities"):
        read("id,name\n", name="identities.csv")


def test_a_file_without_a_header_does_not_put_its_secrets_into_the_message() -> None:
    with pytest.raises(WrongFile) as refused:
        read(f"web,role,{TOKEN}\n", name="identities.csv")

    assert TOKEN not in str(refused.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_but_never_crash(content: bytes) -> None:
    for start in (b"", b"name,kind,purpose\n", b"email,name,left\n"):
        try:
            assert isinstance(read(start + content), list)
        except WrongFile as refused:
            assert str(refused)
