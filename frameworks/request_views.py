"""Requests for evidence and comments: what auditors ask and remark, and what they are answered."""

import django_filters
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from frameworks import comments, evidence_requests, seeing
from frameworks.audit_work_forms import AnswerForm, CommentForm, RequestForm
from frameworks.comments import Place
from frameworks.models import Assessment, Control, EvidenceRequest
from inventory import access, markup
from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, Rows
from inventory.forms import PlainReasonForm, ReasonForm
from inventory.listing import Empty, Listing, listing
from inventory.models import Change, User
from inventory.search import holds
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, evidence_readers_only, user_of

Status = EvidenceRequest.Status


class RequestFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Question or control")
    status = ManyFilter(label="State", choices=Status.choices)

    class Meta:
        model = EvidenceRequest
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "question", "control_id", "framework_key"))


REQUESTS = Listing(
    title="Requests for evidence",
    singular="request",
    plural="requests",
    intro="What auditors want to be shown, and what they were answered.",
    columns=(
        Column("id", "Request", "pk", kind="link", url="frameworks:evidence-detail", sort="id"),
        Column("question", "Question", "question"),
        Column("about", "About", lambda row: _about(row)),
        Column("status", "State", labelled("status", Status), kind="badge", sort="status"),
        Column("asked_by", "Asked by", lambda row: row.asked_by.display_name),
        Column("asked", "Asked", "asked_at", kind="time", wide=True),
        Column("due", "By", "due_on", kind="time", empty="No day"),
    ),
    order="-id",
    empty=Empty(
        "Nothing is asked", "Auditors ask on the page of a control or an assessment.",
        icon="file-question-mark",
    ),
)  # fmt: skip


@require_GET
def request_list(request: HttpRequest) -> HttpResponseBase:
    user = evidence_readers_only(request)
    rows = seeing.requests(user).select_related("asked_by", "assessment")
    new = {"label": "Request evidence", "url": reverse("frameworks:evidence-new"), "icon": "plus"}
    asked = RequestFilter(request.GET, rows, request=request)
    return listing(request, asked, REQUESTS, context={"actions": [{**new, "primary": True}]})


@require_http_methods(["GET", "POST"])
def request_new(request: HttpRequest) -> HttpResponse:
    user = evidence_readers_only(request)
    place, back = _place(request, user)
    form = bound(RequestForm, request)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made = evidence_requests.ask(
            question=given["question"], due_on=given["due_on"], place=place, by=user,
            at=timezone.now(),
        )  # fmt: skip
        return redirect("frameworks:evidence-detail", made.pk)
    context = {"form": form, "back": back, "action": request.get_full_path(), "place": place}
    status = 422 if request.method == "POST" else 200
    return render(request, "frameworks/request_form.html", context, status=status)


@require_GET
def request_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = evidence_readers_only(request), timezone.now()
    row = _row(user, pk)
    context = {
        "asked": row,
        "badges": [markup.badge(row.get_status_display(), _TONES[row.status])],
        "actions": _actions(row, user),
        "facts": [
            ("About", _about(row) or "Everything"),
            ("Asked by", row.asked_by.display_name),
            ("Asked", markup.when(row.asked_at, at)),
            ("By", markup.when(row.due_on, at) if row.due_on else "No day"),
            ("Answered by", row.answered_by),
            ("Closed", markup.when(row.closed_at, at)),
        ],
        "comments": comments.about(seen_by=user, request=row),
        "comment_url": f"{reverse('frameworks:comment-new')}?request={row.pk}",
        "sees_controls": access.sees_all(user),
        "events": timeline.events(Change.objects.of(row)[:50]),
        "now": at,
    }
    return render(request, "frameworks/request_detail.html", context)


