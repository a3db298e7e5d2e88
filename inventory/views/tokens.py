"""API tokens: one's own, those of services, and for security everybody's."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, api_tokens
from inventory.forms import PlainReasonForm
from inventory.listing import listing
from inventory.models import ApiToken, User
from inventory.record_filters import TokenFilter
from inventory.rules import RuleBroken
from inventory.setting_columns import TOKENS, token_state
from inventory.setting_forms import TokenForm
from inventory.views.answers import Question, act, readers_only, user_of


@require_GET
def token_list(request: HttpRequest) -> HttpResponseBase:
    readers_only(request)
    rows = ApiToken.objects.select_related("user")
    return listing(request, TokenFilter(request.GET, rows, request=request), TOKENS)


@require_GET
def my_tokens(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    new = {
        "label": "New token",
        "url": reverse("inventory:token-new"),
        "icon": "plus",
        "primary": True,
    }
    context = {
        "tokens": [(token, token_state(token)) for token in user.api_tokens.order_by("-pk")[:200]],
        "actions": [new],
        "now": timezone.now(),
    }
    return render(request, "inventory/token_list.html", context)


@require_http_methods(["GET", "POST"])
def token_new(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    return _new(request, user, user, reverse("inventory:my-tokens"))


@require_http_methods(["GET", "POST"])
def service_token_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Security makes the tokens of service users, which cannot make their own."""
    asking = user_of(request)
    access.require_security(asking)
    user = get_object_or_404(User, pk=pk)
    return _new(request, user, asking, reverse("inventory:user-edit", args=[pk]))


@require_http_methods(["GET", "POST"])
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """One's own; security also those of others. What is not yours does not exist for you."""
    asking = user_of(request)
    mine = ApiToken.objects.filter(user=asking)
    rows = ApiToken.objects.all() if access.sees_all(asking) else mine
    token = get_object_or_404(rows.select_related("user"), pk=pk)
    own = token.user_id == asking.pk
    if not own and not access.changes_all(asking):
        raise PermissionDenied("Only security revokes the tokens of others.")
    form = PlainReasonForm(request.POST if request.method == "POST" else None)
    back = reverse("inventory:my-tokens" if own else "inventory:token-list")
    question = Question(
        f"Revoke {token.name}", "What uses it is refused from now on.", "Revoke", back, danger=True
    )

    def do() -> str:
        reason = form.cleaned_data["reason"]
        api_tokens.revoke(token, by=asking, reason=reason, at=timezone.now())
        return f"{token.name} is revoked."

    return act(request, form, question, do)


def _new(request: HttpRequest, user: User, by: User, back: str) -> HttpResponse:
    """Makes a token; the answer shows it, this once."""
    form = TokenForm(user, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        given, at = form.cleaned_data, timezone.now()
        try:
            token, secret = api_tokens.create(
                user, name=given["name"], scopes=given["scopes"],
                until=at + form.lifetime(), by=by, at=at,
            )  # fmt: skip
            context = {"token": token, "secret": secret, "back_url": back}
            return render(request, "inventory/token_made.html", context)
        except RuleBroken as error:
            form.add_error(None, str(error))
    context = {
        "title": "New API token",
        "question": f"It acts as {user.username}, within what you tick here. It is shown once.",
        "form": form,
        "submit": "Make the token",
        "cancel_url": back,
    }
    return render(request, "inventory/ask.html", context, status=422 if form.is_bound else 200)
