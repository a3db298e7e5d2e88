"""Access reviews: the list, drafting, the page of one with its preview, launching, ending, the report."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup
from inventory.forms import PlainReasonForm, ReasonForm
from inventory.listing import listing
from inventory.models import Change, User
from inventory.rules import RuleBroken
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, user_of
from reviews import campaign_closing, campaigns
from reviews.campaign_forms import CampaignForm
from reviews.campaign_list import CAMPAIGNS, CampaignFilter, with_progress
from reviews.models import Campaign
from reviews.review_items import UNDECIDED

Status = Campaign.Status


@require_GET
def campaign_list(request: HttpRequest) -> HttpResponseBase:
    rows = with_progress(campaigns.visible_to(user_of(request)))
    return listing(request, CampaignFilter(request.GET, rows, request=request), CAMPAIGNS)


@require_http_methods(["GET", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    access.require_security(user)
    form = bound(CampaignForm, request)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(_page(campaigns.draft(form.plan(), by=user, at=at).pk))
        except RuleBroken as error:
            form.add_error(None, str(error))
    status = 422 if request.method == "POST" else 200
    return render(request, "reviews/campaign_form.html", {"form": form}, status=status)


@require_GET
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    campaign = _seen(user, pk)
    draft = campaign.status == Status.DRAFT
    context = {
        "campaign": campaign,
        "badges": [markup.badge(campaign.get_status_display())],
        "actions": _actions(user, campaign),
        "facts": _facts(campaign, at),
        "preview": campaigns.preview(campaign, at) if draft else None,
        "reviewers": None if draft else _reviewers(campaign),
        "events": timeline.events(Change.objects.of(campaign)[:50]),
        "may_change": access.changes_all(user),
        "now": at,
    }
    return render(request, "reviews/campaign_detail.html", context)


@require_http_methods(["GET", "POST"])
def campaign_launch(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    campaign = _seen(user, pk)
    access.require_security(user)
    form = bound(PlainReasonForm, request)
    told = campaigns.preview(campaign, at)
    text = f"{told.items:,} grants are put to {len(told.load):,} reviewers, who are told now."
    question = Question("Launch review", text, "Launch", _page(pk))

    def do() -> str:
        campaigns.launch(campaign, by=user, at=at)
        return "The review runs."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def campaign_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    campaign = _seen(user, pk)
    access.require_security(user)
    form = bound(ReasonForm, request)
    text = "What was decided so far stays done; what was not decided stays as it is."
    question = Question("Cancel review", text, "Cancel review", _page(pk), danger=True)

    def do() -> str:
        reason = form.cleaned_data["reason"]
        campaigns.cancel(campaign, by=user, reason=reason, at=timezone.now())
        return "The review is cancelled."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def campaign_close(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    campaign = _seen(user, pk)
    access.require_security(user)
    form = bound(PlainReasonForm, request)
    text = "Everything has to be decided. A closed review cannot be changed any more."
    question = Question("Close review", text, "Close", _page(pk))

    def do() -> str:
        campaign_closing.close_early(campaign, by=user, at=timezone.now())
        return "The review is closed."

    return act(request, form, question, do)


@require_GET
def campaign_report(request: HttpRequest, pk: int) -> HttpResponse:
    """The sealed report; its SHA-256 stands on the page."""
    user = user_of(request)
    campaign = _seen(user, pk)
    if not access.reads_evidence(user) or campaign.status != Status.CLOSED:
        raise Http404("There is a report once the review is closed.")
    response = HttpResponse(campaign_closing.as_bytes(campaign), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="review-{campaign.pk}.json"'
    return response


def _seen(user: User, pk: int) -> Campaign:
    return get_object_or_404(
        campaigns.visible_to(user).select_related("team", "named_reviewer"), pk=pk
    )


def _reviewers(campaign: Campaign) -> list[tuple[str, int, int]]:
    """Each reviewer with all and undecided items."""
    rows = with_progress(Campaign.objects.filter(pk=campaign.pk)).values_list(
        "items__reviewer__name", "all_items", "waiting_items"
    )
    return sorted(
        ((name or "Security", whole, left) for name, whole, left in rows), key=lambda one: -one[2]
    )


def _actions(user: User, campaign: Campaign) -> list[dict[str, object]]:
    items = {
        "label": "Items",
        "url": reverse("reviews:campaign-items", args=[campaign.pk]),
        "icon": "list-checks",
        "primary": campaign.status == Status.OPEN,
    }
    found: list[dict[str, object]] = [] if campaign.status == Status.DRAFT else [items]
    if not access.changes_all(user):
        return found
    undecided = campaign.status == Status.OPEN and campaign.items.filter(UNDECIDED).exists()
    offers = [
        (campaign.status == Status.DRAFT, "Launch", "campaign-launch", "play", False),
        (
            campaign.status == Status.OPEN and not undecided,
            "Close",
            "campaign-close",
            "lock",
            False,
        ),
        (
            campaign.status in (Status.DRAFT, Status.OPEN),
            "Cancel review",
            "campaign-cancel",
            "ban",
            True,
        ),
    ]
    return found + [
        {
            "label": label,
            "url": reverse(f"reviews:{name}", args=[campaign.pk]),
            "icon": icon,
            "danger": danger,
            "primary": name == "campaign-launch",
            "dialog": True,
        }
        for fits, label, name, icon, danger in offers
        if fits
    ]


def _facts(campaign: Campaign, at: datetime) -> list[tuple[str, object]]:
    return [
        ("Scope", campaign.get_scope_display()),
        ("Team", campaign.team or "All"),
        ("Reviewers", campaign.named_reviewer or campaign.get_reviewers_display()),
        ("Due", markup.when(campaign.due_at, at)),
        ("Undecided from", markup.when(campaign.acts_at, at)),
        ("Then", campaign.get_on_silence_display()),
        ("What is used", "Spared" if campaign.spare_used else "Treated the same"),
        ("Again", f"every {campaign.repeat_days} days" if campaign.repeat_days else "Once"),
        ("Drafted by", campaign.author),
        ("Launched", markup.when(campaign.launched_at, at)),
        ("Closed", markup.when(campaign.closed_at, at)),
    ]


def _page(pk: int) -> str:
    return reverse("reviews:campaign-detail", args=[pk])
