"""Forms of Settings: they check shape; the rules check sense."""

from datetime import timedelta
from typing import Any

from django import forms

from inventory import api_tokens
from inventory.forms import PersonField, PlainReasonForm
from inventory.models import ApiToken, Team, User
from inventory.policy_settings import Policy


class UserForm(forms.Form):
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(
        label="E-mail", required=False, help_text="One can sign in with it too."
    )
    role = forms.ChoiceField(
        choices=User.Role.choices,
        help_text="Security changes everything, an auditor reads everything, an owner sees what is theirs.",
    )
    scope = forms.ModelChoiceField(
        label="Sees only the team",
        queryset=Team.objects.all(),
        required=False,
        empty_label="Everything",
        help_text="Only for an auditor: the identities of this team and what hangs on them, and no page about the whole"
        " organisation.",
    )
    person = PersonField(
        label="Person in the directory",
        required=False,
        help_text="E-mail address; an owner sees what this person owns.",
    )


class NewUserForm(UserForm):
    username = forms.RegexField(
        label="User name",
        regex=r"^[\w.@+-]+$",
        max_length=150,
        help_text="Letters, digits and . @ + - _ only.",
    )
    is_service = forms.BooleanField(
        label="Service user",
        required=False,
        help_text="For a program: it holds tokens and never signs in.",
    )

    field_order = (
        "username",
        "first_name",
        "last_name",
        "email",
        "role",
        "scope",
        "person",
        "is_service",
    )


class TokenForm(forms.Form):
    """A new token of a user: what the role allows is offered."""

    name = forms.CharField(max_length=100, help_text="What it is for, such as “nightly export”.")
    scopes = forms.MultipleChoiceField(label="For", widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(
        label="Ends after days",
        min_value=1,
        max_value=api_tokens.LONGEST.days,
        initial=api_tokens.USUAL.days,
        help_text=f"From 1 to {api_tokens.LONGEST.days}.",
    )

    def __init__(self, user: User, data: Any = None) -> None:  # Any: request.POST
        allowed = api_tokens.scopes_of(user)
        super().__init__(data, initial={"scopes": [ApiToken.Scope.READ]})
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]  # a choice field
            (scope.value, scope.label) for scope in ApiToken.Scope if scope in allowed
        ]

    def lifetime(self) -> timedelta:
        return timedelta(days=self.cleaned_data["days"])


class PolicyForm(forms.Form):
    value = forms.ChoiceField(label="Decision", widget=forms.RadioSelect)
    reason = PlainReasonForm.base_fields["reason"]

    def __init__(self, policy: Policy, data: Any = None) -> None:  # Any: request.POST
        super().__init__(data, initial={"value": policy.decided()})
        self.fields["value"].choices = [  # type: ignore[attr-defined]  # a choice field
            (value, f"{label}. {meaning}") for value, label, meaning in policy.choices
        ]
