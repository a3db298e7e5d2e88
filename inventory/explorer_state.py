"""What somebody asks of the delegation explorer, read from its address and written back to it."""

from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from inventory.access_graph import LONGEST
from inventory.delegation_walk import Key
from inventory.models import Delegation

HOPS = 2  # unless asked otherwise
_MOST = 100  # boxes opened, or columns widened, in one address
_HOWS: dict[str, str] = dict(Delegation.How.choices)


@dataclass(frozen=True)
class Asked:
    """`opened`: identities shown one hop further than `hops`; `wide`: columns (whom the start acts as are negative)
    that show more boxes; `path`: whose way is shown."""

    identity: int | None = None
    hops: int = HOPS
    hows: tuple[str, ...] = ()
    opened: tuple[int, ...] = ()
    path: Key | None = None
    certain: bool = False
    wide: tuple[int, ...] = ()

    def url(self, **changes: Any) -> str:  # Any: of the fields
        """The address of the page with this state, changed so."""
        return f"{reverse('inventory:delegation-explore')}{_query(replace(self, **changes))}"

    def file(self, kind: str) -> str:
        """The address of a file with what is shown."""
        return f"{self.url()}&{urlencode({'format': kind})}"

    @property
    def limits(self) -> list[str]:
        """The filters that are on, in words."""
        kinds = [f"“{_HOWS[how]}”" for how in self.hows]
        said = [f"only {' or '.join(kinds)}"] if kinds else []
        return [*said, "only certain hops"] if self.certain else said


def read(data: QueryDict) -> Asked:
    """What the address asks; raises BadRequest with a sentence rather than leaving a part of it out."""
    unknown = sorted(set(data.getlist("how")) - set(_HOWS) - {""})
    if unknown:
        raise BadRequest(f"There is no kind of delegation “{unknown[0]}”. Use {', '.join(_HOWS)}.")
    hops = _number(data.get("hops") or str(HOPS), "hops")
    if not 1 <= hops <= LONGEST:
        raise BadRequest(f"The picture cannot show {hops} hops. Choose 1 to {LONGEST}.")
    identity = data.get("identity")
    return Asked(
        identity=_number(identity, "identity") if identity else None,
        hops=hops,
        hows=tuple(how for how in _HOWS if how in data.getlist("how")),
        opened=_numbers(data, "open"),
        path=_path(data.get("path") or ""),
        certain=data.get("certain") == "1",
        wide=_numbers(data, "wide"),
    )


def toggled(values: tuple[int, ...], value: int) -> tuple[int, ...]:
    """With the value, or without it where it was there."""
    return tuple(sorted({*values} ^ {value}))


def _query(asked: Asked) -> str:
    noun, key = asked.path or ("", 0)
    pairs: list[tuple[str, str | int]] = [("identity", asked.identity)] if asked.identity else []
    pairs += [("hops", asked.hops)] if asked.hops != HOPS else []
    pairs += [("how", how) for how in asked.hows]
    pairs += [("certain", 1)] if asked.certain else []
    pairs += [("open", pk) for pk in asked.opened]
    pairs += [("wide", column) for column in asked.wide]
    pairs += [("path", f"person-{key}" if noun == "person" else key)] if asked.path else []
    return f"?{urlencode(pairs)}"


def _path(text: str) -> Key | None:
    if not text:
        return None
    key = _number(text.removeprefix("person-"), "path")
    return ("person" if text.startswith("person-") else "identity", key)


def _numbers(data: QueryDict, name: str) -> tuple[int, ...]:
    texts = {text for text in data.getlist(name) if text}
    if len(texts) > _MOST:
        raise BadRequest(f"{len(texts)} values of “{name}” are too many. Give at most {_MOST}.")
    return tuple(sorted(_number(text, name) for text in texts))


def _number(text: str, name: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise BadRequest(f"“{text}” is not a number for “{name}”. Start from the Delegations page.")
    return int(text)
