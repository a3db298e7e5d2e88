"""How a Kubernetes service account may act as another."""

from inventory.methods_table import Method

KUBERNETES = (
    Method(
        "kubernetes-impersonate", "Kubernetes", "Impersonates a service account", "impersonate",
        ("impersonate serviceaccounts",),
        "It may send requests in the name of the service account.",
        "Kubernetes documentation, Authenticating, User impersonation",
    ),
)  # fmt: skip
