"""From the subject of a finding to the page of what it is about."""

from inventory import markup
from inventory.models import ToolBinding

_PAGES = {
    "credential": "inventory:credential-detail",
    "delegation": "inventory:delegation-detail",
    "grant": "inventory:grant-detail",
    "identity": "inventory:identity-detail",
    "tool": "inventory:tool-detail",
    "toolserver": "inventory:server-detail",
}


def subject_link(subject: str) -> str:
    """The subject as a link; as plain text where it has no page. The page checks for itself who may see it."""
    noun, _, key = subject.partition(":")
    if not key.isdecimal():
        return subject
    if noun == "toolbinding":  # its page is that of its tool
        bound = ToolBinding.objects.filter(pk=key).values_list("tool_id", flat=True).first()
        return subject if bound is None else _link("tool", bound, subject)
    return _link(noun, key, subject) if noun in _PAGES else subject


def _link(noun: str, key: object, text: str) -> str:
    return markup.link(markup.address(_PAGES[noun])(key), text)
