"""The secret key of a local installation: made once, kept in the state directory, readable by its owner only."""

import os
import secrets
from pathlib import Path


def read_or_make(state: Path) -> str:
    """The key in `<state>/secret-key`; made when missing. Two processes that start at once agree on one key."""
    path = state / "secret-key"
    state.mkdir(parents=True, exist_ok=True)
    draft = state / f"secret-key.{os.getpid()}"
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
        try:
            os.link(draft, path)  # fails when another process was first; its key stands
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii")
