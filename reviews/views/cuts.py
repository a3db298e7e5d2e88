"""Cutting an identity off from what it should not reach: what to end, the proposal, the answer."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, cuts, markup
from inventory.blast import described
from inventory.effective import access_of
from inventory.forms import PlainReasonForm, ReasonForm
from inventory.listing import listing
from inventory.models import Change, Entitlement, Identity, User
from inventory.rules import RuleBroken
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, user_of
from reviews import cut_words, path_cuts
from reviews.cut_list import CUTS, IDENTITY, CutFilter, state_of
from reviews.models import PathCut

CHOICES = 50  # of what is reached through others, the riskiest


class CutForm(ReasonForm):
    """Which of the offered cuts, and why."""

    cut = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean_cut(self) -> object:
        found = cut_words.parsed(self.cleaned_data["cut"])
        if not found:
            raise forms.ValidationError("Choose one of the cuts.")
        return found


@require_GET
def cut_list(request: HttpRequest) -> HttpResponseBase:
    rows = path_cuts.visible_to(user_of(request)).select_related(
        "identity", "target_identity", "target_entitlement", "asked_by"
    )
    return listing(request, CutFilter(request.GET, rows, request=request), CUTS)


@require_http_methods(["GET", "POST"])
def identity_cut(request: HttpRequest, pk: int) -> HttpResponse:
    """What the identity reaches through others, to choose from; or, with a target, the cuts."""
    user, at = user_of(request), timezone.now()
    seen = access.visible_to(user, Identity.objects.all())
    identity = get_object_or_404(seen, pk=pk)
    access.require(user, "revoke", identity)
    context = {"identity": identity, "title": f"Cut {identity} off", "now": at}
    target = _target(request)
    if target is None:
        reached = described(access_of(identity.pk, at).through_others().values())
        context |= {"choices": reached[:CHOICES], "more": max(len(reached) - CHOICES, 0)}
        return render(request, "reviews/identity_cut.html", context)
    form = bound(CutForm, request)
    if request.method == "POST" and form.is_valid():
        try:
            made = path_cuts.ask(
                identity, target, form.cleaned_data["cut"], by=user,
                reason=form.cleaned_data["reason"], at=at,
            )  # fmt: skip
            return redirect("reviews:cut-detail", made.pk)
        except RuleBroken as error:
            form.add_error(None, str(error))
    proposal = cuts.propose(identity.pk, path_cuts.target_of(target), at)
    context |= {
        "title": f"Cut {identity} off from {target}",
        "target": target,
        "form": form,
        "proposal": proposal,
        "steps": cut_words.steps(proposal.way) if proposal.way else [],
        "cuts": cut_words.offered(proposal.cuts),
        "chosen": request.POST.get("cut", ""),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "reviews/identity_cut.html", context, status=status)


@require_GET
def cut_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    cut = _seen(user, pk)
    words = cut_words.removals(path_cuts.removals_of(cut))
    context = {
        "cut": cut,
        "title": f"Cut {cut.identity} off from {cut.target}",
        "badges": [markup.badge(state_of(cut))],
        "actions": _actions(user, cut),
        "ends": sorted(words.values()),
        "facts": _facts(cut),
        "events": timeline.events(Change.objects.of(cut)[:50]),
        "now": at,
    }
    return render(request, "reviews/cut_detail.html", context)


@require_http_methods(["GET", "POST"])
def cut_approve(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    cut = _seen(user, pk)
    access.require_decider(user)
    form = bound(PlainReasonForm, request)
    number = len(cut.delegations) + len(cut.grants)
    text = f"What is named ends at once, for good: {number} in all. The platforms behind have to follow."
    question = Question(
        "Approve cut", text, "Approve and end them", _page(pk), danger=True,
        consequences=tuple(cut.effects),
    )  # fmt: skip

    def do() -> str:
        given = form.cleaned_data["reason"]
        path_cuts.answer(cut, approved=True, by=user, reason=given, at=timezone.now())
        return f"{cut.identity} no longer reaches {cut.target}."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def cut_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    cut = _seen(user, pk)
    access.require_decider(user)
    form = bound(ReasonForm, request)
    question = Question("Refuse cut", "Nothing ends.", "Refuse", _page(pk))

    def do() -> str:
        given = form.cleaned_data["reason"]
        path_cuts.answer(cut, approved=False, by=user, reason=given, at=timezone.now())
        return "Refused. Nothing ended."

    return act(request, form, question, do)


def _target(request: HttpRequest) -> Identity | Entitlement | None:
    """From the address: ?entitlement=KEY or ?reaches=KEY (an identity). 404 for one that does not exist."""
    entitlement, other = request.GET.get("entitlement", ""), request.GET.get("reaches", "")
    if entitlement.isdecimal() and len(entitlement) < 19:
        return get_object_or_404(Entitlement.objects.select_related("system"), pk=entitlement)
    if other.isdecimal() and len(other) < 19:
        return get_object_or_404(Identity, pk=other)
    return None


def _seen(user: User, pk: int) -> PathCut:
    rows = path_cuts.visible_to(user).select_related(
        "identity__owner", "target_identity", "target_entitlement", "asked_by__person", "decided_by"
    )
    return get_object_or_404(rows, pk=pk)


def _actions(user: User, cut: PathCut) -> list[dict[str, object]]:
    if not path_cuts.waits_for(user, timezone.now()).filter(pk=cut.pk).exists():
        return []
    offers = [("Approve and end them", "cut-approve", "scissors"), ("Refuse", "cut-refuse", "x")]
    return [
        {
            "label": label,
            "url": reverse(f"reviews:{name}", args=[cut.pk]),
            "icon": icon,
            "primary": name == "cut-approve",
            "danger": name == "cut-approve",
            "dialog": True,
        }
        for label, name, icon in offers
    ]


def _facts(cut: PathCut) -> list[tuple[str, object]]:
    return [
        ("Identity", markup.link(markup.address(IDENTITY)(cut.identity_id), cut.identity)),
        ("Cut off from", cut.target),
        ("Proposed by", cut.asked_by.display_name),
        ("Proposed", cut.asked_at),
        ("Answer by", cut.expires_at),
        ("Decided by", cut.decided_by.display_name if cut.decided_by else None),
        ("Decided", cut.decided_at),
    ]


def _page(pk: int) -> str:
    return reverse("reviews:cut-detail", args=[pk])
