"""The Overview: what needs a look today, in one screen."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access
from inventory.views.answers import user_of
from mandate import overview as said


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Numbers of what the signed-in user may see, each leading to its list; and what is worst."""
    user, now = user_of(request), timezone.now()
    found = said.numbers(request, user)
    context: dict[str, object] = {
        "now": now,
        "tiles": said.tiles(user, found),
        "is_empty": not found["identities"].number,
        "open_total": said.open_total(found),
        "severities": said.severity_parts(found),
        "failing": said.failing(found),
        "sees_all": access.sees_all(user),
        "may_import": access.changes_all(user),
        **said.drift_now(user, now),
    }
    if access.sees_all(user):
        sources, stale = said.stale_sources(now)
        context |= {
            "failing_trend": said.trend(now),
            "leaving": said.leaving(),
            "source_count": len(sources),
            "stale_sources": stale,
            "frameworks": said.framework_tallies(now),
        }
    return render(request, "overview.html", context)
