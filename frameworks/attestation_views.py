"""Attestations: the list, a new one for a control, its file, and its end."""

import django_filters
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from frameworks import attestations
from frameworks.audit_work_forms import AttestationForm
from frameworks.models import Attestation, Control
from inventory import access, markup
from inventory.columns import Column
from inventory.filters import Filters, Rows, choice
from inventory.forms import ReasonForm
from inventory.listing import Empty, Listing, listing
from inventory.search import holds
from inventory.views.answers import Question, act, bound, readers_only, user_of

_STATES = (("standing", "Standing"), ("ended", "Ended"), ("withdrawn", "Withdrawn"))


class AttestationFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Text or control")
    state = choice(_STATES, "by_state", label="State")

    class Meta:
        model = Attestation
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "statement", "control_id", "framework_key"))

    def by_state(self, rows: Rows, name: str, value: str) -> Rows:
        today = timezone.now().date()
        meaning = {
            "standing": Q(withdrawn_at=None, ends_on__gte=today),
            "ended": Q(withdrawn_at=None, ends_on__lt=today),
            "withdrawn": Q(withdrawn_at__isnull=False),
        }
        return rows.filter(meaning[value])


ATTESTATIONS = Listing(
    title="Attestations",
    singular="attestation",
    plural="attestations",
    intro="What people say of controls, until a day. It is shown beside what was measured and changes no answer.",
    columns=(
        Column(
            "control", "Control",
            lambda row: markup.link(_control_url(row), f"{row.framework_key} {row.control_id}"),
            csv=lambda row: f"{row.framework_key} {row.control_id}", sort="id",
        ),
        Column("statement", "Statement", "statement"),
        Column("state", "State", lambda row: row.state(timezone.now()).capitalize()),
        Column("author", "By", lambda row: row.author.display_name),
        Column("made", "Made", "made_at", kind="time", wide=True),
        Column("ends", "Counts until", "ends_on", kind="time", sort="ends_on"),
        Column("file", "File", "file_name", wide=True),
    ),
    order="-control",
    empty=Empty("No attestations yet", "Security adds them on the page of a control.", icon="signature"),
)  # fmt: skip


@require_GET
def attestation_list(request: HttpRequest) -> HttpResponseBase:
    readers_only(request)
    rows = Attestation.objects.select_related("author").defer("file_content")
    return listing(request, AttestationFilter(request.GET, rows, request=request), ATTESTATIONS)


@require_http_methods(["GET", "POST"])
def control_attest(request: HttpRequest, key: str, control_id: str) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    control = get_object_or_404(
        Control.objects.assessed().select_related("framework"),
        framework__key=key, framework__is_current=True, control_id=control_id,
    )  # fmt: skip
    form = (
        AttestationForm(request.POST, request.FILES)
        if request.method == "POST"
        else AttestationForm()
    )
    text = "It is shown as what you say, apart from what was measured."
    question = Question(f"Attest to {control}", text, "Attest", _page(key, control_id))

    def do() -> str:
        attestations.attest(control, form.said(), by=user, at=timezone.now())
        return "The attestation stands."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def attestation_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    row = get_object_or_404(Attestation.objects.defer("file_content"), pk=pk)
    form = bound(ReasonForm, request)
    question = Question(
        "Withdraw attestation", row.statement, "Withdraw", _control_url(row), danger=True
    )

    def do() -> str:
        reason = form.cleaned_data["reason"]
        attestations.withdraw(row, reason=reason, by=user, at=timezone.now())
        return "The attestation counts no more."

    return act(request, form, question, do)


@require_GET
def attestation_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The file as it was handed in; its SHA-256 stands on the page."""
    readers_only(request)
    row = get_object_or_404(Attestation, pk=pk)
    if row.file_content is None:
        raise Http404("No file was handed in with it.")
    # Never shown in the browser: what somebody handed in might be a page with scripts.
    response = HttpResponse(bytes(row.file_content), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="attestation-{row.pk}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _control_url(row: Attestation) -> str:
    return _page(row.framework_key, row.control_id)


def _page(key: str, control_id: str) -> str:
    return reverse("frameworks:control-detail", args=[key, control_id])
