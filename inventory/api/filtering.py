"""Filters of the API are those of the pages, and like there nothing in the address is ever ignored."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from inventory import filter_bar
from inventory.api.pagination import PARAMETERS


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]  # django-filter ships no types
    """An unknown parameter, or a value that a filter does not know, is an error of the caller."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        if getattr(view, "action", "") != "list":
            return queryset
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            refuse_parameters(request, known=PARAMETERS)
            return queryset
        refuse_twice(request)
        bar = filter_bar.build(filterset)
        wrong = filter_bar.problems(filterset, bar, reserved=PARAMETERS)
        if wrong:
            raise ValidationError({"filter": wrong})
        rows: QuerySet[Any] = filterset.qs
        return rows


def refuse_parameters(request: Request, *, known: Collection[str] = ()) -> None:
    """Raises ValidationError for a parameter that is not known here, or that is given twice."""
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        said = "There is no such parameter here. Remove it from the address."
        raise ValidationError({unknown[0]: said})
    refuse_twice(request)


def refuse_twice(request: Request) -> None:
    """Raises ValidationError when one of two values would be ignored; a filter may have several."""
    for name in PARAMETERS:
        if len(set(request.query_params.getlist(name))) > 1:
            raise ValidationError({name: "It is given twice. Keep one value."})
