"""When a person leaves: what becomes orphaned, who takes over, and handing over in one go."""

from datetime import date, datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, keyset, ownership, people
from inventory.forms import AbsenceForm, HandOverForm, LeavingForm, PlainReasonForm
from inventory.models import Person
from inventory.views.answers import Question, act, bound, readers_only, user_of
from inventory.views.people import seen_person

SHOWN = 200


@require_GET
def person_leaving(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = readers_only(request), timezone.now()
    person = seen_person(user, pk)
    orphans = ownership.orphaned_if_leaves(person, at)
    shown = list(orphans.order_by("name", "pk")[:SHOWN])
    proposals = ownership.next_in_line(
        orphans.filter(pk__in=[identity.pk for identity in shown]), at
    )
    context = {
        "person": person,
        "now": at,
        "count": keyset.counted(orphans),
        "rows": [(identity, *proposals.get(identity.pk, (None, ""))) for identity in shown],
        "left_over": sum(identity.pk not in proposals for identity in shown),
        "shown": SHOWN,
        "actions": _actions(person) if access.changes_all(user) else [],
    }
    return render(request, "inventory/person_leaving.html", context)


@require_http_methods(["GET", "POST"])
def person_absence(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    person = seen_person(user, pk)
    if not people.may_set_absence(user, person):
        raise PermissionDenied("One's own absence, or security anybody's.")
    days = {"start": _day(person.away_from), "end": _day(person.away_until)}
    form = bound(AbsenceForm, request, **days, deputy=person.deputy.email if person.deputy else "")
    text = "Who asks for access meanwhile asks the deputy, then the backup owner, then the manager."
    back = reverse("inventory:person-detail", args=[pk])
    question = Question(f"Absence of {person.name}", text, "Save", back)

    def do() -> str:
        start, end = form.moments()
        absence = people.Absence(start, end, form.cleaned_data["deputy"])
        reason = form.cleaned_data["reason"]
        people.set_absence(person, absence=absence, by=user, reason=reason, at=at)
        return "Saved."

    return act(request, form, question, do)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


@require_http_methods(["GET", "POST"])
def person_hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    person = seen_person(user, pk)
    access.require_security(user)
    manager = person.manager
    default = manager.email if manager is not None and manager.can_answer(at) else ""
    form = bound(HandOverForm, request, to=request.GET.get("to", default))
    count = keyset.counted(ownership.orphaned_if_leaves(person, at))
    question = Question(
        title=f"Hand over from {person.name}",
        text=f"{count} live identities change their owner in one go.",
        submit="Hand over all",
        back=_page(pk),
    )

    def do() -> str:
        to, reason = form.cleaned_data["to"], form.cleaned_data["reason"]
        moved = ownership.hand_over(person, to=to, by=user, reason=reason, at=at)
        return f"{moved:,} identities handed over" + (f" to {to.name}." if to else ".")

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def person_last_day(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    person = seen_person(user, pk)
    access.require_security(user)
    form = bound(LeavingForm, request)
    question = Question(
        "Announce last day", f"When is the last day of {person.name}?", "Announce", _page(pk)
    )

    def do() -> str:
        day, reason = form.moment(), form.cleaned_data["reason"]
        ownership.mark_leaving(person, last_day=day, by=user, reason=reason, at=timezone.now())
        return f"{person.name} leaves on {day:%d %b %Y}."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def person_left(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    person = seen_person(user, pk)
    access.require_security(user)
    form = bound(PlainReasonForm, request)
    question = Question(
        title=f"Mark {person.name} as left",
        text="From this moment the person can own nothing. What they still own counts as orphaned.",
        submit="Mark as left",
        back=_page(pk),
        danger=True,
    )

    def do() -> str:
        ownership.mark_left(person, by=user, at=timezone.now(), reason=form.cleaned_data["reason"])
        return f"{person.name} has left."

    return act(request, form, question, do)


def _actions(person: Person) -> list[dict[str, object]]:
    """The steps in the order in which they are usually taken."""
    offers = [("Hand over…", "person-hand-over", "user-check", True, False)]
    if person.status != Person.Status.LEFT:
        offers += [
            ("Announce last day", "person-last-day", "calendar-clock", False, False),
            ("Mark as left", "person-left", "user-x", False, True),
        ]
    return [
        {
            "label": label,
            "url": reverse(f"inventory:{name}", args=[person.pk]),
            "icon": icon,
            "primary": primary,
            "danger": danger,
            "dialog": True,
        }
        for label, name, icon, primary, danger in offers
    ]


def _page(pk: int) -> str:
    return reverse("inventory:person-leaving", args=[pk])
