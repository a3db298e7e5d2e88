"""Importing in the browser: choose files, look at what would change, apply it, and see what became of it."""

import csv
from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from inventory import access, import_now, markup, uploads
from inventory.columns import csv_value
from inventory.import_forms import ImportForm
from inventory.importers import Connector
from inventory.importers.own_format import COLUMNS, template_csv
from inventory.listing import listing
from inventory.models import ImportRun, User
from inventory.noun_columns import IMPORTS
from inventory.record_filters import ImportFilter
from inventory.rules import RuleBroken
from inventory.views.answers import readers_only, user_of

SHOWN = 200
_SAMPLES = ("new", "changed", "gone")


@require_GET
def import_list(request: HttpRequest) -> HttpResponseBase:
    user = readers_only(request)
    rows = ImportRun.objects.select_related("source").defer("preview", "rejected")
    context = {"actions": new_import_action(user)}
    return listing(
        request, ImportFilter(request.GET, rows, request=request), IMPORTS, context=context
    )


@require_http_methods(["GET", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    form = (
        ImportForm(request.POST, request.FILES)
        if request.method == "POST"
        else ImportForm(initial={name: request.GET.get(name, "") for name in ("kind", "source")})
    )
    if form.is_bound and form.is_valid():
        try:
            run = import_now.receive(
                form.cleaned_data["files"], form.asked(), preview=True, by=user, at=timezone.now()
            )
            return redirect("inventory:import-detail", run.pk)
        except RuleBroken as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "kinds": [Connector.registry[key] for key in sorted(Connector.registry)],
        "nouns": list(COLUMNS),
    }
    status = 422 if form.is_bound else 200
    return render(request, "inventory/import_form.html", context, status=status)


@require_GET
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = readers_only(request), timezone.now()
    run = _run(pk)
    context = {
        "run": run,
        "now": at,
        "badges": [markup.badge(run.get_status_display())],
        "may_change": access.changes_all(user),
        "is_preview": run.status == ImportRun.Status.PREVIEWED,
        "counts": [(_noun(noun), counts) for noun, counts in run.counts.items()],
        "samples": _samples(run),
        "changes_nothing": not any(_touches(counts) for counts in run.counts.values()),
        "rejected": run.rejected[:SHOWN],
        "facts": _facts(run),
    }
    return render(request, "inventory/import_detail.html", context)


@require_GET
def import_status(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress, for the page that waits; once there is something to see, the page reloads."""
    readers_only(request)
    run = _run(pk)
    if not getattr(request, "htmx", False):
        return redirect("inventory:import-detail", pk)
    if not run.is_at_work:
        return HttpResponseClientRefresh()
    return render(request, "inventory/_import_status.html", {"run": run})


@require_POST
def import_apply(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, lambda run, by: import_now.apply(run, by=by, at=timezone.now()), "")


@require_POST
def import_discard(request: HttpRequest, pk: int) -> HttpResponse:
    said = "The preview was discarded, and its files with it."
    return _act(request, pk, lambda run, by: uploads.discard(run, by=by, at=timezone.now()), said)


@require_GET
def import_rejected(request: HttpRequest, pk: int) -> HttpResponse:
    """The rejected rows as CSV, to be mended where the file comes from."""
    readers_only(request)
    answer = _csv(f"rejected-{pk}.csv")
    write = csv.writer(answer).writerow
    write(["Place", "Field", "Reason"])
    for row in _run(pk).rejected:
        write([csv_value(str(cell)) for cell in row])
    return answer


@require_GET
def import_columns(request: HttpRequest) -> HttpResponse:
    """What each column of Mandate's own files means."""
    readers_only(request)
    return render(request, "inventory/import_columns.html", {"nouns": COLUMNS.items()})


@require_GET
def import_template(request: HttpRequest, noun: str) -> HttpResponse:
    """An empty file with the columns of a noun and one example row."""
    readers_only(request)
    if noun not in COLUMNS:
        raise Http404("There is no template for this.")
    answer = _csv(f"{noun}.csv")
    answer.write("\ufeff" + template_csv(noun))
    return answer


def new_import_action(user: User, **initial: str) -> list[dict[str, object]]:
    """The button that leads to the form, for those who may."""
    if not access.changes_all(user):
        return []
    query = "&".join(f"{name}={value}" for name, value in initial.items())
    url = reverse("inventory:import-new") + (f"?{query}" if query else "")
    label = "Import again" if initial else "Import files"
    return [{"label": label, "url": url, "icon": "upload", "primary": True}]


def _act(
    request: HttpRequest, pk: int, do: Callable[[ImportRun, User], ImportRun], said: str
) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    try:
        do(_run(pk), user)
        if said:
            messages.success(request, said)
    except RuleBroken as error:
        messages.error(request, str(error))
    return redirect("inventory:import-detail", pk)


def _run(pk: int) -> ImportRun:
    return get_object_or_404(ImportRun.objects.select_related("source"), pk=pk)


def _facts(run: ImportRun) -> list[tuple[str, object]]:
    at = timezone.now()
    address = markup.address("inventory:source-detail")
    return [
        ("Source", markup.link(address(run.source_id), run.source)),
        ("Kind", run.source.kind),
        ("Files", ", ".join(run.file_names)),
        ("By", run.author),
        ("Received", markup.when(run.created_at, at)),
        ("Finished", markup.when(run.finished_at, at)),
        ("Rows read", f"{run.rows_read:,}"),
        *((what.capitalize(), f"{count:,}") for what, count in run.tallies.items()),
    ]


def _samples(run: ImportRun) -> list[tuple[str, list[str]]]:
    """A few rows of each kind of change, such as ("New identities", [...])."""
    return [
        (f"{kind.capitalize()}: {_noun(noun).lower()}", list(samples[f"{kind}_samples"]))
        for noun, samples in run.preview.items()
        for kind in _SAMPLES
        if samples.get(f"{kind}_samples")
    ]


def _noun(noun: str) -> str:
    return noun.replace("_", " ").capitalize()


def _touches(counts: dict[str, int]) -> bool:
    return any(counts.get(kind) for kind in _SAMPLES)


def _csv(name: str) -> HttpResponse:
    return HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
