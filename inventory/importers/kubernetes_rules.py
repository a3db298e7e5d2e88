"""One rule of a Kubernetes role: what it allows, as patterns, and how far it reaches.

The patterns of an action are `VERB:GROUP/RESOURCE` or `VERB:GROUP/RESOURCE/SUBRESOURCE` (`get:core/pods/log`; `core` is
the group that Kubernetes leaves unnamed), and `VERB:url` for addresses of the API server. A resource is
`namespaces/NAMESPACE/NAME`, `cluster/NAME` for what has no namespace, or the address. `*` stands for any text.

Sources: Kubernetes documentation, "Using RBAC Authorization" (Referring to resources, Privilege escalation prevention
and bootstrapping) and "Role Based Access Control Good Practices" (Kubernetes RBAC - privilege escalation risks).
Kubernetes knows no patterns but `*` alone, `*/SUBRESOURCE`, and an address that ends in `*`; everything else is taken
literally, so that `pods/*` covers nothing.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

READS = frozenset({"get", "list", "watch"})
ANY = "*"

UNNAMED = "All verbs on named objects: a request to create or to delete many names none, so those two are not given."
INERT = "A part is a pattern that Kubernetes takes literally; it covers nothing and was left out."

# Answers questions, and keeps nothing (API reference, authentication.k8s.io and authorization.k8s.io).
_QUESTIONS = re.compile(
    r"(?:token|(?:self|local)?subject(?:access|rules)?)reviews|selfsubjectreviews"
)
# What belongs to no namespace, so that a RoleBinding cannot give it (API reference). Namespaces themselves
# are reached with their own name as namespace, and clusterroles are bound within one.
CLUSTER_SCOPED = frozenset(
    {
        "nodes", "persistentvolumes", "componentstatuses", "clusterrolebindings",
        "customresourcedefinitions", "apiservices", "storageclasses", "volumeattachments",
        "csinodes", "csidrivers", "ingressclasses", "priorityclasses", "runtimeclasses",
        "certificatesigningrequests", "clustertrustbundles", "signers",
        "mutatingwebhookconfigurations", "validatingwebhookconfigurations",
        "validatingadmissionpolicies", "validatingadmissionpolicybindings", "tokenreviews",
        "subjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews",
        "selfsubjectreviews", "flowschemas", "prioritylevelconfigurations", "users", "groups",
        "uids", "clusterroles",
    }
)  # fmt: skip

# (verb, group, resource) with which an identity can raise its own rights, or act as others.
_ESCALATIONS = (
    ("escalate", "rbac.authorization.k8s.io", "roles"),
    ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
    ("bind", "rbac.authorization.k8s.io", "roles"),
    ("bind", "rbac.authorization.k8s.io", "clusterroles"),
    ("impersonate", "", "users"), ("impersonate", "", "groups"),
    ("impersonate", "", "serviceaccounts"), ("create", "", "serviceaccounts/token"),
    *((verb, "", "secrets") for verb in ("get", "list", "watch")),
    *((verb, "", "nodes/proxy") for verb in ("get", "create")),
    *((verb, "", sub) for verb in ("get", "create") for sub in ("pods/exec", "pods/attach")),
    *((verb, "", "pods/ephemeralcontainers") for verb in ("update", "patch")),
    *(
        (verb, group, resource)
        for verb in ("create", "update", "patch")
        for group, resource in (
            ("", "pods"), ("", "replicationcontrollers"), ("apps", "deployments"),
            ("apps", "statefulsets"), ("apps", "daemonsets"), ("apps", "replicasets"),
            ("batch", "jobs"), ("batch", "cronjobs"), ("", "persistentvolumes"),
            ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
            ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
            ("certificates.k8s.io", "certificatesigningrequests/approval"),
        )
    ),
)  # fmt: skip


class BadRule(Exception):
    """A rule that cannot be taken, with the field that is wrong. The message is a sentence."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as Kubernetes reads it; `inert`: parts of it cover nothing and are gone."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    inert: bool = False

    @property
    def key(self) -> str:
        """The same for the same rule, wherever it stands in its role."""
        parts = [self.verbs, self.groups, self.resources, self.names, self.urls]
        text = json.dumps([sorted(each) for each in parts])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def is_everything(self) -> bool:
        return ANY in self.verbs and ANY in self.groups and ANY in self.resources and not self.names

    def allows(self, verb: str, group: str, resource: str) -> bool:
        """Whether it allows the verb on the resource, for all or the named objects."""
        return (
            (verb in self.verbs or ANY in self.verbs)
            and (group in self.groups or ANY in self.groups)
            and any(_is_of(pattern, resource) for pattern in self.resources)
            and not (self.names and is_unnamed(verb, resource))
        )


