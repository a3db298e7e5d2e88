"""The rules for requests: what is in force, every earlier version, and changing them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access
from inventory.rules import RuleBroken
from inventory.views.answers import readers_only, user_of
from reviews import access_rules
from reviews.access_rules import APPROVALS
from reviews.models import AccessPolicy
from reviews.rules_forms import RulesForm

VERSIONS = 50


@require_GET
def rules_page(request: HttpRequest) -> HttpResponse:
    """The rules in force, or with `?version=` those of an earlier version."""
    user = readers_only(request)
    newest = access_rules.current()
    asked = request.GET.get("version", "")
    shown = (
        get_object_or_404(AccessPolicy, version=asked)
        if asked.isdecimal() and len(asked) < 9
        else newest
    )
    context = {
        "shown": shown,
        "newest": newest,
        "blocks": _table(shown),
        "versions": AccessPolicy.objects.all()[:VERSIONS],
        "may_change": access.changes_all(user),
        "now": timezone.now(),
    }
    return render(request, "reviews/access_rules.html", context)


@require_http_methods(["GET", "POST"])
def rules_change(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    newest = access_rules.current()
    posted = request.POST if request.method == "POST" else None
    form = RulesForm(access_rules.rules_of(newest), posted)
    if posted is not None and form.is_valid():
        try:
            note = form.cleaned_data["note"]
            made = access_rules.decide(form.rules(), by=user, note=note, at=timezone.now())
            messages.success(request, f"Version {made.version} is in force.")
            return redirect("reviews:access-rules")
        except RuleBroken as error:
            form.add_error(None, str(error))
    context = {"form": form, "blocks": form.blocks(), "newest": newest}
    return render(
        request, "reviews/access_rules_form.html", context, status=200 if posted is None else 422
    )


def _table(policy: AccessPolicy) -> list[tuple[str, list[tuple[str, object, str]]]]:
    """For each kind: risk, rule, and who approves in words."""
    words = dict(APPROVALS)
    titles = {"temporary": "Access for a while", "permanent": "Access for good"}
    by_kind = access_rules.rules_of(policy).by_kind
    return [
        (titles[kind], [(risk, rule, words[rule.approval]) for risk, rule in rules.items()])
        for kind, rules in by_kind.items()
    ]
