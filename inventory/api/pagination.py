"""Pages of the API: the keyset pages of the lists, so that the thousandth costs as much as the first."""

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from inventory import keyset
from inventory.keyset import Count, Order

if TYPE_CHECKING:  # rest_framework.views reads the settings that name this module
    from rest_framework.views import APIView

PAGE_SIZE, MOST = 50, 200
PARAMETERS = ("cursor", "page_size", "ordering")


class KeysetPagination(BasePagination):
    """A view names its orders, such as `orders = {"name": "name", "id": "pk"}`; the first is the default."""

    def paginate_queryset(  # type: ignore[override]  # ours are querysets only
        self, queryset: QuerySet[Any], request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        orders: dict[str, str] = getattr(view, "orders", {"id": "pk"})
        order = _order(request, queryset, orders)
        base: QuerySet[Any] = view.get_queryset()  # type: ignore[union-attr]  # only generic views paginate
        cursor, size = request.query_params.get("cursor"), _size(request)
        self._count, self._page = keyset.listed(base, queryset, order, cursor=cursor, size=size)
        self._request = request
        return self._page.rows

    def get_paginated_response(self, data: Any) -> Response:
        count: Count = self._count
        return Response(
            {
                "count": count.number,
                "count_is_capped": count.capped,
                "next": self._link(self._page.next),
                "previous": self._link(self._page.previous),
                "results": data,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "count_is_capped", "next", "previous", "results"],
            "properties": {
                "count": {
                    "type": "integer",
                    "description": f"How many match; counting stops at {keyset.COUNT_CAP:,}.",
                },
                "count_is_capped": {"type": "boolean", "description": "There are more."},
                "next": link,
                "previous": link,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        names = dict.fromkeys(name.lstrip("-") for name in getattr(view, "orders", {"id": ""}))
        orders = [sign + name for name in names for sign in ("", "-")]
        return [
            _parameter("cursor", "A place in the list, from `next` or `previous`.", type="string"),
            _parameter(
                "page_size", f"Rows of a page; {PAGE_SIZE} when left out.",
                type="integer", minimum=1, maximum=MOST,
            ),
            _parameter("ordering", "The order; `-` in front reverses it.", type="string", enum=orders),
        ]  # fmt: skip

    def _link(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        return replace_query_param(self._request.build_absolute_uri(), "cursor", cursor)


def _parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }


def _order(request: Request, queryset: QuerySet[Any], orders: dict[str, str]) -> Order:
    asked = request.query_params.get("ordering") or next(iter(orders))
    name = asked.removeprefix("-")
    if name not in orders:
        raise ValidationError({"ordering": f"“{asked}” is no order. Use {', '.join(orders)}."})
    return Order.of(queryset.model, orders[name], descending=asked.startswith("-"))


def _size(request: Request) -> int:
    asked = request.query_params.get("page_size") or str(PAGE_SIZE)
    if not asked.isascii() or not asked.isdecimal() or not 1 <= int(asked[:9]) <= MOST:
        raise ValidationError({"page_size": f"“{asked[:20]}” is not a number from 1 to {MOST}."})
    return int(asked)
