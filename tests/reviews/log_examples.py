"""The smallest rows of each answer for the checks of the record."""

from typing import Any

from inventory.models import Identity, Tool, ToolBinding
from runtime.models import SealMark
from tests.factories import NOW, SourceFactory, ago, an_identity
from tests.runtime.call_factories import a_tool_call

DIGEST = "0" * 64


def with_a_tool(**fields: Any) -> Identity:
    """An agent that holds a tool."""
    identity: Identity = an_identity(kind=Identity.Kind.ASSISTANT, **fields)
    source = SourceFactory()
    provenance = {"source": source, "namespace": source.namespace, "first_seen_at": ago(9)}
    tool = Tool.objects.create(provider="p", name="t", external_id="t", **provenance)
    ToolBinding.objects.create(
        identity=identity, tool=tool, origin="declared", external_id="b", **provenance
    )
    return identity


def that_called(digest: str = DIGEST, outcome: str = "ok", **fields: Any) -> Identity:
    identity = with_a_tool(**fields)
    a_tool_call(identity=identity, started_at=ago(0.1), arguments_digest=digest, outcome=outcome)
    return identity


def a_log(**fields: Any) -> SealMark:
    SealMark.objects.all().delete()
    told = {"verified_at": ago(1), "taken_at": ago(0.01), **fields}
    return SealMark.objects.create(log="calls", place=1, transaction=1, sealed=1, **told)


LOGS = [
    ("tool-calls-logged", "pass", "on record", that_called),
    ("tool-calls-logged", "fail", "without arguments", lambda: that_called(digest="")),
    ("tool-calls-logged", "fail", "without an outcome", lambda: that_called(outcome="unknown")),
    ("tool-calls-logged", "fail", "at work, no call", lambda: with_a_tool(last_active_at=ago(1))),
    ("tool-calls-logged", "unknown", "nothing is known", with_a_tool),
    (
        "tool-calls-logged",
        "pass",
        "not at work",
        lambda: with_a_tool(last_active_at=ago(40), activity_known=True),
    ),
    (
        "tool-calls-logged",
        "not applicable",
        "holds no tool",
        lambda: an_identity(kind=Identity.Kind.ASSISTANT, last_active_at=NOW),
    ),
    ("log-integrity-retention", "pass", "sealed and compared", a_log),
    ("log-integrity-retention", "fail", "changed", lambda: a_log(differences=1)),
    ("log-integrity-retention", "fail", "not sealed", lambda: a_log(taken_at=ago(2))),
    ("log-integrity-retention", "unknown", "never compared", lambda: a_log(verified_at=None)),
]
