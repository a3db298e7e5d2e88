"""The known ways for one identity to act as another: what each means, what it needs, and where that is written.

Connectors name a method on each delegation that they report; pages and the handbook (`docs/delegations.md`) explain it
from here. A new method is one more entry in the table of its platform.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from inventory.methods_aws import AWS
from inventory.methods_kubernetes import KUBERNETES
from inventory.methods_table import Method

__all__ = ["HOWS", "METHODS", "How", "Method"]

METHODS: Mapping[str, Method] = {method.id: method for method in (*AWS, *KUBERNETES)}


@dataclass(frozen=True, slots=True)
class How:
    """One kind of delegation: who acts as whom, what that gives, and the source of the meaning."""

    meaning: str
    gives: str
    reference: str


HOWS: Mapping[str, How] = {
    "assume_role": How(
        "The delegate exchanges its credential for a session of the role.",
        "All that the role may do, and not what the delegate itself may do, while the session lasts.",
        "AWS IAM User Guide, Roles terms and concepts; AWS STS API Reference, AssumeRole",
    ),
    "impersonate": How(
        "The delegate sends requests, or obtains tokens, in the name of the delegator.",
        "All that the delegator may do; logs may show only the delegator.",
        "Kubernetes documentation, User impersonation; Google Cloud IAM, Service account impersonation",
    ),
    "run_as": How(
        "The delegate starts or controls something that runs under the delegator's identity.",
        "All that the delegator may do, through the code that runs.",
        "Kubernetes documentation, Configure Service Accounts for Pods; AWS IAM User Guide, Passing roles",
    ),
    "on_behalf_of": How(
        "The delegate acts for the delegator, who stays visible as the subject; the delegate is the actor.",
        "At most what the delegator may do, within the scope of the consent.",
        "RFC 8693 section 1.1 and 4.1 (delegation, act claim); Microsoft identity platform, On-Behalf-Of flow",
    ),
    "orchestrate": How(
        "The delegator gives work to the delegate, with authority for it.",
        "At most what the delegator may do, within the scope, for that work.",
        "OWASP Agentic Security Initiative, T3 and ASI03 (delegated and inherited privileges)",
    ),
    "take_over": How(
        "What the delegate was granted lets it give itself, or take, the rights of the delegator.",
        "All that the delegator may do, after one or two calls that change rights, credentials or code.",
        "The method named beside it",
    ),
}
