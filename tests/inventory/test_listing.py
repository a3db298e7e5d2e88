"""One list mechanism: what it shows, refuses, exports and selects, on a list of identities."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import django_filters
import pytest
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from inventory import columns, keyset, markup
from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.keyset import Order
from inventory.listing import BulkAction, Listing, listing, selected
from inventory.models import Identity, Source
from inventory.search import holds

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HTMX = {"HX-Request": "true", "HX-Target": "rows"}


class IdentityFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    q = django_filters.CharFilter(method="search")
    kind = ManyFilter(choices=Identity.Kind.choices)
    lifecycle = django_filters.ChoiceFilter(choices=Identity.Lifecycle.choices)
    active = django_filters.DateFromToRangeFilter(field_name="last_active_at")

    def search(self, queryset, name, value):  # type: ignore[no-untyped-def]  # called by django-filter
        return queryset.filter(holds(value, "name"))


SPEC = Listing(
    title="Identities",
    singular="identity",
    plural="identities",
    columns=(
        Column("name", "Name", "name", sort="name"),
        Column("kind", "Kind", labelled("kind", Identity.Kind)),
        Column("worst", "Worst", "worst_severity", kind="severity", sort="worst_severity"),
        Column("active", "Last active", "last_active_at", kind="time", sort="last_active_at"),
        Column("source", "Source", "source.label", shown=False),
    ),
    order="name",
    bulk_actions=(BulkAction("Suspend", "bulk"),),
)


@login_not_required
def show(request: HttpRequest) -> HttpResponseBase:
    rows = Identity.objects.select_related("source")
    return listing(request, IdentityFilter(request.GET, rows, request=request), SPEC)


@login_not_required
def bulk(request: HttpRequest) -> HttpResponse:
    rows = selected(request, IdentityFilter, Identity.objects.all())
    return JsonResponse({"names": sorted(rows.values_list("name", flat=True))})


urlpatterns = [path("list/", show, name="list"), path("bulk/", bulk, name="bulk")]


@pytest.fixture
def source() -> Source:
    return Source.objects.create(key="hand", kind="manual", namespace="hand", label="By hand")


def add(source: Source, *names: str, **fields: object) -> None:
    Identity.objects.bulk_create(
        Identity(
            **{"name": name, "external_id": name, "kind": "role", "source": source, **fields},
            namespace="hand",
            first_seen_at=NOON,
        )
        for name in names
    )


def text_of(response: HttpResponseBase) -> str:
    return response.content.decode()  # type: ignore[attr-defined,no-any-return]  # not streamed


def names(response: HttpResponseBase) -> list[str]:
    cells = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', text_of(response))
    return [html.unescape(cell) for cell in cells]


def exported(client: Client, query: str = "") -> list[list[str]]:
    response = client.get(f"/list/?export=csv&{query}")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # streamed
    return list(csv.reader(io.StringIO(text)))


def link(response: HttpResponseBase, rel: str) -> str | None:
    found = re.search(f'rel="{rel}" href="([^"]*)"', text_of(response))
    return html.unescape(found[1]) if found else None


def walk(client: Client, url: str, rel: str = "next") -> list[list[str]]:
    pages = []
    while url:
        response = client.get(url)
        pages.append(names(response))
        url = link(response, rel) or ""
    return pages


def test_a_list_shows_its_rows_in_order(client: Client, source: Source) -> None:
    add(source, "charlie", "alpha", "bravo")

    assert names(client.get("/list/")) == ["alpha", "bravo", "charlie"]


def test_values_of_rows_are_escaped(client: Client, source: Source) -> None:
    add(source, "<script>alert(1)</script>")

    body = client.get("/list/").content.decode()

    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)" in body


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "lifecycle=asleep",
        "lifecycle=active&lifecycle=retired",
        "active_0=2026-01-01",
        "active_after=someday",
        "sort=colour",
        "size=7",
        "cursor=forged",
        "col=colour",
    ],
)
def test_what_cannot_be_applied_shows_no_rows_and_says_so(
    client: Client, source: Source, query: str
) -> None:
    add(source, "alpha")

    response = client.get(f"/list/?{query}")

    assert response.status_code == 200
    assert names(response) == []
    assert 'role="alert"' in response.content.decode()


@pytest.mark.parametrize("query", ["colour=red", "lifecycle=asleep", "sort=colour"])
def test_an_export_with_a_filter_that_cannot_be_applied_is_refused(
    client: Client, source: Source, query: str
) -> None:
    add(source, "alpha")

    assert client.get(f"/list/?export=csv&{query}").status_code == 400


def test_filters_and_search_narrow_together(client: Client, source: Source) -> None:
    add(source, "billing-a", "search-a")
    add(source, "billing-b", kind="assistant")
    add(source, "billing-c", kind="api_client")

    shown = names(client.get("/list/?q=BILLING&kind=role&kind=assistant"))

    assert shown == ["billing-a", "billing-b"]


def test_each_end_of_a_range_is_a_filter_of_its_own(client: Client, source: Source) -> None:
    add(source, "early", last_active_at=NOON - timedelta(days=9))
    add(source, "late", last_active_at=NOON)

    assert names(client.get("/list/?active_after=2026-04-30")) == ["late"]
    assert names(client.get("/list/?active_before=2026-04-30")) == ["early"]


def test_search_takes_percent_and_underscore_as_they_are(client: Client, source: Source) -> None:
    add(source, "a_b", "axb", "100%", "1000")

    assert names(client.get("/list/?q=a_b")) == ["a_b"]
    assert names(client.get("/list/?q=0%25")) == ["100%"]


def test_an_active_filter_can_be_removed_alone(client: Client, source: Source) -> None:
    add(source, "alpha")

    body = text_of(client.get("/list/?q=al&kind=role&sort=-name"))
    chip = re.search(r'class="chip" href="([^"]*)"[^>]*aria-label="Remove filter Kind: Role"', body)

    assert chip is not None
    without_it = parse_qs(urlsplit(html.unescape(chip[1])).query)
    assert without_it == {"q": ["al"], "sort": ["-name"]}


@pytest.mark.parametrize("sort", ["name", "-name", "worst", "-worst", "active", "-active"])
def test_walking_all_pages_meets_every_row_once_and_in_the_exported_order(
    client: Client, source: Source, sort: str
) -> None:
    for n in range(60):  # many ties and many nulls
        seen = None if n % 4 == 0 else NOON + timedelta(microseconds=n % 5)
        add(
            source,
            f"n{n:02}",
            worst_severity=None if n % 3 == 0 else n % 4 + 1,
            last_active_at=seen,
        )

    pages = walk(client, f"/list/?sort={sort}&size=25")

    assert [len(page) for page in pages] == [25, 25, 10]
    assert [name for page in pages for name in page] == [
        row[0] for row in exported(client, f"sort={sort}")[1:]
    ]


@pytest.mark.parametrize("sort", ["name", "-worst", "active"])
def test_walking_back_shows_the_same_pages(client: Client, source: Source, sort: str) -> None:
    for n in range(60):
        seen = None if n % 4 == 0 else NOON
        add(source, f"n{n:02}", worst_severity=None if n % 2 else 3, last_active_at=seen)
    url, last, forth = f"/list/?sort={sort}&size=25", "", []
    while url:
        response = client.get(url)
        forth.append(names(response))
        last, url = url, link(response, "next") or ""

    back = walk(client, last, rel="prev")

    assert back == forth[::-1]


def test_nulls_come_last_in_both_directions(client: Client, source: Source) -> None:
    add(source, "none")
    add(source, "some", worst_severity=2)

    assert names(client.get("/list/?sort=worst")) == ["some", "none"]
    assert names(client.get("/list/?sort=-worst")) == ["some", "none"]


def test_a_cursor_of_another_order_is_refused(client: Client, source: Source) -> None:
    add(source, *(f"n{n:02}" for n in range(30)))
    cursor = parse_qs(urlsplit(link(client.get("/list/?size=25"), "next") or "").query)["cursor"][0]

    response = client.get("/list/", {"size": "25", "sort": "-name", "cursor": cursor})

    assert names(response) == []
    assert "another order" in response.content.decode()


@pytest.mark.parametrize(
    ("field", "descending"), [("name", False), ("name", True), ("last_active_at", True)]
)
def test_a_deep_page_is_one_range_of_an_index(source: Source, field: str, descending: bool) -> None:
    add(source, *(f"n{n:03}" for n in range(300)), last_active_at=NOON)
    order, rows = Order.of(Identity, field, descending=descending), Identity.objects.all()
    first = keyset.page(rows, order, cursor=None, size=50)
    with CaptureQueriesContext(connection) as queries:
        keyset.page(rows, order, cursor=first.next, size=50)

    with connection.cursor() as cursor:
        for method in (
            "seqscan",
            "bitmapscan",
            "sort",
        ):  # 300 rows alone would not be worth an index
            cursor.execute(f"SET LOCAL enable_{method} = off")
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    condition = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert "ROW(" in condition
    assert "Filter" not in plan
    assert "Sort" not in plan


def test_the_count_stops_at_the_cap(source: Source) -> None:
    add(source, *(f"n{n}" for n in range(12)))

    assert str(keyset.counted(Identity.objects.all(), cap=10)) == "10+"
    assert str(keyset.counted(Identity.objects.all(), cap=12)) == "12"


def test_the_export_holds_all_pages_of_what_is_shown(client: Client, source: Source) -> None:
    add(source, *(f"role-{n:03}" for n in range(60)))
    add(source, "other", kind="assistant")

    lines = exported(client, "kind=role&sort=-name&size=25&col=source")

    assert lines[0] == ["Name", "Source"]
    assert [line[0] for line in lines[1:]] == [f"role-{n:03}" for n in reversed(range(60))]
    assert {line[1] for line in lines[1:]} == {"By hand"}


def test_the_export_for_excel_starts_with_a_mark(client: Client, source: Source) -> None:
    add(source, "zoë")

    response = client.get("/list/?export=csv&bom=1")

    assert b"".join(response.streaming_content).startswith(b"\xef\xbb\xbfName")  # type: ignore[attr-defined]  # streamed


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_in_a_name_is_a_text_in_the_export(start: str) -> None:
    assert columns.csv_value(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"
    assert columns.csv_value(-5) == -5


def test_htmx_gets_the_rows_and_history_gets_the_page(client: Client, source: Source) -> None:
    add(source, "alpha")

    part = client.get("/list/", headers=HTMX)
    whole = client.get("/list/", headers={**HTMX, "HX-History-Restore-Request": "true"})

    assert part.content.lstrip().startswith(b'<div id="rows"')
    assert b'id="status" hx-swap-oob' in part.content
    assert b"<!doctype html>" in whole.content
    assert "HX-Request" in whole["Vary"]
    assert "HX-Request" in part["Vary"]


def test_a_list_makes_three_queries_of_its_own(
    client: Client, source: Source, django_assert_num_queries: object
) -> None:
    add(source, *(f"n{n}" for n in range(60)))

    with django_assert_num_queries(3):  # type: ignore[operator]  # the fixture is a function
        client.get("/list/?q=n&kind=role&sort=-active")


def test_a_bulk_form_means_the_ticked_rows(client: Client, source: Source) -> None:
    add(source, "alpha", "bravo", "charlie")
    keys = Identity.objects.exclude(name="bravo").values_list("pk", flat=True)

    response = client.post("/bulk/", {"selected": list(keys), "filter": ""})

    assert response.json() == {"names": ["alpha", "charlie"]}


def test_select_all_means_the_shown_filter_on_all_pages(client: Client, source: Source) -> None:
    add(source, *(f"role-{n:02}" for n in range(60)))
    add(source, "other", kind="assistant")
    body = text_of(client.get("/list/?kind=role&size=25&sort=-name"))
    shown = re.search(r'name="filter" value="([^"]*)"', body)

    assert shown is not None
    response = client.post("/bulk/", {"select": "filter", "filter": html.unescape(shown[1])})

    assert len(response.json()["names"]) == 60
    assert "other" not in response.json()["names"]


@pytest.mark.parametrize("query", ["colour=red", "lifecycle=asleep"])
def test_select_all_with_a_filter_that_cannot_be_applied_is_refused(
    client: Client, source: Source, query: str
) -> None:
    add(source, "alpha")

    assert client.post("/bulk/", {"select": "filter", "filter": query}).status_code == 400


def test_a_bulk_form_without_a_selection_means_nothing(client: Client, source: Source) -> None:
    add(source, "alpha")

    assert client.post("/bulk/", {}).json() == {"names": []}


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(hours=3), "3h ago"),
        (timedelta(days=-2), "in 2d"),
        (timedelta(days=400), "13mo ago"),
        (timedelta(days=1200), "3y ago"),
    ],
)
def test_a_moment_is_told_in_one_unit(distance: timedelta, words: str) -> None:
    assert markup.relative(NOON - distance, NOON) == words


def test_every_answer_carries_the_content_security_policy(client: Client) -> None:
    response = client.get("/list/")

    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert " style=" not in response.content.decode()
