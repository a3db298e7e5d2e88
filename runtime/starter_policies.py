"""The policies to begin with, and their tests: the control tiers, written down (runtime/starter/)."""

from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent / "starter"
TestRow = tuple[str, dict[str, Any], bool]  # name, request, right answer; Any: JSON


def _tests() -> list[TestRow]:
    return [_test(one) for one in yaml.safe_load((_HERE / "tests.yaml").read_text("utf-8"))]


def _test(one: dict[str, Any]) -> TestRow:
    about = dict(one["resource"])
    request = {
        "subject": {"type": "identity", "id": "1", "properties": one["subject"]},
        "action": {"name": one["action"]},
        "resource": {"type": about.pop("type"), "id": "2", "properties": about},
        "context": one.get("context", {}),
    }
    return one["name"], request, one["permitted"]


STARTER_TEXT = (_HERE / "policies.cedar").read_text("utf-8")
STARTER_TESTS = _tests()
