"""Pages through Django's test client, signed in, at full size; beside a bare keyset page of the same table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from django.http import HttpResponse
from django.template import engines
from django.test import Client
from django.urls import reverse

from benchmarks.timing import Times, measure
from inventory import keyset
from inventory.models import Credential, Delegation, Grant, Identity, Person, Tool, User
from reviews.models import Finding

# Each filter a page offers, alone; the searches; and combinations that people use.
ASKED = {
    "inventory:identity-list": (
        "", "q=ledger", "q=zzzz", "kind=assistant", "kind=orchestrator&kind=assistant", "lifecycle=suspended",
        "ownership=orphaned", "ownership=owned", "ownership=leaving", "severity=4", "severity=3&environment=production",
        "environment=sandbox", "declared_tier=4", "team=7", "source=11", "gone=yes", "gone=no", "owner=3",
        "sort=-worst", "sort=-active", "kind=role&ownership=orphaned&q=pay",
    ),
    "inventory:person-list": ("", "q=ledgerson", "status=left", "owns=yes", "owns=no", "team=7"),
    "inventory:credential-list": (
        "", "q=KEY00012345", "q=ledger", "kind=x509", "state=live", "state=expiring", "state=endless", "state=unused",
        "state=expired", "state=revoked", "state=disabled", "state=gone", "environment=sandbox", "source=12",
        "identity=5", "owner=3", "sort=expires", "state=unused&kind=api_key",
    ),
    "inventory:grant-list": (
        "", "q=ledger", "q=zzzz", "state=in_force", "state=standing", "state=expiring", "state=unused",
        "state=revoked", "state=expired", "state=gone", "risk=critical", "admin=yes", "wildcard=yes", "source=11",
        "identity=5", "owner=3", "sort=expires", "state=standing&risk=high&risk=critical", "state=unused&admin=yes",
    ),
    "inventory:delegation-list": (
        "", "q=ledger", "how=run_as", "state=in_force", "state=endless", "state=revoked", "state=expired",
        "may_redelegate=true", "source=11", "identity=5", "sort=how",
    ),
    "inventory:tool-list": ("", "q=ledger", "approval=changed", "approval=pending", "writes=true"),
    "reviews:finding-list": (
        "state=open", "state=resolved", "severity=4", "check=owner-active", "check=unused-grant-90d&severity=2",
        "assigned=nobody", "q=ledger", "identity=5", "state=open&check=credential-age&q=pay",
    ),
}  # fmt: skip
DETAILS = {
    "inventory:identity-detail": Identity, "inventory:person-detail": Person,
    "inventory:credential-detail": Credential, "inventory:grant-detail": Grant, "reviews:finding-detail": Finding,
}  # fmt: skip
SORTED = {
    "inventory:identity-list": (Identity, "name", False),
    "inventory:person-list": (Person, "name", False),
    "inventory:credential-list": (Credential, "used_at", True),
    "inventory:grant-list": (Grant, "used_at", True),
    "inventory:delegation-list": (Delegation, "ends_at", False),
    "inventory:tool-list": (Tool, "name", False),
    "reviews:finding-list": (Finding, "severity", True),
}
BARE = "{% for row in rows %}<tr><th>{{ row.name }}</th><td>{{ row.kind }}</td><td>{{ row.lifecycle }}</td><td>{{ row.owner }}</td></tr>{% endfor %}"


@dataclass(frozen=True)
class Measured:
    page: str
    query: str
    times: Times


def client() -> Client:
    user, _ = User.objects.get_or_create(username="bench", defaults={"role": User.Role.SECURITY})
    signed_in = Client()
    signed_in.force_login(user)
    return signed_in


def bare(rounds: int) -> Times:
    """What a page of 50 costs at least: one keyset query and a plain table."""
    template = engines["django"].from_string(BARE)
    order = keyset.Order.of(Identity, "name")

    def answer() -> HttpResponse:
        rows = keyset.page(
            Identity.objects.select_related("owner"), order, cursor=None, size=50
        ).rows
        return HttpResponse(template.render({"rows": rows}))

    return measure(answer, rounds)


def lists(rounds: int) -> Iterator[Measured]:
    browser = client()
    for name, queries in ASKED.items():
        for query in queries:
            yield Measured(name, query, measure(_get(browser, f"{reverse(name)}?{query}"), rounds))
        yield Measured(name, "deep page", measure(_get(browser, _middle(name)), rounds))


def details(rounds: int) -> Iterator[Measured]:
    """The busiest rows (those with the lowest keys hold most) and an ordinary one."""
    browser = client()
    for name, model in DETAILS.items():
        keys = model._default_manager.order_by("pk").values_list("pk", flat=True)
        number = len(keys)
        for word, key in (("busiest", keys[0]), ("ordinary", keys[number // 2])):
            yield Measured(name, word, measure(_get(browser, reverse(name, args=[key])), rounds))


def overview(rounds: int) -> Measured:
    return Measured("overview", "", measure(_get(client(), reverse("overview")), rounds))


def _get(browser: Client, path: str) -> Callable[[], None]:
    def get() -> None:
        answer = browser.get(path, HTTP_HOST="localhost")
        assert answer.status_code == 200, (path, answer.status_code)

    return get


def _middle(name: str) -> str:
    """A page in the middle of the list, by the cursor that a reader would have arrived with."""
    model, field, descending = SORTED[name]
    order = keyset.Order.of(model, field, descending=descending)
    rows = model._default_manager.annotate(**{keyset._VALUE: order.term}).order_by(*order.terms())
    row = rows[model._default_manager.count() // 2]
    cursor = quote(keyset._write(row, order, backward=False))
    # An empty parameter is no filter; it only keeps the findings from being led to those that are open.
    return f"{reverse(name)}?cursor={cursor}&q="
