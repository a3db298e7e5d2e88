"""What of a call's contents is kept: a digest over all of the arguments, and a short summary without secrets (law 3).

The rules, which docs/ingest.md shows as well: the value of a name that speaks of a secret is never kept; a text that
looks like a secret is replaced; texts, lists and depth are bounded. Inexact by nature, and rather too strict.
"""

import hashlib
import json
import re
from typing import Any

import orjson

from inventory.importers.secrets import REDACTED, is_too_short, looks_secret, redact

KEPT_TEXT = 200  # characters of one text
KEPT_ITEMS = 20  # of one list or object
KEPT_DEPTH = 4
KEPT_ATTRIBUTES = 16
SHORT = 2_000  # characters that are kept as they are when nothing in them is suspicious
_JSON = ("{", "[", '"')  # what JSON begins with that is more than a number or a word
_LONGEST_NAME = 100
_LARGEST = 2**63
_LOOKED_AT = 4_000  # characters of a text that are looked at; more is cut off first

# The value under a name that holds one of these is never kept. Capitals, spaces, - and _ do not count.
SECRET_WORDS = (
    "password", "passwd", "pwd", "passphrase", "secret", "token", "authorization", "bearer", "cookie",
    "apikey", "accesskey", "privatekey", "accountkey", "credential", "sessionid", "signature", "cardnumber",
    "securitycode",
)  # fmt: skip
# And under one that is exactly this.
SECRET_NAMES = frozenset(("pin", "otp", "cvv", "cvc", "ssn", "auth", "iban", "key", "sid"))
# A number under such a name counts something.
_COUNTS = re.compile(r"tokens?(?:count|used|limit|total)?$|^(?:max|num|total)")
_SEPARATORS = str.maketrans("", "", " _-.")
_EXACT = tuple(f'"{name}"' for name in SECRET_NAMES)
_NAMED_IN_TEXT = re.compile(
    r"""(?ix) ([\w.-]{0,40} (?: pass(?:word|wd|phrase) | pwd | secret | token | authorization | cookie
    | (?:api|access|private|account)[ _-]?key | credential | session[ _-]?id | bearer | signature
    | card[ _-]?number | security[ _-]?code )[\w.-]{0,40} \\*["']? \s* [:=] \s*)
    (?: "(?:[^"\\]|\\.)*"? | '(?:[^'\\]|\\.)*'? | \\+"(?:[^"\\]|\\+[^"\\])*\\*"?
    | (?:basic|bearer)\s+\S+ | [^\s,;}\])]+ )"""
)
_MOST_NAMES = 5_000  # that are remembered
_plain_names: set[str] = set()
_SIMPLE = frozenset((int, float, bool, type(None)))
_EXPONENT = re.compile(rb"[0-9]e[+-]?[0-9]")


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, in UTF-8: the form in which an approval has its arguments."""
    try:
        quick = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError):  # numbers beyond 64 bits, halves of surrogates
        return _plainly(value)
    return _plainly(value) if _EXPONENT.search(quick) else quick


def digest(arguments: Any) -> str:
    """SHA-256 over the canonical arguments."""
    return hashlib.sha256(canonical(arguments)).hexdigest()


def read(raw: Any) -> Any:
    """Arguments as a value: instrumentations send JSON as a text."""
    if not isinstance(raw, str):
        return raw
    if raw[:1] in _JSON:
        try:
            return orjson.loads(raw)
        except ValueError:
            return raw
    return raw


def kept(value: Any) -> Any:
    """The summary of a value: bounded, and without secrets."""
    if value.__class__ is str and value[:1] not in _JSON:
        return text(value)
    if value.__class__ is dict and _is_plain_object(value):
        return value
    return _kept(value, KEPT_DEPTH)


def text(value: str, most: int = KEPT_TEXT) -> str:
    """A text without what looks like a secret, cut to a length that is no shorter than the shortest secret."""
    if is_too_short(value) and "\0" not in value:
        return value
    if is_plain(value):
        return value if len(value) <= most else value[: most - 1] + "…"
    value = value[:_LOOKED_AT].replace("\0", "\ufffd")
    clean = redact(_NAMED_IN_TEXT.sub(rf"\1{REDACTED}", value))
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def attributes(found: dict[str, Any]) -> dict[str, Any]:
    """Unknown attributes: the first few, bounded, without secrets."""
    if len(found) <= KEPT_ATTRIBUTES and _is_plain_object(found):
        return found
    few: dict[str, Any] = {}
    for name, value in list(found.items())[:KEPT_ATTRIBUTES]:
        few[text(name, _LONGEST_NAME)] = (
            REDACTED if is_secret_name(name, value) else _kept(value, 2)
        )
    return few


def is_secret_name(name: str, value: Any = "") -> bool:
    """Whether a value under this name is never kept."""
    plain = name.lower().translate(_SEPARATORS)
    if plain in SECRET_NAMES:
        return True
    if not any(map(plain.__contains__, SECRET_WORDS)):
        return False
    counts = isinstance(value, int | float) and _COUNTS.search(plain) is not None
    return not counts


def is_plain(raw: str) -> bool:
    """Short, and nothing in it speaks of a secret: most calls are like this, and are kept as they are. Names stand in
    quotation marks, as in JSON."""
    if len(raw) > SHORT or "\\" in raw or "\0" in raw:
        return False
    plain = raw.lower()
    if any(map(plain.__contains__, _EXACT)):
        return False
    if any(map(plain.translate(_SEPARATORS).__contains__, SECRET_WORDS)):
        return False
    return not looks_secret(raw)


def _is_plain_object(found: dict[str, Any]) -> bool:
    """An object of texts and numbers within the bounds, and nothing in it speaks of a secret: it is kept as it is."""
    if len(found) > KEPT_ITEMS or not (_plain_names.issuperset(found) or _have_plain_names(found)):
        return False
    texts = []
    for one in found.values():
        kind = one.__class__
        if kind is str:
            if len(one) > KEPT_TEXT:
                return False
            if not is_too_short(one) or "\0" in one:
                texts.append(one)
        elif kind not in _SIMPLE or (kind is int and abs(one) >= _LARGEST):
            return False
    return not texts or is_plain("\n".join(texts))


def _have_plain_names(found: dict[str, Any]) -> bool:
    """Looks at each name once in a process, as there are few of them; one that is not plain is not remembered."""
    for name in found:
        if name in _plain_names:
            continue
        if len(name) > _LONGEST_NAME or is_secret_name(name) or not is_plain(f'"{name}"'):
            return False
        if len(_plain_names) >= _MOST_NAMES:
            _plain_names.clear()
        _plain_names.add(name)
    return True


def _kept(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _kept_text(value, depth)
    if isinstance(value, dict):
        return _kept_object(value, depth)
    if isinstance(value, list | tuple):
        return _kept_list(value, depth)
    if isinstance(value, bool | float | None) or (isinstance(value, int) and abs(value) < _LARGEST):
        return value
    return text(str(value))


def _kept_list(value: list[Any] | tuple[Any, ...], depth: int) -> Any:
    if depth == 0:
        return f"({len(value)} items)"
    few = [_kept(one, depth - 1) for one in value[:KEPT_ITEMS]]
    return few if len(value) <= KEPT_ITEMS else [*few, f"({len(value) - KEPT_ITEMS} more)"]


def _kept_object(value: dict[Any, Any], depth: int) -> Any:
    if depth == 0:
        return f"({len(value)} fields)"
    few: dict[str, Any] = {}
    for name, one in list(value.items())[:KEPT_ITEMS]:
        few[text(str(name), _LONGEST_NAME)] = (
            REDACTED if is_secret_name(str(name), one) else _kept(one, depth - 1)
        )
    if len(value) > KEPT_ITEMS:
        few["…"] = f"({len(value) - KEPT_ITEMS} more)"
    return few


def _kept_text(value: str, depth: int) -> Any:
    """JSON inside a text is looked into, so that a name in it is seen as one."""
    if depth and value[:1] in _JSON and len(value) <= _LOOKED_AT:
        inner = read(value)
        if inner != value:
            return _kept(inner, depth - 1)
    return text(value)


def _plainly(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
