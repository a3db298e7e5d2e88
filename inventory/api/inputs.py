"""What the API takes: shape only; the rules check sense."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from inventory import access
from inventory.models import Environment, Person, Risk, Tier, User

REASON: dict[str, Any] = {"max_length": 500, "help_text": "Why; kept in the history."}
MOST_SUCCESSORS = 20
_NAMED = 10


class Given(serializers.Serializer[Any]):
    """The fields of a request. One that is not known is refused: a typing error would change nothing, and say so to
    nobody.
    """

    def to_internal_value(self, data: Any) -> Any:  # Any: whatever the body holds
        if isinstance(data, Mapping):
            unknown = sorted(set(map(str, data)) - set(self.fields))[:_NAMED]
            if unknown:
                known = ", ".join(self.fields) or "none"
                said = f"There is no such field. Those here are: {known}."
                raise serializers.ValidationError({name: [said] for name in unknown})
        return super().to_internal_value(data)


def read(given: type[Given], request: Request) -> dict[str, Any]:
    """The fields of the body, or a ValidationError that names what is wrong."""
    data = given(data=request.data, context={"user": request.user})
    data.is_valid(raise_exception=True)
    fields: dict[str, Any] = data.validated_data
    return fields


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 254})
class PersonField(serializers.Field):  # type: ignore[type-arg]  # reads only
    """A person by e-mail address, as in the forms: large and small letters are the same."""

    def to_internal_value(self, data: Any) -> Person:  # Any: whatever the body holds
        text = serializers.CharField(max_length=254).run_validation(data)
        person = Person.objects.filter(email__iexact=text).first()
        if person is None:
            raise serializers.ValidationError(
                f"Nobody has the e-mail address “{text}”. Look it up under /api/v1/people/."
            )
        return person


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 2**63 - 1})
class RowField(serializers.Field):  # type: ignore[type-arg]  # reads only
    """A row by its id. `for_all`: everybody may name it; otherwise only who may see it, as `seen` says, and nobody else
    learns that it is there."""

    def __init__(
        self,
        rows: QuerySet[Any],  # Any: of each noun
        *,
        for_all: bool = False,
        seen: Callable[[User, QuerySet[Any]], QuerySet[Any]] = access.visible_to,
        **options: Any,
    ) -> None:
        self.rows, self.for_all, self.seen = rows, for_all, seen
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:  # Any: whatever the body holds
        if isinstance(data, bool) or not isinstance(data, int) or not 0 < data < 2**63:
            raise serializers.ValidationError("An id is a whole number of 1 or more.")
        named = self.rows.filter(pk=data)
        found = (named if self.for_all else self.seen(self.context["user"], named)).first()
        if found is None:
            noun = self.rows.model._meta.verbose_name
            raise serializers.ValidationError(
                f"There is no {noun} with the id {data} that you may see."
            )
        return found


class Nothing(Given):
    """An act that takes no fields."""


class Reason(Given):
    reason = serializers.CharField(**REASON)


class OptionalReason(Given):
    reason = serializers.CharField(required=False, allow_blank=True, default="", **REASON)


class Owner(OptionalReason):
    owner = PersonField(help_text="E-mail address of a person.")


class Successors(OptionalReason):
    people = serializers.ListField(
        child=PersonField(),
        max_length=MOST_SUCCESSORS,
        help_text="E-mail addresses in order; the first is the backup owner.",
    )


class Describe(OptionalReason):
    """What is left out stays as it is."""

    purpose = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    environment = serializers.ChoiceField(Environment.choices, required=False, allow_blank=True)
    declared_tier = serializers.ChoiceField(Tier.choices, required=False, allow_null=True)
    risk = serializers.ChoiceField(Risk.choices, required=False, allow_blank=True)


class End(OptionalReason):
    until = serializers.DateTimeField(help_text="When it ends (RFC 3339).")


class Extend(Given):
    until = serializers.DateTimeField(help_text="The new end (RFC 3339).")
    reason = serializers.CharField(**REASON)


class ExpireUnlessUsed(OptionalReason):
    days = serializers.IntegerField(
        min_value=1,
        max_value=730,
        allow_null=True,
        help_text="Days without use; null takes the limit away.",
    )


class LastDay(OptionalReason):
    last_day = serializers.DateTimeField(
        help_text="After this moment the person answers for nothing."
    )


class HandOver(OptionalReason):
    to = PersonField(
        required=False,
        allow_null=True,
        default=None,
        help_text="E-mail address; left out: each identity goes to its next in line.",
    )


class HandedOver(serializers.Serializer[Any]):
    moved = serializers.IntegerField()
