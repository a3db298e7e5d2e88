"""The OpenAPI document against the implementation: schemathesis calls every operation with made-up input."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from inventory import api_tokens
from tests.contracts.world import build
from tests.factories import a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_connection() -> Iterator[None]:
    """A request would close the connection, and with it the test's transaction; Django's test client does the same."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def document(one_connection: None) -> Any:
    """The document as served, with one row of each noun behind it, and a token of security."""
    build()
    user, now = a_user(), timezone.now()
    _, secret = api_tokens.create(
        user, name="contract", scopes=api_tokens.scopes_of(user),
        until=now + timedelta(days=1), by=user, at=now,
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {secret}"}
    return schemathesis.openapi.from_wsgi(
        "/api/v1/schema/", get_wsgi_application(), headers=headers
    ), headers


def test_every_operation_keeps_what_the_document_promises(document: Any) -> None:
    schema, headers = document
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 45

    broken = [told for operation in operations if (told := _broken(operation, headers))]

    assert not broken, "\n\n".join(broken)


def _broken(operation: Any, headers: dict[str, str]) -> str:
    """What an operation did that its description does not say; empty when all is well."""
    # What is well-formed can still break a rule (422), be no place in the list, or name nobody.
    beyond = [positive_data_acceptance]

    @settings(
        max_examples=10, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=beyond)

    try:
        call()
    except BaseExceptionGroup as group:
        return f"{operation.label}: {group.exceptions[0]}"
    return ""
