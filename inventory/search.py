"""Text search that a trigram index answers: ILIKE, because Django's `icontains` asks for UPPER(x)
and misses it."""

from typing import Any

from django.db.models import CharField, Lookup, Model, Q, TextField


@CharField.register_lookup
@TextField.register_lookup
class Holds(Lookup):
    """`name__holds="bill"`: the text contains the words, in any case; % and _ mean themselves."""

    lookup_name = "holds"

    def get_prep_lookup(self) -> str:
        escaped = str(self.rhs).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        return f"%{escaped}%"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ILIKE {right}", (*left_params, *right_params)


def holds(text: str, *fields: str) -> Q:
    """Rows whose fields, together, contain every word of the text: `holds("bill prod", "name",
    "purpose")`."""
    found = Q()
    for word in text.split():
        any_field = Q()
        for field in fields:
            any_field |= Q(**{f"{field}__holds": word})
        found &= any_field
    return found


def any_of(model: type[Model], *conditions: Q) -> Q:
    """Rows that meet one of the conditions, as a UNION, so that each is found by its own index."""
    first, *others = (model._default_manager.filter(q).order_by().values("pk") for q in conditions)
    return Q(pk__in=first.union(*others))
