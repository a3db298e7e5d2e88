"""Users: who may sign in, as what."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup, users
from inventory.forms import PlainReasonForm
from inventory.listing import listing
from inventory.models import Change, User
from inventory.record_filters import UserFilter
from inventory.rules import RuleBroken
from inventory.setting_columns import USERS, token_state
from inventory.setting_forms import NewUserForm, UserForm
from inventory.views import timeline
from inventory.views.answers import Question, act, readers_only, user_of


@require_GET
def user_list(request: HttpRequest) -> HttpResponseBase:
    user = readers_only(request)
    rows = User.objects.select_related("person", "scope")
    new = {
        "label": "Add a user",
        "url": reverse("inventory:user-new"),
        "icon": "user-plus",
        "primary": True,
    }
    context = {"actions": [new] if access.changes_all(user) else []}
    return listing(request, UserFilter(request.GET, rows, request=request), USERS, context=context)


@require_http_methods(["GET", "POST"])
def user_new(request: HttpRequest) -> HttpResponse:
    """Makes a user; the answer shows the first password, this once."""
    user = user_of(request)
    access.require_security(user)
    form = NewUserForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made, password = users.add(by=user, at=timezone.now(), **form.cleaned_data)
            return _secret(request, made, password, "The user was added.")
        except RuleBroken as error:
            form.add_error(None, str(error))
    context = {
        "title": "Add a user",
        "question": "A password for the first sign-in is made and shown once.",
        "form": form,
        "submit": "Add",
        "cancel_url": reverse("inventory:user-list"),
    }
    status = 422 if form.is_bound else 200
    return render(request, "inventory/ask.html", context, status=status)


@require_http_methods(["GET", "POST"])
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The facts of a user; security changes them in place."""
    asking = readers_only(request)
    user = _user(pk)
    form = UserForm(request.POST) if request.method == "POST" else UserForm(initial=_facts(user))
    if form.is_bound:
        back = reverse("inventory:user-edit", args=[pk])
        access.require_security(asking)
        question = Question(f"Change {user.username}", "", "Save", back)

        def do() -> str:
            users.change(user, by=asking, at=timezone.now(), **form.cleaned_data)
            return "Saved."

        return act(request, form, question, do)
    context = {
        "shown": user,
        "form": form,
        "badges": [markup.badge("Active" if user.is_active else "Switched off")],
        "actions": _actions(user) if access.changes_all(asking) else [],
        "may_change": access.changes_all(asking),
        "tokens": [(token, token_state(token)) for token in user.api_tokens.order_by("-pk")[:20]],
        "events": timeline.events(Change.objects.of(user)[:20]),
        "now": timezone.now(),
    }
    return render(request, "inventory/user_detail.html", context)


@require_http_methods(["GET", "POST"])
def user_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Off when it is on, on when it is off."""
    asking = user_of(request)
    access.require_security(asking)
    user = _user(pk)
    form = PlainReasonForm(request.POST if request.method == "POST" else None)
    back = reverse("inventory:user-edit", args=[pk])
    off = user.is_active
    text = (
        "Sessions and tokens of this user end at once."
        if off
        else "The user may sign in again, and their tokens work again."
    )
    verb = "Switch off" if off else "Switch on"
    question = Question(f"{verb} {user.username}", text, verb, back, danger=off)

    def do() -> str:
        rule = users.switch_off if off else users.switch_on
        rule(user, by=asking, reason=form.cleaned_data["reason"], at=timezone.now())
        return f"{user.username} is switched {'off' if off else 'on'}."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def user_password(request: HttpRequest, pk: int) -> HttpResponse:
    asking = user_of(request)
    access.require_security(asking)
    user = _user(pk)
    if request.method == "POST":
        try:
            password = users.reset_password(user, by=asking, at=timezone.now())
            return _secret(request, user, password, "The user has a new password.")
        except RuleBroken as error:
            return render(
                request,
                "inventory/user_secret.html",
                {"shown": user, "problem": str(error)},
                status=422,
            )
    context = {
        "title": f"New password for {user.username}",
        "question": "It is shown once, and has to be changed at the next sign-in. Open sessions of this user end.",
        "form": None,
        "submit": "Make a new password",
        "cancel_url": reverse("inventory:user-edit", args=[pk]),
    }
    return render(request, "inventory/ask.html", context)


def _user(pk: int) -> User:
    return get_object_or_404(User.objects.select_related("person", "scope"), pk=pk)


def _secret(request: HttpRequest, user: User, secret: str, said: str) -> HttpResponse:
    return render(
        request, "inventory/user_secret.html", {"shown": user, "secret": secret, "said": said}
    )


def _facts(user: User) -> dict[str, object]:
    person = user.person.email if user.person else ""
    names = ("first_name", "last_name", "email", "role")
    return {name: getattr(user, name) for name in names} | {
        "person": person,
        "scope": user.scope_id,
    }


def _actions(user: User) -> list[dict[str, object]]:
    offers = [
        ("user-switch", "Switch off" if user.is_active else "Switch on", "power", user.is_active)
    ]
    if user.is_service:
        offers.append(("user-token", "New token", "ticket", False))
    else:
        offers.append(("user-password", "New password", "key-round", False))
    return [
        {
            "label": label,
            "url": reverse(f"inventory:{name}", args=[user.pk]),
            "icon": icon,
            "danger": danger,
        }
        for name, label, icon, danger in offers
    ]
