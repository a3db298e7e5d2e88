"""Settings: what security decides once for all."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, policy_settings
from inventory.models import ApiToken, User
from inventory.policy_settings import LEAVING
from inventory.setting_forms import PolicyForm
from inventory.views.answers import Question, act, readers_only, user_of


@require_GET
def settings_page(request: HttpRequest) -> HttpResponse:
    user = readers_only(request)
    context = {
        "users": User.objects.filter(is_active=True).count(),
        "tokens": ApiToken.objects.filter(revoked_at=None, expires_at__gt=timezone.now()).count(),
        "leaving": LEAVING,
        "leaving_decided": LEAVING.label(LEAVING.decided()),
        "may_change": access.changes_all(user),
    }
    return render(request, "inventory/settings.html", context)


@require_http_methods(["GET", "POST"])
def settings_leaving(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    form = PolicyForm(LEAVING, request.POST if request.method == "POST" else None)
    question = Question(LEAVING.title, "", "Save", reverse("inventory:settings"))

    def do() -> str:
        given = form.cleaned_data
        changed = policy_settings.decide(
            LEAVING, given["value"], by=user, reason=given["reason"], at=timezone.now()
        )
        return "Saved." if changed else "Nothing was different."

    return act(request, form, question, do)
