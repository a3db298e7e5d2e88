"""Standing access of one grant turned into just-in-time access."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from inventory import access
from inventory.forms import ReasonForm
from inventory.models import Grant
from inventory.views.answers import Question, act, bound, user_of
from reviews import conversions


@require_http_methods(["GET", "POST"])
def grant_convert(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    rows = Grant.objects.select_related("identity__owner", "entitlement")
    grant = get_object_or_404(access.visible_to(user, rows), pk=pk)
    access.require(user, "narrow", grant)
    form = bound(ReasonForm, request)
    back = reverse("inventory:grant-detail", args=[pk])
    question = Question("Make it just-in-time", conversions.foretell(grant, at), "Convert", back)

    def do() -> str:
        done = conversions.convert(grant, by=user, reason=form.cleaned_data["reason"], at=at)
        if done.replacement is None:
            return "Ended: nobody had used it."
        return f"Converted. It goes on until {done.replacement.expires_at:%d %b %Y, %H:%M} UTC."

    return act(request, form, question, do)
