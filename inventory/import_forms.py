"""The form that starts an import: it checks shape; the rules check sense."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from inventory.importers import Connector
from inventory.uploads import Asked


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or several files."""

    widget = FilesInput

    def clean(
        self, data: Any, initial: Any = None
    ) -> "list[UploadedFile[Any]]":  # Any: Django's own
        given = data if isinstance(data, list) else [data]
        return [super(FilesField, self).clean(one, initial) for one in given or [None]]


class ImportForm(forms.Form):
    kind = forms.ChoiceField(
        label="Kind of file",
        choices=[(key, Connector.registry[key].label) for key in sorted(Connector.registry)],
        help_text="How to get each is told below.",
    )
    files = FilesField(  # type: ignore[assignment]  # what was uploaded is self.files too
        label="Files", help_text="One or several; ZIP and gzip are unpacked."
    )
    source = forms.SlugField(
        label="Source",
        required=False,
        max_length=100,
        help_text="A short name, where there are several of this kind, such as aws-payments."
        " Files of one source replace each other; other sources stay untouched.",
    )
    partial = forms.BooleanField(
        label="These files are only a part of the source",
        required=False,
        help_text="Then nothing that is missing from them is marked as gone.",
    )

    def asked(self) -> Asked:
        given = self.cleaned_data
        return Asked(given["kind"], given["source"], given["partial"])
