"""Forms about policies: they check shape; the rules check sense."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from inventory.forms import ReasonForm
from inventory.models import Environment
from runtime.models import PolicySet, PolicyTest
from runtime.policy_text import LARGEST

MOST_OF_A_REQUEST = 20_000  # characters of a test's request
MONITOR, ENFORCE = "monitor", "enforced"
_CODE = {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off", "wrap": "off"}


class TextForm(forms.Form):
    """The text of a draft, and what it changes."""

    text = forms.CharField(
        label="Policies (Cedar)",
        max_length=LARGEST,
        strip=False,
        widget=forms.Textarea({**_CODE, "rows": 24}),
        help_text="Each policy needs an @id. A forbid always wins; what no policy permits is denied.",
    )
    schema = forms.CharField(
        label="Schema of the application (Cedar)",
        max_length=LARGEST,
        required=False,
        strip=False,
        widget=forms.Textarea({**_CODE, "rows": 8}),
        help_text="One namespace, App, with the types that the policies speak about.",
    )
    note = forms.CharField(
        label="What changes, and why",
        max_length=500,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text="Kept with the version.",
    )

    def __init__(self, *args: Any, domain: str, **kwargs: Any) -> None:  # Any: of a form
        super().__init__(*args, **kwargs)
        if domain == PolicySet.Domain.INVENTORY:
            del self.fields["schema"]

    def clean_text(self) -> str:
        """As an editor would keep it: browsers send CR LF."""
        return _lines(self.cleaned_data["text"])

    def clean_schema(self) -> str:
        return _lines(self.cleaned_data["schema"])


class NewSetForm(forms.Form):
    """A set of policies; its first draft may begin with the starter policies."""

    name = forms.SlugField(max_length=60, help_text="Lower case, digits and dashes.")
    domain = forms.ChoiceField(
        label="About", choices=PolicySet.Domain.choices,
        help_text="There is one set about the inventory; each application has its own.",
    )  # fmt: skip
    purpose = forms.CharField(
        max_length=500, required=False, widget=forms.Textarea({"rows": 2}),
        help_text="What it is for, in words.",
    )  # fmt: skip


class TestForm(forms.Form):
    """A request and the answer that is right."""

    name = forms.CharField(max_length=200, help_text="Such as: A reader may not write.")
    request = forms.CharField(
        label="Request (JSON)",
        max_length=MOST_OF_A_REQUEST,
        widget=forms.Textarea({**_CODE, "rows": 12, "class": "code"}),
        help_text="An AuthZEN evaluation request; what the inventory would say stands in its properties and context.",
    )
    permitted = forms.TypedChoiceField(
        label="Right answer",
        choices=[("permit", "Permit"), ("deny", "Deny")],
        coerce=lambda value: value == "permit",
    )

    def clean_request(self) -> dict[str, Any]:  # Any: JSON
        return _json_object(self.cleaned_data["request"])

    @classmethod
    def shown(cls, test: PolicyTest) -> dict[str, object]:
        """The first values of the form for a test that is there."""
        return {
            "name": test.name,
            "request": json.dumps(test.request, indent=2, ensure_ascii=False),
            "permitted": "permit" if test.permitted else "deny",
        }


class ModesForm(forms.Form):
    """Where a set is enforced, and where it only watches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: of a form
        super().__init__(*args, **kwargs)
        for name, label in Environment.choices:
            self.fields[name] = forms.ChoiceField(
                label=label, choices=[(ENFORCE, "Enforced"), (MONITOR, "Monitor only")]
            )
        self.fields["reason"] = ReasonForm.base_fields["reason"]

    def monitored(self) -> list[str]:
        return [name for name in Environment.values if self.cleaned_data[name] == MONITOR]


class DaysForm(forms.Form):
    """Over how many past days."""

    days = forms.TypedChoiceField(
        label="Over the last",
        choices=[("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days")],
        coerce=int,
        initial="7",
        help_text="Recorded decisions and tool calls of these days.",
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _json_object(text: str) -> dict[str, Any]:  # Any: JSON
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ValidationError(f"This is not JSON{where}. Look for a comma or a quote.") from error
    if not isinstance(found, dict):
        raise ValidationError("The request is a JSON object, in braces.")
    return found
