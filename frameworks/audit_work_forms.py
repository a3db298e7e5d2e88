"""Forms of attestations, requests for evidence and comments: they check shape; the rules check sense."""

from typing import Any

from django import forms

from frameworks.attestations import File, Said


class AttestationForm(forms.Form):
    statement = forms.CharField(
        max_length=4000, widget=forms.Textarea({"rows": 4}),
        help_text="What is so, and how you know it.",
    )  # fmt: skip
    ends_on = forms.DateField(
        label="Counts until", widget=forms.DateInput({"type": "date"}),
        help_text="The last day on which it counts (UTC); then somebody looks again.",
    )  # fmt: skip
    link = forms.URLField(required=False, max_length=1000, assume_scheme="https")
    file = forms.FileField(required=False, help_text="At most 5 MB; kept with its SHA-256.")

    def said(self) -> Said:
        given: dict[str, Any] = self.cleaned_data  # Any: as forms clean them
        upload = given["file"]
        file = File(str(upload.name), upload.read()) if upload else None
        return Said(given["statement"], given["ends_on"], given["link"], file)


class RequestForm(forms.Form):
    question = forms.CharField(
        max_length=4000, widget=forms.Textarea({"rows": 4}), help_text="What is to be shown."
    )
    due_on = forms.DateField(label="By", required=False, widget=forms.DateInput({"type": "date"}))


class AnswerForm(forms.Form):
    text = forms.CharField(
        label="Answer", max_length=4000, widget=forms.Textarea({"rows": 4}),
        help_text="Where the evidence is, or why there is none.",
    )  # fmt: skip
    link = forms.URLField(required=False, max_length=1000, assume_scheme="https")


class CommentForm(forms.Form):
    text = forms.CharField(label="Comment", max_length=4000, widget=forms.Textarea({"rows": 2}))
