"""Clients of the API, by role and scope."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inventory import api_tokens
from inventory.models import User
from tests.factories import a_user


class ApiClient:
    """Speaks JSON with a bearer token."""

    def __init__(self, user: User, secret: str) -> None:
        self.user = user
        self._client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(f"/api/v1/{path}", query)

    def post(self, path: str, **body: Any) -> Any:
        return self._client.post(f"/api/v1/{path}", body, content_type="application/json")

    def upload(self, path: str, **fields: Any) -> Any:
        return self._client.post(f"/api/v1/{path}", fields)


@pytest.fixture
def api() -> Callable[..., ApiClient]:
    def client(role: str = "security", scopes: list[str] | None = None, **fields: Any) -> ApiClient:
        user, now = a_user(role, **fields), timezone.now()
        wanted = scopes or api_tokens.scopes_of(user)
        _, secret = api_tokens.create(
            user, name="test", scopes=wanted, until=now + timedelta(days=1), by=user, at=now
        )
        return ApiClient(user, secret)

    return client
