"""Tool calls: the list, and one call with its lens."""

import json
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET

from inventory import access, markup
from inventory.listing import listing
from inventory.models import Person, Task, Tool, User
from inventory.views.answers import user_of
from runtime import call_ends, counting, flags, relay_lens, seeing
from runtime.call_list import CALLS, CallPageFilter, who
from runtime.chain_marks import marks_of
from runtime.models import ToolCall


@require_GET
def call_list(request: HttpRequest) -> HttpResponseBase:
    seen = seeing.calls(user_of(request))
    rows = seen.select_related("identity", "task", "on_behalf_of").defer("summary")
    context = {"actions": activity_links("runtime:call-list")}
    asked = CallPageFilter(request.GET, rows, request=request)
    whole = request.GET.get("spans") or not asked.is_valid()
    fold = call_ends.unfolded(seen) if whole else call_ends.fold(asked.qs, seen)
    return listing(request, asked, CALLS, context=context, fold=fold)


@require_GET
def call_detail(request: HttpRequest, pk: str) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    (call,) = call_ends.marked([seeing.call(user, pk)], seeing.calls(user))
    covered = seeing.with_cover(ToolCall.objects.filter(pk=call.pk, started_at=call.started_at))
    context = {
        "call": call,
        "who": who(call),
        "badges": [markup.badge(call.get_outcome_display())],
        "actions": _chain_links(call),
        "facts": _facts(call, user),
        "told": [(name, _as_json(value)) for name, value in call.summary.items()],
        **(counting.with_own_run(covered).values("covered", "own_run").first() or {}),
        "lens": relay_lens.through(call),
        "marks": marks_of([call], seen_by=user, at=at).get(str(call.pk), []),
        "deviations": flags.of([call]).get(str(call.pk), []),
        "now": at,
    }
    return render(request, "runtime/call_detail.html", context)


def activity_links(here: str) -> list[dict[str, object]]:
    """The other pages about activity, as the buttons of a header."""
    pages = (
        ("Tool calls", "runtime:call-list", "activity"),
        ("Deviations", "runtime:deviation-list", "siren"),
        ("Coverage", "runtime:cover", "umbrella"),
    )
    return [
        {"label": label, "url": reverse(name), "icon": icon}
        for label, name, icon in pages
        if name != here
    ]


def _chain_links(call: ToolCall) -> list[dict[str, object]]:
    """The chains that it is part of: of its task, its trace and its conversation."""
    found = []
    if call.task_id is not None:
        found.append(("Chain of the task", reverse("runtime:task-chain", args=[call.task_id])))
    if call.trace_id:
        found.append(("Chain of the trace", reverse("runtime:trace-chain", args=[call.trace_id])))
    if call.conversation:
        address = reverse("runtime:conversation-chain")
        found.append(("Conversation", f"{address}?{urlencode({'id': call.conversation})}"))
    return [{"label": label, "url": url, "icon": "waypoints"} for label, url in found]


def _facts(call: ToolCall, user: User) -> list[tuple[str, object]]:
    took = f"{call.duration_us / 1000:,.1f} ms" if call.duration_us is not None else None
    return [
        ("Identity", _link("inventory:identity-detail", call.identity)),
        ("Calls itself", call.agent_name),
        ("Service", call.service_name),
        ("SPIFFE ID", _code(call.spiffe_id)),
        ("Kind", call.get_kind_display()),
        ("Provider", call.provider),
        ("Tool", _tool(call.tool, user) or call.tool_name),
        ("System", call.system),
        ("Resource", call.resource),
        ("Changes something", {True: "Yes", False: "No", None: "Not told"}[call.writes]),
        ("On behalf of", _person(call.on_behalf_of)),
        ("Task", _task(call.task)),
        ("Started", f"{call.started_at:%d %b %Y, %H:%M:%S.%f} UTC"),
        ("Took", took),
        ("Error", call.error),
        ("Digest of the arguments", _code(call.arguments_digest)),
        ("Trace", _code(call.trace_id)),
        ("Span", _code(call.span_id)),
        ("Also told by", _other_end(call)),
        ("Conversation", _code(call.conversation)),
        ("Received", f"{call.received_at:%d %b %Y, %H:%M:%S} UTC"),
    ]


def _link(name: str, row: object) -> object:
    return markup.link(markup.address(name)(getattr(row, "pk", 0)), row) if row else None


def _other_end(call: ToolCall) -> object:
    other = call_ends.other_end(call)
    if other is None:
        return None
    return markup.link(markup.address("runtime:call-detail")(other.pk), call_ends.told_by(call))


def _person(person: Person | None) -> object:
    return _link("inventory:person-detail", person) or "Nobody is named"


def _task(task: Task | None) -> object:
    if task is None:
        return None
    return markup.link(markup.address("inventory:task-detail")(task.pk), task.purpose)


def _tool(tool: Tool | None, user: User) -> object:
    seen = tool is not None and access.visible_to(user, Tool.objects.filter(pk=tool.pk)).exists()
    if tool is None or not seen:
        return None
    return markup.link(markup.address("inventory:tool-detail")(tool.pk), tool)


def _as_json(value: object) -> str:
    """A text as it is, and everything else as the reporter's JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _code(text: str) -> object:
    return format_html("<code>{}</code>", text) if text else None
