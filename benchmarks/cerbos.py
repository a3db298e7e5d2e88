"""The Cerbos server beside us, with rules of the same number and kind: 1,000, of which 50 are looked at.

Its binary comes with the npm package `cerbos`; MANDATE_CERBOS names it, or it stands on the path. Without it nothing is
claimed about it.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.http_load import request_bytes
from benchmarks.serving import serving

WHERE = "/api/check/resources"
_CONFIG = """
server: {{httpListenAddr: "127.0.0.1:{port}", grpcListenAddr: "unix:{folder}/cerbos.sock"}}
storage: {{driver: disk, disk: {{directory: "{folder}/policies", watchForChanges: false}}}}
telemetry: {{disabled: true}}
audit: {{enabled: true, backend: local, local: {{storagePath: "{folder}/audit"}}, accessLogsEnabled: false}}
"""


def binary() -> str | None:
    """Where its program is; None where it is not."""
    return os.environ.get("MANDATE_CERBOS") or shutil.which("cerbos")


@contextmanager
def running(program: str, *, relevant: int, policies: int) -> Iterator[int]:
    """Its port. It keeps its own decision log, as we record each decision."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policies").mkdir()
        (folder / "policies" / "system.yaml").write_text(_rules("system", relevant))
        for number in range(policies - relevant):
            path = folder / "policies" / f"other{number}.yaml"
            path.write_text(_rules(f"other{number}", 1))

        def command(port: int) -> list[str]:
            config = folder / "config.yaml"
            config.write_text(_CONFIG.format(port=port, folder=folder))
            return [program, "server", "--log-level=error", f"--config={config}"]

        with serving(command) as port:
            yield port


def question(number: int, resources: int = 1) -> bytes:
    """A request about so many resources, as bytes."""
    body = {
        "requestId": str(number),
        "principal": {"id": str(number), "roles": ["agent"], "attr": {"environment": "production", "risk": "low"}},
        "resources": [
            {"resource": {"kind": "system", "id": f"{number}-{each}", "attr": {"hops": 0}}, "actions": ["read"]}
            for each in range(resources)
        ],
    }  # fmt: skip
    return request_bytes(WHERE, json.dumps(body).encode())


def _rules(kind: str, number: int) -> str:
    """One that allows, and others that would deny what is never so."""
    rules: list[dict[str, object]] = [
        {"actions": ["*"], "effect": "EFFECT_ALLOW", "roles": ["agent"], "name": "all"}
    ]
    rules += [
        {
            "actions": ["*"], "effect": "EFFECT_DENY", "roles": ["agent"], "name": f"rule-{each}",
            "condition": {"match": {"expr": f'P.attr.risk == "critical" && R.attr.hops > {each} && P.attr.environment == "sandbox"'}},
        }
        for each in range(1, number)
    ]  # fmt: skip
    policy = {
        "apiVersion": "api.cerbos.dev/v1",
        "resourcePolicy": {"version": "default", "resource": kind, "rules": rules},
    }
    return json.dumps(policy)  # YAML reads JSON
