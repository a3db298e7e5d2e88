"""Parameters of checks: declared as attributes of a check, decided by administrators, kept as
rows."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar, overload

from inventory import access, audit
from inventory.audit import Actor
from inventory.models import Tier
from inventory.rules import RuleBroken
from reviews.models import CheckSetting

Value = TypeVar("Value")
Decided = Mapping[str, object]  # name -> value, as stored
MOST_DAYS = 3_650


class Configured(Protocol):
    """What holds parameters: a check with what was decided about it."""

    decided: Decided


class Parameter(Generic[Value]):
    """One value that a check uses and an administrator may change; read it as an attribute of the
    check."""

    name = ""

    def __init__(self, default: object, label: str) -> None:
        self.default, self.label = default, label

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, check: None, owner: type) -> "Parameter[Value]": ...
    @overload
    def __get__(self, check: Configured, owner: type) -> Value: ...
    def __get__(self, check: Configured | None, owner: type) -> "Parameter[Value] | Value":
        if check is None:
            return self
        return self.meaning(check.decided.get(self.name, self.default))

    def meaning(self, stored: object) -> Value:
        """The stored value as the check uses it."""
        raise NotImplementedError

    def stored(self, given: object) -> object:
        """A given value in the form that is kept. Raises RuleBroken when it is not allowed."""
        raise NotImplementedError

    def shown(self, stored: object) -> str:
        raise NotImplementedError


class Whole(Parameter[Value]):
    """A whole number from 0 up to a limit, with its unit."""

    unit = ""
    most = 0

    def __init__(self, default: int, label: str) -> None:
        super().__init__(default, label)

    def stored(self, given: object) -> int:
        text = str(given).strip()
        fits = text.isascii() and text.isdecimal() and len(text) < 7 and int(text) <= self.most
        if not fits:
            of = f" of {self.unit}" if self.unit else ""
            raise RuleBroken(
                f"{self.label} cannot be “{text}”. Give a whole number{of} from 0 to {self.most:,}."
            )
        return int(text)

    def shown(self, stored: object) -> str:
        return f"{stored} {self.unit}".strip()


class Days(Whole[timedelta]):
    """A number of days, from 0 to ten years."""

    unit, most = "days", MOST_DAYS

    def meaning(self, stored: object) -> timedelta:
        return timedelta(days=int(str(stored)))


class Hours(Whole[timedelta]):
    """A number of hours, from 0 to 30 days."""

    unit, most = "hours", 720

    def meaning(self, stored: object) -> timedelta:
        return timedelta(hours=int(str(stored)))


class Minutes(Whole[timedelta]):
    """A number of minutes, from 0 to a day."""

    unit, most = "minutes", 1_440

    def meaning(self, stored: object) -> timedelta:
        return timedelta(minutes=int(str(stored)))


class Count(Whole[int]):
    """How many, up to ten thousand."""

    most = 10_000

    def meaning(self, stored: object) -> int:
        return int(str(stored))


class LowestTier(Whole[int]):
    """A control tier, from workload (0) to broker (4)."""

    most = int(max(Tier))

    def meaning(self, stored: object) -> int:
        return int(str(stored))


class Choices(Parameter[tuple[str, ...]]):
    """Any of several words, or none."""

    def __init__(
        self, default: tuple[str, ...], label: str, choices: list[tuple[str, str]]
    ) -> None:
        super().__init__(list(default), label)
        self.choices = choices

    def meaning(self, stored: object) -> tuple[str, ...]:
        return tuple(stored) if isinstance(stored, list | tuple) else ()

    def stored(self, given: object) -> list[str]:
        chosen = set(given) if isinstance(given, list | tuple) else set()
        unknown = chosen - {word for word, _ in self.choices}
        if unknown:
            raise RuleBroken(
                f"{self.label} cannot be “{sorted(map(str, unknown))[0]}”."
                f" Choose from: {', '.join(word for word, _ in self.choices)}."
            )
        return [word for word, _ in self.choices if word in chosen]

    def shown(self, stored: object) -> str:
        words = self.meaning(stored)
        return ", ".join(label for word, label in self.choices if word in words) or "None"


def decisions() -> dict[str, dict[str, object]]:
    """All that was decided, by check, in one query."""
    found: dict[str, dict[str, object]] = defaultdict(dict)
    for check_id, name, value in CheckSetting.objects.values_list("check_id", "name", "value"):
        found[check_id][name] = value
    return dict(found)


def change(
    check_id: str,
    parameters: list[Parameter[Any]],
    given: Mapping[str, object],
    *,
    by: Actor,
    reason: str,
) -> list[str]:
    """Decides parameters of one check; returns the names that changed. The next sweep judges by
    them.

    `given` may hold any of the parameters and `enabled`. What is so already is not written.
    """
    access.require_security(by)
    if not reason.strip():
        raise RuleBroken("There is no reason. Say why, for those who read this later.")
    known = {parameter.name: parameter for parameter in parameters}
    before = decisions().get(check_id, {})
    changed = []
    with audit.acting(by, "check.changed", reason):
        for name, value in given.items():
            if name == CheckSetting.ENABLED:
                stored: object = bool(value)
                now = before.get(name, True)
            else:
                stored = known[name].stored(value)
                now = before.get(name, known[name].default)
            if stored != now:
                CheckSetting.objects.update_or_create(
                    check_id=check_id, name=name, defaults={"value": stored}
                )
                changed.append(name)
    return changed