@require_http_methods(["GET", "POST"])
def request_answer(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    row = _row(user, pk)
    form = bound(AnswerForm, request, text=row.answer, link=row.answer_link)

    def do() -> str:
        given = form.cleaned_data
        evidence_requests.answer(
            row, text=given["text"], link=given["link"], by=user, at=timezone.now()
        )
        return "Answered."

    return act(request, form, Question("Answer", row.question, "Answer", _page(row)), do)


@require_http_methods(["GET", "POST"])
def request_accept(request: HttpRequest, pk: int) -> HttpResponse:
    user = evidence_readers_only(request)
    row = _row(user, pk)
    form = bound(PlainReasonForm, request)

    def do() -> str:
        evidence_requests.accept(row, by=user, at=timezone.now())
        return "The answer is accepted."

    return act(request, form, Question("Accept the answer", row.answer, "Accept", _page(row)), do)


@require_http_methods(["GET", "POST"])
def request_again(request: HttpRequest, pk: int) -> HttpResponse:
    user = evidence_readers_only(request)
    row = _row(user, pk)
    form = bound(ReasonForm, request)

    def do() -> str:
        evidence_requests.ask_again(row, reason=form.cleaned_data["reason"], by=user)
        return "The request is open again."

    return act(request, form, Question("Ask again", row.question, "Ask again", _page(row)), do)


@require_http_methods(["GET", "POST"])
def request_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    user = evidence_readers_only(request)
    row = _row(user, pk)
    form = bound(PlainReasonForm, request)
    question = Question("Withdraw request", row.question, "Withdraw", _page(row), danger=True)

    def do() -> str:
        evidence_requests.withdraw(row, by=user, at=timezone.now())
        return "The request is withdrawn."

    return act(request, form, question, do)


@require_POST
def comment_new(request: HttpRequest) -> HttpResponse:
    """On whatever the address names; leads back to it."""
    user = evidence_readers_only(request)
    place, back = _place(request, user)
    if place == Place():
        raise BadRequest("The comment is about nothing. Write it on a page of an assessment.")
    form = CommentForm(request.POST)
    if not form.is_valid():
        context = {"form": form, "back": back, "action": request.get_full_path()}
        return render(request, "frameworks/comment_form.html", context, status=422)
    comments.add(place, text=form.cleaned_data["text"], by=user, at=timezone.now())
    return redirect(f"{back}#comments")


_TONES = {"open": "warn", "answered": "info", "accepted": "good", "withdrawn": "plain"}


def _row(user: User, pk: int) -> EvidenceRequest:
    rows = seeing.requests(user).select_related("asked_by", "assessment")
    return get_object_or_404(rows, pk=pk)


def _place(request: HttpRequest, user: User) -> tuple[Place, str]:
    """What the address says it is about, and where that is shown."""
    given = request.GET
    if number := given.get("assessment"):
        assessment = get_object_or_404(
            seeing.assessments(user, Assessment.objects.all()), pk=_number(number)
        )
        return Place(assessment=assessment), reverse(
            "frameworks:assessment-detail", args=[assessment.pk]
        )
    if number := given.get("request"):
        row = _row(user, _number(number))
        return Place(request=row), _page(row)
    if control_id := given.get("control"):
        control = get_object_or_404(
            Control.objects.select_related("framework"),
            framework__key=given.get("framework", ""), framework__is_current=True,
            control_id=control_id,
        )  # fmt: skip
        key = control.framework.key
        place = Place(framework_key=key, control_id=control_id)
        if not access.sees_all(user):  # a control's page is about the whole organisation
            return place, reverse("frameworks:evidence-list")
        return place, reverse("frameworks:control-detail", args=[key, control_id])
    return Place(), reverse("frameworks:evidence-list")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise BadRequest(f"“{text}” is no number.")
    return int(text)


def _about(row: EvidenceRequest) -> str:
    if row.assessment is not None:
        return str(row.assessment)
    return f"{row.framework_key} {row.control_id}".strip()


def _actions(row: EvidenceRequest, user: User) -> list[dict[str, object]]:
    """What this user can do with it in its state; the rules check again."""
    mine, security = row.asked_by_id == user.pk, access.changes_all(user)
    waits, answered = row.status == Status.OPEN, row.status == Status.ANSWERED
    takes = answered and (not security or mine) and user.display_name != row.answered_by
    offers = [
        (
            security and (waits or answered),
            "Answer",
            "evidence-answer",
            "message-square-reply",
            False,
        ),
        (takes, "Accept", "evidence-accept", "check", False),
        (answered or row.status == Status.ACCEPTED, "Ask again", "evidence-again", "repeat", False),
        (mine and (waits or answered), "Withdraw", "evidence-withdraw", "ban", True),
    ]
    return [
        {
            "label": label, "url": reverse(f"frameworks:{name}", args=[row.pk]), "icon": icon,
            "danger": danger, "dialog": True,
        }
        for fits, label, name, icon, danger in offers
        if fits
    ]  # fmt: skip


def _page(row: EvidenceRequest) -> str:
    return reverse("frameworks:evidence-detail", args=[row.pk])
