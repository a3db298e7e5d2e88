"""Several capped counts in one statement: what an overview shows costs one round trip."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from inventory.keyset import COUNT_CAP, Count


def counted_together(
    querysets: Mapping[str, QuerySet[Any]], cap: int = COUNT_CAP
) -> dict[str, Count]:
    """How many rows each queryset has, up to the cap, by its name. One query for all of them."""
    parts: list[str] = []
    parameters: list[Any] = []  # Any: whatever the filters compare with
    for queryset in querysets.values():
        try:
            sql, values = queryset.order_by().values("pk")[: cap + 1].query.sql_with_params()
        except EmptyResultSet:  # Django knows already that nothing fits
            sql, values = "SELECT NULL WHERE false", ()
        parts.append(f"(SELECT count(*) FROM ({sql}) one)")
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        numbers = cursor.fetchone()
    return {
        name: Count(min(number, cap), capped=number > cap)
        for name, number in zip(querysets, numbers, strict=True)
    }