def read_rule(value: object) -> Rule:
    if not isinstance(value, dict):
        raise BadRule("rules", "The rule is not an object. Export the file again.")
    verbs, groups = _texts(value, "verbs"), _texts(value, "apiGroups")
    resources, urls = _texts(value, "resources"), _texts(value, "nonResourceURLs")
    names = _texts(value, "resourceNames")
    if bool(resources) is bool(urls) or not verbs or (resources and not groups):
        raise BadRule(
            "rules", "A rule needs verbs, and either apiGroups and resources or nonResourceURLs."
        )
    rule = Rule(
        verbs=_live(verbs), groups=_live(groups),
        resources=tuple(each for each in resources if _is_live(each.removeprefix("*/"))),
        # Of certificate signers alone, all of a domain can be named (DOMAIN/*).
        names=tuple(each for each in names if not {*"*?"} & {*each.removesuffix("/*")}),
        urls=tuple(each for each in urls if ANY not in each.rstrip(ANY)),
    )  # fmt: skip
    if names and not rule.names:  # an empty list would mean all of them
        rule = replace(rule, resources=())
    lost = (verbs, groups, resources, names, urls)
    kept = (rule.verbs, rule.groups, rule.resources, rule.names, rule.urls)
    return replace(rule, inert=lost != kept)


def within_namespace(rule: Rule) -> Rule | None:
    """What a RoleBinding gives of the rule: nothing that belongs to the whole cluster, and no addresses."""
    kept = tuple(
        each
        for each in rule.resources
        if each.partition("/")[0] not in CLUSTER_SCOPED
        or (each == "clusterroles" and (ANY in rule.verbs or "bind" in rule.verbs))
    )
    return replace(rule, resources=kept, urls=()) if kept else None


def actions(rule: Rule) -> tuple[str, ...]:
    """The patterns of what it allows."""
    if rule.urls:
        return tuple(f"{verb}:url" for verb in rule.verbs)
    return tuple(
        f"{verb}:{group or 'core'}/{resource}"
        for group in rule.groups
        for resource in rule.resources
        for verb in rule.verbs
        if not (rule.names and is_unnamed(verb, resource))
    )


def resources(rule: Rule, namespace: str) -> tuple[str, ...]:
    """The patterns of what it allows that on; an empty `namespace`: in the whole cluster."""
    if rule.urls:
        return rule.urls
    if namespace:
        return tuple(f"namespaces/{namespace}/{name}" for name in rule.names or (ANY,))
    return tuple(f"*/{name}" for name in rule.names) or (ANY,)


def caveats(rule: Rule) -> Iterator[str]:
    """Where the patterns say more than the rule gives."""
    if rule.names and ANY in rule.verbs:
        yield UNNAMED


def is_unnamed(verb: str, resource: str) -> bool:
    """Whether a request names no object, so that a rule with names never allows it. What stands below an object
    (serviceaccounts/NAME/token) names it also on creation.
    """
    return verb == "deletecollection" or (verb == "create" and "/" not in resource)


def writes(rule: Rule) -> bool:
    """Whether it lets anything change. Reading a way into a container counts, asking a question does not."""
    if rule.urls:
        return not set(rule.verbs) <= {"get", "head", "options"}
    if set(rule.verbs) <= READS:
        return any(rule.allows(v, "", r) for v, _, r in _ESCALATIONS if v == "get" and "/" in r)
    return not all(_QUESTIONS.fullmatch(each) for each in rule.resources)


def is_wildcard(rule: Rule) -> bool:
    """Some verb or kind of object is not named, and more than reading is covered."""
    open_ended = ANY in (*rule.verbs, *rule.resources, *rule.groups)
    return open_ended and writes(rule)


def risk(rule: Rule, namespace: str) -> str:
    """Critical: what raises one's own rights, or acts as others, in the whole cluster or in its own namespace. The same
    in one other namespace, or for named objects, is high. Wildcards that write are high; other writes medium.
    """
    wide = not rule.names and namespace in ("", "kube-system")
    if any(rule.allows(*each) for each in _ESCALATIONS):
        return "critical" if wide else "high"
    if is_wildcard(rule):
        return "high"
    return "medium" if writes(rule) else "low"


def _is_of(pattern: str, resource: str) -> bool:
    if pattern in (ANY, resource):
        return True
    _, _, sub = resource.partition("/")
    return bool(sub) and pattern == f"*/{sub}"


def _is_live(text: str) -> bool:
    """Whether Kubernetes could ever find it: names are in lower case, and no patterns."""
    return text == ANY or (text == text.lower() and ANY not in text and "?" not in text)


def _live(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(each for each in found if _is_live(each))


def _texts(rule: dict[str, object], name: str) -> tuple[str, ...]:
    value = rule.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(
        isinstance(each, str) and len(each) <= 500 for each in value
    ):
        raise BadRule(name, "The value is not a list of texts. Correct the role.")
    return tuple(dict.fromkeys(value))
