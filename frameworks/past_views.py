"""Who could do what on a past day: identities, grants, people, tools and policies, and what two days differ in."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import islice
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from frameworks import csv_lines, past_difference, past_nouns
from frameworks.as_of import Moment
from frameworks.past_nouns import NOUNS
from frameworks.past_rows import Within
from inventory.models import Environment, Team, Tier
from inventory.views.answers import readers_only

SHOWN = 200


class PastForm(forms.Form):
    """A day, whose end counts; and which identities."""

    day = forms.DateField(widget=forms.DateInput({"type": "date"}), help_text="Its end, in UTC.")
    name = forms.CharField(
        required=False, max_length=200, label="Name", help_text="A part of the identity's name."
    )
    team = forms.ModelChoiceField(
        queryset=Team.objects.all(), required=False, empty_label="All teams"
    )
    environment = forms.ChoiceField(
        choices=[("", "All environments"), *Environment.choices], required=False
    )
    tier = forms.TypedChoiceField(
        choices=[("", "All tiers"), *Tier.choices], coerce=int, empty_value=None, required=False
    )

    def moment(self) -> Moment:
        return Moment.of(end_of(self.cleaned_data["day"]))

    def within(self) -> Within:
        given = self.cleaned_data
        team = given["team"]
        return Within(
            team.pk if team else None, given["environment"], given["tier"], given["name"].strip()
        )


class DifferenceForm(forms.Form):
    day = forms.DateField(label="From the end of", widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label="to the end of", widget=forms.DateInput({"type": "date"}))


def end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59, 999_999), UTC)


@require_GET
def past(request: HttpRequest) -> HttpResponseBase:
    readers_only(request)
    noun = request.GET.get("noun", "grants")
    if noun not in NOUNS:
        raise BadRequest("There is no such list. Choose one of the tabs.")
    form = PastForm(
        request.GET if "day" in request.GET else None, initial={"day": timezone.now().date()}
    )
    context: dict[str, object] = {"form": form, "noun": noun, "shown": SHOWN}
    if form.is_bound and not form.is_valid():
        return render(request, "frameworks/past.html", context, status=422)
    if form.is_bound:
        moment, within = form.moment(), form.within()
        rows = past_nouns.rows(noun, moment, within)
        if request.GET.get("export") == "csv":
            return csv_lines.answer(f"{noun}-{moment.at:%Y-%m-%d}", NOUNS[noun].head, rows)
        context |= _shown(request, noun, rows) | {"moment": moment}
    return render(request, "frameworks/past.html", context)


@require_GET
def past_difference_page(request: HttpRequest) -> HttpResponseBase:
    readers_only(request)
    form = DifferenceForm(request.GET or None)
    context: dict[str, object] = {"form": form, "shown": SHOWN}
    if form.is_bound and not form.is_valid():
        return render(request, "frameworks/past_difference.html", context, status=422)
    if form.is_bound:
        days = sorted((form.cleaned_data["day"], form.cleaned_data["until"]))
        first, second = (Moment.of(end_of(day)) for day in days)
        context |= {"days": days, "parts": past_difference.between(first, second, limit=SHOWN)}
    return render(request, "frameworks/past_difference.html", context)


def _shown(
    request: HttpRequest, noun: str, rows: Iterator[tuple[object, ...]]
) -> dict[str, object]:
    found = list(islice(rows, SHOWN + 1))
    pairs = [(key, value) for key, value in request.GET.items() if key not in ("noun", "export")]
    return {
        "head": NOUNS[noun].head,
        "tabs": [
            {
                "label": one.label,
                "active": key == noun,
                "url": f"?{urlencode([*pairs, ('noun', key)])}",
            }
            for key, one in NOUNS.items()
        ],
        "rows": [list(zip(NOUNS[noun].head, row, strict=True)) for row in found[:SHOWN]],
        "more": len(found) > SHOWN,
        "query": urlencode(pairs),
    }
