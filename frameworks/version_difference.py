"""What two versions of a framework differ in: controls that came, went or changed, and what is mapped to them."""

from dataclasses import dataclass

from frameworks.models import Control, Framework, Mapping

_SHOWN = ("title", "summary", "kind", "parent")


@dataclass(frozen=True)
class Changed:
    """One control that is in both; each line says what was and what is."""

    control_id: str
    title: str
    lines: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Difference:
    added: tuple[Control, ...]
    removed: tuple[Control, ...]
    changed: tuple[Changed, ...]

    @property
    def is_nothing(self) -> bool:
        return not (self.added or self.removed or self.changed)


def between(first: Framework, second: Framework) -> Difference:
    """From the first to the second; four queries."""
    before, after = _controls(first), _controls(second)
    maps, mapped = _mappings(first), _mappings(second)
    changed = []
    for key in after.keys() & before.keys():
        lines = (
            *_lines(before[key], after[key]),
            *_map_lines(maps.get(key, {}), mapped.get(key, {})),
        )
        if lines:
            changed.append(Changed(key, after[key].title, lines))
    order = {key: row.order for key, row in after.items()}
    return Difference(
        tuple(row for key, row in after.items() if key not in before),
        tuple(row for key, row in before.items() if key not in after),
        tuple(sorted(changed, key=lambda one: order[one.control_id])),
    )


def _controls(framework: Framework) -> dict[str, Control]:
    rows = framework.controls.select_related("parent").order_by("order")
    return {row.control_id: row for row in rows}


def _mappings(framework: Framework) -> dict[str, dict[str, Mapping]]:
    found: dict[str, dict[str, Mapping]] = {}
    rows = Mapping.objects.filter(control__framework=framework).select_related("control")
    for row in rows.order_by("check_id"):
        found.setdefault(row.control.control_id, {})[row.check_id] = row
    return found


def _lines(before: Control, after: Control) -> tuple[tuple[str, str, str], ...]:
    pairs = ((name, _value(before, name), _value(after, name)) for name in _SHOWN)
    return tuple((name.capitalize(), was, now) for name, was, now in pairs if was != now)


def _value(row: Control, name: str) -> str:
    if name == "parent":
        return row.parent.control_id if row.parent else ""
    return str(getattr(row, name))


def _map_lines(
    before: dict[str, Mapping], after: dict[str, Mapping]
) -> tuple[tuple[str, str, str], ...]:
    """Checks that are mapped anew, no more, or otherwise."""
    return tuple(
        (f"Check {check_id}", was, now)
        for check_id in sorted(before.keys() | after.keys())
        if (was := _told(before.get(check_id))) != (now := _told(after.get(check_id)))
    )


def _told(row: Mapping | None) -> str:
    return f"{row.get_strength_display()}: {row.why}" if row else ""
