"""What is asked about a webhook; the rules check sense."""

from django import forms

from reviews.events import EVENTS


class WebhookForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="Which platform it is.")
    url = forms.CharField(
        label="Address",
        max_length=1000,
        widget=forms.URLInput({"placeholder": "https://"}),
        help_text="HTTPS, on a public address. Redirects are not followed.",
    )
    events = forms.MultipleChoiceField(
        choices=EVENTS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all of them, also those of later versions.",
    )
