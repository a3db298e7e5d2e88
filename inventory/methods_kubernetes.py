"""How a Kubernetes service account, user or group may act as another."""

from inventory.methods_table import Method

_PRACTICES = "Kubernetes documentation, Role Based Access Control Good Practices"
_RBAC = "Kubernetes documentation, Using RBAC Authorization"

KUBERNETES = (
    Method(
        "kubernetes-impersonate", "Kubernetes", "Impersonates a service account", "impersonate",
        ("impersonate serviceaccounts",),
        "It may send requests in the name of the service account.",
        "Kubernetes documentation, Authenticating, User impersonation",
    ),
    Method(
        "kubernetes-impersonate-user", "Kubernetes", "Impersonates a user", "impersonate",
        ("impersonate users",),
        "It may send requests in the name of the user. The user's groups are not part of it; they are impersonated "
        "by a right of their own.",
        "Kubernetes documentation, Authenticating, User impersonation",
    ),
    Method(
        "kubernetes-impersonate-group", "Kubernetes", "Impersonates a member of a group", "impersonate",
        ("impersonate groups", "impersonate users or serviceaccounts"),
        "It may send requests as somebody of the group. A request that names a group must also name a user, so both "
        "rights are needed. The group system:masters may do everything.",
        f"{_PRACTICES}, Impersonate verb; Authenticating, User impersonation",
    ),
    Method(
        "kubernetes-request-token", "Kubernetes", "Requests a token of a service account", "impersonate",
        ("create serviceaccounts/token",),
        "The API server gives it a token of the account, valid for the time that it asks for.",
        f"{_PRACTICES}, Token request",
    ),
    Method(
        "kubernetes-create-pod", "Kubernetes", "Starts a pod under a service account", "run_as",
        ("create pods",),
        "Whoever creates a pod chooses its service account among all of the namespace; no further right is asked for. "
        "The code in the pod finds the account's token.",
        f"{_PRACTICES}, Workload creation",
    ),
    Method(
        "kubernetes-create-workload", "Kubernetes", "Starts a workload under a service account", "run_as",
        ("create deployments, statefulsets, daemonsets, replicasets, jobs, cronjobs or replicationcontrollers",),
        "A controller of the cluster creates the pods of the workload, with the service account that its template "
        "names.",
        f"{_PRACTICES}, Workload creation",
    ),
    Method(
        "kubernetes-change-workload", "Kubernetes", "Changes a workload that runs", "run_as",
        ("update or patch a workload",),
        "It may put another image, and in a template another service account of the namespace, into what exists. Of a "
        "pod only the image can change, so it gets the account of that pod.",
        f"{_PRACTICES}, Workload creation; Pods, Pod update and replacement",
    ),
    Method(
        "kubernetes-exec", "Kubernetes", "Runs commands in a pod", "run_as",
        ("create pods/exec or pods/attach",),
        "A command in a running container reads the token that is mounted there. Attaching reaches the process that "
        "runs already, so it only may help; the same holds for a right to get, which older API servers accept for "
        "connections over WebSocket.",
        f"{_PRACTICES}, Workload creation; API reference, Pod, exec and attach",
    ),
    Method(
        "kubernetes-debug-container", "Kubernetes", "Adds a container to a running pod", "run_as",
        ("update or patch pods/ephemeralcontainers",),
        "An ephemeral container of its choice joins the pod and can use what the pod has, its token among it.",
        "Kubernetes documentation, Ephemeral Containers; Debug Running Pods",
    ),
    Method(
        "kubernetes-node-proxy", "Kubernetes", "Runs commands through a node", "run_as",
        ("create or get nodes/proxy",),
        "The kubelet behind a node's proxy runs commands in every pod of the node, past admission control and audit "
        "of the API server. With get alone it depends on how the kubelet takes WebSocket connections.",
        f"{_PRACTICES}, Access to proxy subresource of Nodes",
    ),
    Method(
        "kubernetes-read-token", "Kubernetes", "Reads the stored token of a service account", "impersonate",
        ("get, list or watch secrets",),
        "A Secret of the namespace holds a token of the account that never expires; listing shows its content as well.",
        f"{_PRACTICES}, Listing secrets; Configure Service Accounts for Pods",
    ),
    Method(
        "kubernetes-store-token", "Kubernetes", "Has a token of a service account stored", "impersonate",
        ("create secrets", "get, list or watch secrets"),
        "A new Secret that names an account of the namespace is filled with a token of it by the cluster, and can then "
        "be read.",
        "Kubernetes documentation, Configure Service Accounts for Pods, Manually create an API token; Secrets, "
        "ServiceAccount token Secrets",
    ),
    Method(
        "kubernetes-everything", "Kubernetes", "May do everything", "take_over",
        ("* on * of *",),
        "It holds all verbs on all resources, in the cluster or in one namespace, and is its administrator.",
        f"{_RBAC}, Default roles and role bindings (cluster-admin)",
    ),
    Method(
        "kubernetes-escalate", "Kubernetes", "Widens a role that it holds", "take_over",
        ("escalate roles or clusterroles", "update or patch the role", "a binding to the role"),
        "Who may escalate can write rules into a role that go beyond its own rights. It gains them where that role is "
        "bound to it. With the right to create, it adds a cluster role that a gathering (aggregated) one takes in.",
        f"{_RBAC}, Restrictions on role creation or update; {_PRACTICES}, Escalate verb",
    ),
    Method(
        "kubernetes-bind", "Kubernetes", "Binds a role to itself", "take_over",
        ("bind roles or clusterroles", "create, update or patch rolebindings or clusterrolebindings"),
        "Who may bind a role can give it to itself, although it does not hold its rights. Without the right to write "
        "bindings, or for roles that it may not bind, nothing is gained.",
        f"{_RBAC}, Restrictions on role binding creation or update; {_PRACTICES}, Bind verb",
    ),
)  # fmt: skip
