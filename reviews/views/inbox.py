"""The inbox: what waits for the signed-in person, what ends this week, what goes unused."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory.views.answers import user_of
from reviews import inbox
from reviews.request_list import wanted

SHOWN = 20


@require_GET
def inbox_page(request: HttpRequest) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    mine = inbox.of(user, at)
    context = {
        "requests": [(each, wanted(each)) for each in mine.requests[:SHOWN]],
        "questions": list(mine.actions[:SHOWN]),
        "cuts": list(mine.cuts[:SHOWN]),
        "ending": list(mine.ending[:SHOWN]),
        "unused": list(mine.unused[:SHOWN]),
        "tasks": list(mine.tasks[:SHOWN]),
        "reviews": list(
            mine.reviews.values_list("campaign", "campaign__name", "campaign__due_at")
            .order_by("campaign__due_at", "campaign")
            .annotate(number=Count("pk"))
        ),
        "owner": user.person_id,
        "shown": SHOWN,
        "now": at,
    }
    return render(request, "reviews/inbox.html", context)
