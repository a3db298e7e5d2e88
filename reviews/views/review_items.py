"""Items of access reviews: the list of a campaign, one item with its facts, deciding one or many."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from inventory import access, markup
from inventory.listing import listing, selected, selection_fields
from inventory.models import User
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, user_of
from reviews import campaigns, review_items
from reviews.campaign_forms import FORMS
from reviews.campaign_list import IDENTITY, ITEMS, ItemFilter, decision_of
from reviews.models import Campaign, ReviewItem
from reviews.review_items import Decision

TITLES = {
    Decision.KEEP: ("Keep", "It stays as it is.", "check"),
    Decision.REVOKE: ("Revoke", "It ends at this moment.", "ban"),
    Decision.NARROW: ("Give it an end", "It ends on the day you choose.", "calendar-clock"),
    Decision.HAND_OVER: (
        "Hand over",
        "Somebody else answers for the identity from now on.",
        "user-check",
    ),
    Decision.ASK: (
        "Ask",
        "The owner is told your question; it still waits for a decision.",
        "message-circle-question-mark",
    ),
}


@require_GET
def campaign_items(request: HttpRequest, pk: int) -> HttpResponseBase:
    user = user_of(request)
    campaign = get_object_or_404(campaigns.visible_to(user), pk=pk)
    rows = _rows(user).filter(campaign=campaign)
    asked = ItemFilter(request.GET, rows, request=request)
    bulk = campaign.status == Campaign.Status.OPEN and user.role != User.Role.AUDITOR
    return listing(request, asked, replace(ITEMS, title=campaign.name), bulk=bulk)


@require_GET
def item_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    item = _seen(user, pk)
    review_items.show(ReviewItem.objects.filter(pk=pk), to=user, at=at)
    waiting = not item.decision or item.decision == Decision.ASK
    context = {
        "item": item,
        "title": f"{item.grant.entitlement} of {item.identity}",
        "badges": [markup.badge(decision_of(item))],
        "actions": _actions(item) if waiting and review_items.may_decide(item, user) else [],
        "recommended": TITLES[Decision(item.recommendation)][0] if item.recommendation else "",
        "facts": _facts(item, at),
        "decided": _decided(item, at),
        "following": _next(user, item),
        "now": at,
    }
    return render(request, "reviews/item_detail.html", context)


@require_http_methods(["GET", "POST"])
def item_decide(request: HttpRequest, pk: int, decision: str) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    item = _seen(user, pk)
    access.require_decider(user)
    title, text, _ = TITLES[Decision(decision)]
    form: Any = FORMS[decision](request.POST if request.method == "POST" else None)
    question = Question(title, text, title, _after(user, item), danger=decision == Decision.REVOKE)

    def do() -> str:
        rows = ReviewItem.objects.filter(pk=pk)
        review_items.decide(rows, verdict=form.verdict(decision), by=user, at=at)
        return f"{item.grant.entitlement}: {title.lower()}."

    return act(request, form, question, do)


def _many(decision: str) -> Callable[[HttpRequest], HttpResponse]:
    """A view that asks with the number, and decides once it is confirmed."""

    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        user = user_of(request)
        access.require_decider(user)
        rows = selected(request, ItemFilter, review_items.visible_to(user))
        number = rows.count()
        if not number:
            messages.warning(request, "No item is selected. Tick some rows first.")
            return redirect("reviews:campaign-list")
        form: Any = FORMS[decision](request.POST if "confirmed" in request.POST else None)
        if form.is_bound and form.is_valid():
            try:
                verdict, at = form.verdict(decision), timezone.now()
                done = review_items.decide(rows, verdict=verdict, by=user, at=at, in_bulk=True)
                messages.success(
                    request, f"{done} of {number} decided: {TITLES[Decision(decision)][0].lower()}."
                )
                return redirect(_back(request, rows))
            except RuleBroken as error:
                form.add_error(None, str(error))
        return _ask(request, decision, form, rows)

    return view


items_keep = _many(Decision.KEEP)
items_revoke = _many(Decision.REVOKE)
items_narrow = _many(Decision.NARROW)
items_hand_over = _many(Decision.HAND_OVER)
items_ask = _many(Decision.ASK)


def _ask(
    request: HttpRequest, decision: str, form: Any, rows: QuerySet[ReviewItem]
) -> HttpResponse:
    title, text, _ = TITLES[Decision(decision)]
    context = {
        "title": title,
        "question": f"{title}: {rows.count()} items? {text}",
        "form": form,
        "action": request.path,
        "submit": title,
        "danger": decision == Decision.REVOKE,
        "cancel_url": _back(request, rows),
        "hidden": [*selection_fields(request), ("confirmed", "1")],
    }
    status = 422 if form.is_bound else 200
    return render(request, "inventory/ask.html", context, status=status)


def _back(request: HttpRequest, rows: QuerySet[ReviewItem]) -> str:
    campaign = rows.values_list("campaign", flat=True).first()
    if campaign is None:
        return reverse("reviews:campaign-list")
    return f"{reverse('reviews:campaign-items', args=[campaign])}?{request.POST.get('filter', '')}"


def _rows(user: User) -> QuerySet[ReviewItem]:
    return review_items.visible_to(user).select_related(
        "grant__entitlement__system", "identity", "reviewer", "decided_by", "campaign"
    )


def _seen(user: User, pk: int) -> ReviewItem:
    return get_object_or_404(_rows(user), pk=pk)


def _next(user: User, item: ReviewItem) -> ReviewItem | None:
    """The next one that waits for this person in the same campaign."""
    rows = _rows(user).filter(review_items.UNDECIDED, campaign=item.campaign_id)
    if user.person_id is not None:
        rows = rows.filter(reviewer=user.person_id)
    return rows.filter(pk__gt=item.pk).order_by("pk").first()


def _after(user: User, item: ReviewItem) -> str:
    """Where a decision leads: to the next item, so that a reviewer goes on without a detour."""
    following = _next(user, item)
    if following is not None:
        return reverse("reviews:item-detail", args=[following.pk])
    return reverse("reviews:campaign-items", args=[item.campaign_id])


def _actions(item: ReviewItem) -> list[dict[str, object]]:
    return [
        {
            "label": title,
            "url": reverse(f"reviews:item-{decision.replace('_', '-')}", args=[item.pk]),
            "icon": icon,
            "primary": decision == item.recommendation and decision != Decision.REVOKE,
            "danger": decision == Decision.REVOKE,
            "dialog": True,
        }
        for decision, (title, _, icon) in TITLES.items()
    ]


def _facts(item: ReviewItem, at: datetime) -> list[tuple[str, object]]:
    told, grant = item.facts, item.grant
    used: object = markup.when(_moment(told.get("last_used_at")), at)
    if not told.get("last_used_at"):
        used = "Never" if told.get("use_known") else "Not reported by its source"
    last = told.get("last_review")
    return [
        (
            "Access",
            markup.link(reverse("inventory:grant-detail", args=[grant.pk]), grant.entitlement),
        ),
        ("Identity", markup.link(markup.address(IDENTITY)(item.identity_id), item.identity)),
        ("System", told.get("system")),
        ("Risk", markup.badge(str(told.get("risk", "")).capitalize())),
        ("Last used", used),
        ("Held since", markup.when(_moment(told.get("since")), at)),
        ("Ends", markup.when(_moment(told.get("ends")), at) if told.get("ends") else "No end"),
        ("Granted by", told.get("granted_by")),
        ("Approved by", told.get("approved_by")),
        ("Why it was granted", told.get("reason")),
        ("Via", told.get("via")),
        (
            "Last review",
            f"{Decision(last['decision']).label}, {last['at'][:10]}" if last else "Never reviewed",
        ),
        ("Changes in 90 days", told.get("changes_in_90_days")),
        ("Identity also reaches", ", ".join(told.get("reaches", []))),
        ("Open findings", told.get("open_findings")),
        ("Passed over", told.get("passed_over")),
    ]


def _decided(item: ReviewItem, at: datetime) -> list[tuple[str, object]]:
    if not item.decision:
        return []
    by = item.decided_by.display_name if item.decided_by else "Nobody; time was over"
    return [
        ("Decision", item.get_decision_display()),
        ("By", by),
        ("When", markup.when(item.decided_at, at)),
        ("Reason", item.reason),
        ("Outcome", item.outcome),
    ]


def _moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
