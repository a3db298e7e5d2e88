"""Real inputs of others, read in place: MANDATE_SAMPLES names their folder. Where they are absent, a test skips."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = Path(os.environ.get("MANDATE_SAMPLES", ROOT.parent / "shared" / "samples"))


def sample(name: str) -> Path:
    """The file or folder of that name; skips the test where it is not."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"The sample {name} is not here; MANDATE_SAMPLES names its folder.")
    return path
