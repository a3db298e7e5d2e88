"""Search over everything: identities, people and credentials, the first ten of each."""

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from inventory import access
from inventory.filters import CredentialFilter, Filters, IdentityFilter, PersonFilter
from inventory.models import Credential, Identity, Person
from inventory.views.answers import user_of

SHOWN = 10


@require_GET
def search_page(request: HttpRequest) -> HttpResponse:
    user, text = user_of(request), request.GET.get("q", "").strip()
    kinds: list[tuple[str, str, type[Filters], QuerySet[Model]]] = [
        ("Identities", "identity", IdentityFilter,
         access.visible_to(user, Identity.objects.select_related("owner"))),
        ("People", "person", PersonFilter,
         access.visible_to(user, Person.objects.select_related("team"))),
        ("Credentials", "credential", CredentialFilter,
         access.visible_to(user, Credential.objects.select_related("identity"))),
    ]  # fmt: skip
    groups = [_group(kind, request, text) for kind in kinds] if text else []
    context = {
        "q": text,
        "groups": [group for group in groups if group["hits"]],
        "now": timezone.now(),
    }
    return render(request, "inventory/search.html", context)


def _group(
    kind: tuple[str, str, type[Filters], QuerySet[Model]], request: HttpRequest, text: str
) -> dict[str, object]:
    """The same search as the list's own, so that "all" shows at least these."""
    title, noun, filterset, rows = kind
    query = QueryDict(urlencode({"q": text}))
    found = list(filterset(query, rows, request=request).qs[: SHOWN + 1])
    return {
        "title": title,
        "noun": noun,
        "hits": [
            (row, reverse(f"inventory:{noun}-detail", args=[row.pk]), _about(row))
            for row in found[:SHOWN]
        ],
        "all_url": f"{reverse(f'inventory:{noun}-list')}?{urlencode({'q': text})}",
        "more": len(found) > SHOWN,
    }


def _about(row: Model) -> str:
    """What tells one hit from another of the same name."""
    if isinstance(row, Identity):
        owner = row.owner.name if row.owner else "no owner"
        return f"{row.get_kind_display()} · {row.get_lifecycle_display()} · {owner}"
    if isinstance(row, Person):
        return f"{row.email} · {row.get_status_display()}"
    if isinstance(row, Credential):
        return f"{row.get_kind_display()} of {row.identity}"
    return ""
