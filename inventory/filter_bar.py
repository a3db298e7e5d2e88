"""The filter bar of a list: what a FilterSet asks, what the address answers, and what is wrong with
the answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import django_filters
from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

Pairs = list[tuple[str, str]]

# Parameters of a list that are not filters.
RESERVED = ("sort", "cursor", "size", "export", "bom", "col")


class ManyFilter(django_filters.MultipleChoiceFilter):  # type: ignore[misc]  # django-filter ships no types
    """Any of several choices, as one IN; the parent's OR with DISTINCT hides the index and sorts
    every row."""

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__in": value}) if value else qs


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    selected: bool


@dataclass(frozen=True)
class Control:
    """One control of the bar. `kind`: search, select, many, text, date, number or hidden."""

    name: str
    label: str
    kind: str
    values: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    help: str = ""

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    def says(self, value: str) -> str:
        """A value in the words of its option."""
        return next((option.label for option in self.options if option.value == value), value)


@dataclass(frozen=True)
class Chip:
    """An active filter, and the address of the list without it."""

    label: str
    value: str
    url: str


@dataclass(frozen=True)
class FilterBar:
    search: Control | None
    controls: list[Control] = field(default_factory=list)
    more: list[Control] = field(default_factory=list)
    hidden: list[Control] = field(default_factory=list)

    @property
    def all(self) -> list[Control]:
        found = [self.search] if self.search else []
        return [*found, *self.controls, *self.more, *self.hidden]

    @property
    def more_is_active(self) -> bool:
        return any(control.values for control in self.more)


def build(filterset: django_filters.FilterSet, *, visible: int = 5) -> FilterBar:
    """The controls of a FilterSet in its own order; `q` is the search box, the rest after `visible`
    folds away."""
    data = filterset.data
    controls = [
        control
        for name, form_field in filterset.form.fields.items()
        for control in _controls(name, form_field, data)
    ]
    search = next((control for control in controls if control.kind == "search"), None)
    plain = [control for control in controls if control.kind not in ("search", "hidden")]
    hidden = [control for control in controls if control.kind == "hidden"]
    return FilterBar(search, plain[:visible], plain[visible:], hidden)


def problems(
    filterset: django_filters.FilterSet, bar: FilterBar, *, reserved: Iterable[str] = RESERVED
) -> list[str]:
    """What in the address is not a filter of this list or not a value of it, each as a sentence.

    Nothing is ever ignored: a list that silently shows more than was asked for is worse than none.
    """
    known = {control.name: control for control in bar.all}
    found = []
    for name, values in filterset.data.lists():
        if name in known:
            if known[name].kind != "many" and len(set(values)) > 1:
                found.append(f"The filter “{known[name].label}” is given twice. Keep one value.")
        elif name not in reserved:
            found.append(f"There is no filter “{name}” on this list. Remove it from the address.")
    if not filterset.is_valid():
        for name, errors in filterset.form.errors.items():
            label = filterset.form.fields[name].label if name in filterset.form.fields else name
            found += [f"{label}: {error}" for error in errors]
    return found


def chips(
    bar: FilterBar, filterset: django_filters.FilterSet, pairs: Pairs, path: str
) -> list[Chip]:
    """The active filters. A FilterSet may word a value itself: `describe(name, value) -> str |
    None`."""
    describe = getattr(filterset, "describe", lambda name, value: None)
    return [
        Chip(
            label=control.label,
            value=describe(control.name, value) or control.says(value),
            url=url(path, [pair for pair in pairs if pair != (control.name, value)]),
        )
        for control in bar.all
        for value in control.values
    ]


def pairs_of(data: QueryDict, *, without: Iterable[str] = ()) -> Pairs:
    """The filled parameters of an address, in order, for building other addresses from it."""
    left_out = set(without)
    return [
        (name, value)
        for name, values in data.lists()
        for value in values
        if value and name not in left_out
    ]


def url(path: str, pairs: Pairs) -> str:
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _controls(name: str, form_field: forms.Field, data: QueryDict) -> Iterator[Control]:
    """The controls of one field: one, or one for each end of a range."""
    widget = form_field.widget
    label = str(form_field.label or name.replace("_", " ").capitalize())
    if isinstance(widget, forms.MultiWidget):
        kind = _input_kind(getattr(form_field, "fields", [form_field])[0])
        for ending in _endings(widget):
            yield Control(
                name + ending, f"{label} {_end(ending)}", kind, _values(data, name + ending)
            )
        return
    values = _values(data, name)
    text = str(form_field.help_text)
    if widget.is_hidden:
        yield Control(name, label, "hidden", values)
    elif choices := _choices(form_field):
        many = isinstance(form_field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField)
        options = tuple(Option(v, text, v in values) for v, text in choices)
        yield Control(name, label, "many" if many else "select", values, options, text)
    else:
        kind = "search" if name == "q" else _input_kind(form_field)
        yield Control(name, label, kind, values, help=text)


def _endings(
    widget: Any,
) -> list[str]:  # Any: django-filter's own widgets name their parts themselves
    """What is added to a range's name for each of its ends, as its widget reads it."""
    if hasattr(widget, "suffixes"):
        return [f"_{suffix}" if suffix else "" for suffix in widget.suffixes]
    return list(widget.widgets_names)


def _values(data: QueryDict, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in data.getlist(name) if value))


def _choices(form_field: Any) -> Pairs:  # Any: choices live on the field or on its widget
    """Flat pairs of value and words, without the empty one."""
    if isinstance(form_field, forms.NullBooleanField):
        return [("true", "Yes"), ("false", "No")]
    found: Pairs = []
    for value, label in getattr(form_field, "choices", ()):
        group = label if isinstance(label, list | tuple) else [(value, label)]
        found += [(str(v), str(text)) for v, text in group if str(v)]
    return found


def _end(ending: str) -> str:
    return {"_min": "from", "_max": "to", "_after": "from", "_before": "until"}.get(
        ending, ending.strip("_")
    )


def _input_kind(form_field: forms.Field) -> str:
    if isinstance(form_field, forms.DateField | forms.DateTimeField):
        return "date"
    return "number" if isinstance(form_field, forms.IntegerField | forms.DecimalField) else "text"
