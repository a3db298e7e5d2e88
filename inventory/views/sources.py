"""Sources: how fresh each is, its import runs, and what they refused."""

import django_filters
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import markup
from inventory.filters import Filters, Rows
from inventory.listing import listing
from inventory.models import Source
from inventory.noun_columns import SOURCES, every, total
from inventory.search import holds
from inventory.views.answers import readers_only
from inventory.views.imports import new_import_action

_RUNS, _REJECTED = 50, 200
_KINDS = ("new", "changed", "unchanged", "gone")


class SourceFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Source")

    class Meta:
        model = Source
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "label", "key", "kind"))


@require_GET
def source_list(request: HttpRequest) -> HttpResponseBase:
    user = readers_only(request)
    rows = Source.objects.all()
    history = {"label": "All imports", "url": reverse("inventory:import-list"), "icon": "history"}
    context = {"actions": [history, *new_import_action(user)]}
    asked = SourceFilter(request.GET, rows, request=request)
    return listing(request, asked, SOURCES, context=context)


@require_GET
def source_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user = readers_only(request)
    at = timezone.now()
    source = get_object_or_404(Source, pk=pk)
    runs = list(source.runs.defer("preview", "rejected").order_by("-pk")[:_RUNS])
    refused = source.runs.filter(rejected_count__gt=0).order_by("-pk").first()
    context = {
        "source": source,
        "now": at,
        "badges": [markup.badge("Stale" if source.is_stale(at) else "Fresh")],
        "facts": [
            ("Kind", source.kind),
            ("Namespace", source.namespace),
            ("Last complete import", markup.when(source.last_complete_at, at)),
            ("Last import", markup.when(source.last_run_at, at)),
            ("Expected every", every(source.expected_every)),
        ],
        "runs": [(run, {kind: total(run, kind) for kind in _KINDS}) for run in runs],
        "refused": refused,
        "actions": []
        if source.kind == Source.MANUAL
        else new_import_action(user, kind=source.kind, source=source.key),
        "rejected": refused.rejected[:_REJECTED] if refused else [],
    }
    return render(request, "inventory/source_detail.html", context)
