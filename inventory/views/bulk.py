"""What people do with many rows of a list at once: the ticked ones, or all that its filter shows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from inventory import access, credentials, grants, identities, ownership, tools
from inventory.filters import CredentialFilter, GrantFilter, IdentityFilter
from inventory.forms import LatestEndForm, OwnerForm, PlainReasonForm, ReasonForm
from inventory.grant_forms import ExtendForm
from inventory.listing import Listing, selected, selection_fields
from inventory.models import Credential, Grant, Identity, Tool, User
from inventory.noun_columns import CREDENTIALS, GRANTS, IDENTITIES
from inventory.rules import Outcome, RuleBroken
from inventory.tool_columns import TOOLS
from inventory.tool_filters import ToolFilter
from inventory.views.answers import user_of

_FOLLOWS = (
    "The platforms behind them have to follow; until that is seen, each revocation is unconfirmed."
)
Row = type[Model]


@dataclass(frozen=True)
class List:
    """Whose rows are meant."""

    model: Row
    filterset: type[django_filters.FilterSet]
    spec: Listing
    url_name: str

    def counted(self, number: int) -> str:
        return f"{number:,} {self.spec.noun(number)}"


@dataclass(frozen=True)
class Act:
    """One thing to do with many rows: what access calls it, its words, its form, and the rule.

    `question` takes the counted rows; `done`, `already` and `cannot` say what became of them.
    """

    action: str
    title: str
    question: str
    done: str
    already: str
    cannot: str
    form: type[forms.Form]
    rule: Callable[..., Outcome]  # each with the fields of its form as keywords
    consequences: tuple[str, ...] = ()
    danger: bool = True


_IDENTITIES = List(Identity, IdentityFilter, IDENTITIES, "inventory:identity-list")
_CREDENTIALS = List(Credential, CredentialFilter, CREDENTIALS, "inventory:credential-list")
_GRANTS = List(Grant, GrantFilter, GRANTS, "inventory:grant-list")
_TOOLS = List(Tool, ToolFilter, TOOLS, "inventory:tool-list")


def offered(spec: Listing, user: User) -> Listing:
    """The list with the actions that this user can ever do."""
    fitting = (action for action in spec.bulk_actions if access.may_ever(user, action.action))
    return replace(spec, bulk_actions=tuple(fitting))


def _bulk(of: List, act: Act) -> Callable[[HttpRequest], HttpResponse]:
    """A view that asks with the number of rows, and acts once that number is confirmed."""

    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        user = user_of(request)
        if not access.may_ever(user, act.action):
            raise PermissionDenied("Your role does not allow this. Ask security.")
        rows = selected(request, of.filterset, access.visible_to(user, _all(of.model)))
        number = rows.count()
        if not number:
            messages.warning(request, f"No {of.spec.singular} is selected. Tick some rows first.")
            return redirect(_back(request, of))
        form = act.form(request.POST if "confirmed" in request.POST else None)
        if form.is_bound and form.is_valid() and _confirmed(request, form, of, number):
            try:
                outcome = act.rule(rows, by=user, at=timezone.now(), **form.cleaned_data)
                return _done(request, of, act, outcome)
            except RuleBroken as error:
                form.add_error(None, str(error))
        return _ask(request, of, act, form, number)

    return view


identities_owner = _bulk(
    _IDENTITIES,
    Act(
        "assign_owner",
        "Assign owner",
        "Assign an owner to {}?",
        "assigned",
        "owned by them already",
        "run by the platform itself, which nobody here can own",
        OwnerForm,
        ownership.assign_owner_of_all,
        danger=False,
    ),
)
identities_suspend = _bulk(
    _IDENTITIES,
    Act(
        "suspend",
        "Suspend",
        "Suspend {}?",
        "suspended",
        "suspended already",
        "retired",
        ReasonForm,
        identities.suspend_all,
        (
            "From this moment nothing they hold is effective. Their open tasks are cancelled, and just-in-time access"
            " and delegations that they gave end for good.",
            "Lifting a suspension restores nothing by itself; only standing grants work again.",
        ),
    ),
)
identities_retire = _bulk(
    _IDENTITIES,
    Act(
        "retire",
        "Retire",
        "Retire {} for good?",
        "retired",
        "retired already",
        "",
        ReasonForm,
        identities.retire_all,
        ("They cannot be activated again. Their records and history stay.",),
    ),
)
credentials_revoke = _bulk(
    _CREDENTIALS,
    Act(
        "revoke",
        "Revoke",
        "Revoke {}?",
        "revoked",
        "revoked already",
        "",
        ReasonForm,
        credentials.revoke_all,
        ("They count as dead from this moment.", _FOLLOWS),
    ),
)
grants_revoke = _bulk(
    _GRANTS,
    Act(
        "revoke",
        "Revoke",
        "Revoke {}?",
        "revoked",
        "revoked already",
        "",
        ReasonForm,
        grants.revoke_all,
        ("The identities lose this access at this moment.", _FOLLOWS),
    ),
)
grants_extend = _bulk(
    _GRANTS,
    Act(
        "extend",
        "Extend",
        "Extend {} once?",
        "extended",
        "extended before, or without an end",
        "too near their task's end, standing, or over",
        ExtendForm,
        grants.extend_all,
        ("Only just-in-time access, once, by at most as long as it was given for.",),
        danger=False,
    ),
)
grants_expire = _bulk(
    _GRANTS,
    Act(
        "expire",
        "Expire now",
        "Let {} end now?",
        "expired",
        "over already",
        "still to come",
        PlainReasonForm,
        grants.expire_all,
        ("They end at this moment, as planned ends do.",),
    ),
)
grants_end = _bulk(
    _GRANTS,
    Act(
        "narrow",
        "Set end",
        "Set an end to {}?",
        "given that end",
        "over by then already",
        "starting only after that day",
        LatestEndForm,
        grants.set_latest_end,
        ("Nothing is made longer: a grant that ends earlier keeps its end.",),
        danger=False,
    ),
)
tools_approve = _bulk(
    _TOOLS,
    Act(
        "decide_tool",
        "Approve",
        "Approve {} as they describe themselves now?",
        "approved",
        "approved as they are already",
        "without a description to pin",
        ReasonForm,
        tools.approve_all,
        ("Each approval holds until the tool says something else of itself.",),
        danger=False,
    ),
)
tools_disable = _bulk(
    _TOOLS,
    Act(
        "decide_tool",
        "Disable",
        "Disable {}?",
        "disabled",
        "disabled already",
        "",
        ReasonForm,
        tools.disable_all,
        ("From this moment no decision lets anybody call them.",),
    ),
)
tools_reset = _bulk(
    _TOOLS,
    Act(
        "decide_tool",
        "Reset",
        "Take the decision on {} back?",
        "undecided now",
        "undecided already",
        "",
        ReasonForm,
        tools.reset_all,
        ("Until somebody decides, they must not be called.",),
    ),
)


def _all(model: Row) -> QuerySet[Any]:  # Any: of each noun
    return model._default_manager.order_by()


def _confirmed(request: HttpRequest, form: forms.Form, of: List, number: int) -> bool:
    """What is changed is what was counted when the question was asked."""
    if request.POST["confirmed"] == str(number):
        return True
    form.add_error(None, f"Now {of.counted(number)} fit. Look at the number and confirm again.")
    return False


def _ask(request: HttpRequest, of: List, act: Act, form: forms.Form, number: int) -> HttpResponse:
    chosen = [name for name in selection_fields(request) if name[0] != "filter"]
    hidden = [*chosen, ("filter", request.POST.get("filter", "")), ("confirmed", str(number))]
    context = {
        "title": act.title,
        "question": act.question.format(of.counted(number)),
        "consequences": act.consequences,
        "form": form,
        "action": request.path,
        "submit": f"{act.title}: {of.counted(number)}",
        "danger": act.danger,
        "cancel_url": _back(request, of),
        "hidden": hidden,
    }
    status = 422 if form.is_bound else 200
    return render(request, "inventory/ask.html", context, status=status)


def _done(request: HttpRequest, of: List, act: Act, outcome: Outcome) -> HttpResponse:
    """Says what became of every row that was selected."""
    others = (
        (outcome.already, act.already),
        (outcome.cannot, act.cannot),
        (outcome.not_yours, "not yours to change"),
    )
    said = [f"{of.counted(outcome.changed)} {act.done}."] + [
        f"{number:,} {'was' if number == 1 else 'were'} {what}."
        for number, what in others
        if number
    ]
    tell = messages.success if outcome.changed else messages.warning
    tell(request, " ".join(said))
    return redirect(_back(request, of))


def _back(request: HttpRequest, of: List) -> str:
    """To the list as it was filtered."""
    query = QueryDict(request.POST.get("filter", "")).urlencode()
    return f"{reverse(of.url_name)}?{query}" if query else reverse(of.url_name)
