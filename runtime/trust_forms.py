"""What is asked about trust and event streams; the rules check sense."""

import json

from django import forms

from inventory.models import Identity
from runtime import bundle_format, security_events
from runtime.models import OidcIssuer


def _pasted(rows: int) -> forms.Textarea:
    return forms.Textarea({"rows": rows, "spellcheck": "false", "autocomplete": "off"})


class BundleForm(forms.Form):
    trust_domain = forms.CharField(max_length=300, help_text="Such as example.org.")
    document = forms.CharField(
        label="Bundle",
        max_length=bundle_format.LARGEST,
        widget=_pasted(10),
        help_text="JSON, as “spire-server bundle show -format spiffe” prints it.",
    )
    note = forms.CharField(max_length=300, required=False, help_text="Where it comes from.")


class IssuerForm(forms.Form):
    issuer = forms.CharField(
        max_length=500,
        help_text="Exactly as the tokens say it (iss), such as https://login.example.com.",
    )
    names = forms.ChoiceField(
        label="Its tokens name", choices=OidcIssuer.Names.choices, help_text="In the claim below."
    )
    claim = forms.CharField(max_length=100, initial="sub", help_text="Such as sub, oid or email.")
    namespace = forms.CharField(
        max_length=40, required=False, help_text="Of the source that has these IDs; not for e-mail."
    )
    audience = forms.CharField(
        max_length=500,
        required=False,
        help_text="What its tokens must be for (aud). Left out: the address of Mandate.",
    )
    required_claims = forms.CharField(
        max_length=2_000,
        required=False,
        widget=_pasted(2),
        help_text='Claims that must have a value, as JSON: {"tid": "…"}.',
    )
    jwks_url = forms.CharField(
        label="Address of its keys",
        max_length=1_000,
        required=False,
        help_text="HTTPS, public. Read every hour. Or give the keys themselves:",
    )
    jwks = forms.CharField(
        label="Its keys",
        max_length=256_000,
        required=False,
        widget=_pasted(6),
        help_text="A JWK set.",
    )
    note = forms.CharField(max_length=300, required=False)

    def clean_required_claims(self) -> dict[str, str]:
        text = self.cleaned_data["required_claims"].strip()
        if not text:
            return {}
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError("This is not JSON.") from error
        if not isinstance(found, dict) or not all(
            isinstance(value, str | int | bool) for value in found.values()
        ):
            raise forms.ValidationError("Give a JSON object of names and plain values.")
        return {name: str(value) for name, value in found.items()}


class ClientForm(forms.Form):
    client_id = forms.CharField(label="Client ID", max_length=200)
    identity = forms.CharField(
        max_length=300, help_text="Number, SPIFFE ID or exact name of the identity that it is."
    )
    jwk = forms.CharField(
        label="Public key",
        max_length=20_000,
        widget=_pasted(5),
        help_text="A JWK, without the private part.",
    )
    note = forms.CharField(max_length=300, required=False)

    def clean_identity(self) -> Identity:
        text = self.cleaned_data["identity"].strip()
        rows = Identity.objects.live()
        named = rows.filter(pk=int(text)) if _is_key(text) else rows.filter(name=text)
        if text.startswith("spiffe://"):
            named = rows.filter(spiffe_id=text)
        found = list(named[:2])
        if len(found) != 1:
            said = "No live identity is" if not found else "More than one identity is"
            raise forms.ValidationError(f"{said} called so. Give its number or SPIFFE ID.")
        return found[0]


class StreamForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="Who receives the events.")
    url = forms.CharField(
        label="Address",
        max_length=1_000,
        widget=forms.URLInput({"placeholder": "https://"}),
        help_text="HTTPS, on a public address. Redirects are not followed.",
    )
    audience = forms.CharField(
        max_length=500, required=False, help_text="The claim aud. Left out: the address."
    )
    events = forms.MultipleChoiceField(
        choices=security_events.EVENTS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all of them, also those of later versions.",
    )


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
