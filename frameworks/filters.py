"""What the list of controls can be asked; page and export share it."""

import django_filters
from django.db.models import Q

from frameworks.models import Control
from frameworks.results import State
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, Rows
from inventory.search import holds

STATES = [(state.value, state.label) for state in State]


class ControlFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="ID, title or summary")
    state = ManyFilter(label="State", choices=STATES)
    group = django_filters.ChoiceFilter(method="by_group", label="Group")

    class Meta:
        model = Control
        fields: list[str] = []

    def __init__(self, *args: object, groups: list[tuple[str, str]], **options: object) -> None:
        """`groups`: id and words of the headings on top; without any there is no such filter."""
        super().__init__(*args, **options)
        if groups:
            self.filters["group"].extra["choices"] = groups
        else:
            del self.filters["group"]

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "control_id", "title", "summary"))

    def by_group(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(Q(parent__control_id=value) | Q(parent__parent__control_id=value))
