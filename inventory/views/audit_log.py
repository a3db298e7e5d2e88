"""The audit log: every recorded change, and one of them in full."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from inventory import access
from inventory.governed import word
from inventory.listing import listing
from inventory.models import Change, Identity
from inventory.noun_columns import CHANGES
from inventory.record_filters import ChangeFilter
from inventory.views import timeline
from inventory.views.answers import readers_only, user_of


@require_GET
def change_list(request: HttpRequest) -> HttpResponseBase:
    readers_only(request)
    rows = Change.objects.all()
    return listing(request, ChangeFilter(request.GET, rows, request=request), CHANGES)


@require_GET
def change_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """For an owner only where the change is about an identity that they may see."""
    user = user_of(request)
    rows = Change.objects.all()
    if not access.sees_all(user):
        mine = access.visible_to(user, Identity.objects.all()).order_by().values("pk")
        rows = rows.filter(identity_id__in=mine)
    change = get_object_or_404(rows, pk=pk)
    model, names = timeline.model_of(change), timeline.names_in([change])
    before, after = change.before or {}, change.after or change.before or {}
    lines = [
        (
            timeline.label(column, model),
            timeline.value(column, before[column], model, names) if column in before else "",
            timeline.value(column, found, model, names),
            column in before and change.operation == Change.Operation.UPDATE,
        )
        for column, found in after.items()
    ]
    context = {
        "change": change,
        "lines": lines,
        "noun": word(change.noun),
        "back_label": "Audit" if access.sees_all(user) else "Identity",
        "back_url": reverse("inventory:change-list")
        if access.sees_all(user)
        else reverse("inventory:identity-detail", args=[change.identity_id]),
    }
    return render(request, "inventory/change_detail.html", context)
