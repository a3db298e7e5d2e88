"""Reports of spans, made by hand, and whoever may send them."""

from datetime import datetime, timedelta
from typing import Any

from inventory.models import ApiToken, User
from tests.factories import a_user

DAY = timedelta(days=1)


def a_reporter(at: datetime, *scopes: str, name: str = "") -> tuple[User, str]:
    """A service user with a live token, and its secret."""
    user = a_user("security", is_service=True, **({"username": name} if name else {}))
    secret = ApiToken.new_secret()
    ApiToken.objects.create(
        user=user, name="reports", hint=secret[:12], digest=ApiToken.digest_of(secret),
        scopes=list(scopes or ("ingest", "read")), created_at=at - DAY, expires_at=at + DAY,
    )  # fmt: skip
    return user, secret


def a_span(at: datetime, span_id: str = "00000000000000a1", **fields: Any) -> dict[str, Any]:
    """A span of OTLP in JSON; `attributes` is a plain dictionary."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "refund",
        **fields.pop("attributes", {}),
    }
    nanoseconds = int(at.timestamp() * 1_000_000) * 1_000
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": span_id,
        "name": "execute_tool refund",
        "startTimeUnixNano": str(nanoseconds),
        "endTimeUnixNano": str(nanoseconds + 5_000_000),
        "attributes": [{"key": key, "value": value_of(value)} for key, value in attributes.items()],
        **fields,
    }


def value_of(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": value}


def a_request(*spans: dict[str, Any], service: str = "billing") -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}
