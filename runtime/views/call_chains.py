"""The chain of a task, a trace or a conversation: picture, table and export."""

from datetime import datetime

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access
from inventory.models import Task
from inventory.views.answers import user_of
from runtime import call_chains, chain_export, intent, seeing
from runtime.chain_layout import lay_out
from runtime.intent import Intent
from runtime.models import ToolCall


@require_GET
def task_chain(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    task = get_object_or_404(access.visible_to(user, Task.objects.all()), pk=pk)
    page = _Page(
        f"Chain of task {pk}", task.purpose, reverse("inventory:task-detail", args=[pk]), "Task"
    )
    rows = seeing.calls(user).filter(task=task)
    return _answer(request, rows, page, at, intent.of_task(task, at))


@require_GET
def trace_chain(request: HttpRequest, pk: str) -> HttpResponse:
    rows = seeing.calls(user_of(request)).filter(trace_id=pk)
    if not rows.exists():
        raise Http404
    page = _Page("Chain of a trace", f"Trace {pk}", reverse("runtime:call-list"), "Tool calls")
    return _answer(request, rows, page, timezone.now(), None)


@require_GET
def conversation_chain(request: HttpRequest) -> HttpResponse:
    """By the conversation's id as its platform writes it, which may hold any sign."""
    key = request.GET.get("id", "")
    page = _Page("Conversation", key, reverse("runtime:call-list"), "Tool calls")
    rows = seeing.calls(user_of(request)).filter(conversation=key).exclude(conversation="")
    return _answer(request, rows, page, timezone.now(), None)


class _Page:
    """What stands above the picture."""

    def __init__(self, title: str, intro: str, back: str, back_label: str) -> None:
        self.title, self.intro, self.back, self.back_label = title, intro, back, back_label


def _answer(
    request: HttpRequest, rows: QuerySet[ToolCall], page: _Page, at: datetime, said: Intent | None
) -> HttpResponse:
    chain = call_chains.rebuild(rows.select_related("tool"), seen_by=user_of(request), at=at)
    if (form := request.GET.get("export")) is not None:
        return _export(form, chain)
    query = request.GET.copy()
    context = {
        "page": page,
        "chain": chain,
        "picture": lay_out(chain) if not chain.is_empty else None,
        "intent": said,
        "most": call_chains.MOST,
        "now": at,
        "exports": [_export_link(request.path, query.get("id"), form) for form in ("csv", "json")],
    }
    return render(request, "runtime/chain.html", context)


def _export_link(path: str, key: str | None, form: str) -> dict[str, object]:
    kept = f"id={key}&" if key else ""
    return {"label": form.upper(), "url": f"{path}?{kept}export={form}", "icon": "download"}


def _export(form: str, chain: call_chains.Chain) -> HttpResponse:
    if form == "json":
        return JsonResponse(chain_export.as_json(chain))
    if form != "csv":
        raise BadRequest(f"There is no export as “{form}”. Use csv or json.")
    return HttpResponse(
        chain_export.as_csv(chain),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="chain.csv"'},
    )
