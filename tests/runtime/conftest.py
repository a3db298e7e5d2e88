"""Callers of the decision point."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from inventory import api_tokens
from tests.factories import a_user

Ask = Callable[..., HttpResponse]


@pytest.fixture
def secret() -> str:
    """Of an API token that is for decisions."""
    user, now = a_user(), timezone.now()
    _, made = api_tokens.create(
        user, name="gateway", scopes=["decide"], until=now + timedelta(days=1), by=user, at=now
    )
    return made


@pytest.fixture
def ask(secret: str) -> Ask:
    """Posts JSON (or bytes as they are) to an address below /access/v1/ as a gateway would."""
    client = Client(raise_request_exception=False)

    def post(what: str, body: Any, **headers: str) -> Any:
        given = {"authorization": f"Bearer {secret}", **headers}
        return client.post(
            f"/access/v1/{what}", body, content_type="application/json",
            headers={name.replace("_", "-"): value for name, value in given.items()},
        )  # fmt: skip

    return post
