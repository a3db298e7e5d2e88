"""The one place that decides what a pattern covers: `s3:*` covers `s3:GetObject`, on every platform
that writes its rules with * and ?.
"""

from collections.abc import Iterable


def covers(pattern: str, action: str) -> bool:
    """Whether the pattern covers the action. * stands for any text, ? for one character, letter
    case does not count (AWS IAM User Guide, "IAM JSON policy elements: Action").
    """
    return _matches(pattern.lower(), action.lower())


def covers_resource(pattern: str, resource: str) -> bool:
    """As `covers`, for names of resources, in which letter case counts.

    Inexact for ARNs: there a * is said not to reach over a colon; here it does, so that an answer
    may be too wide but never too narrow.
    """
    return _matches(pattern, resource)


def statement_covers(
    action: str, *, actions: Iterable[str], not_actions: Iterable[str] = ()
) -> bool:
    """Whether a statement with these patterns speaks of the action: one of `actions` covers it, or
    there are `not_actions` and none of them does.
    """
    excluded = tuple(not_actions)
    if excluded:
        return not any(covers(pattern, action) for pattern in excluded)
    return any(covers(pattern, action) for pattern in actions)


def has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def literal_start(pattern: str) -> str:
    """The text before the first wildcard."""
    return pattern.replace("?", "*").partition("*")[0]


def _matches(pattern: str, text: str) -> bool:
    """Greedy with one point of return, so that no pattern takes more than pattern times text steps
    (a regular expression with many stars would).
    """
    at_pattern = at_text = 0
    star, retry = -1, 0
    while at_text < len(text):
        sign = pattern[at_pattern] if at_pattern < len(pattern) else ""
        if sign == "*":
            star, retry = at_pattern, at_text
            at_pattern += 1
        elif sign in {"?", text[at_text]}:
            at_pattern += 1
            at_text += 1
        elif star >= 0:
            retry += 1
            at_pattern, at_text = star + 1, retry
        else:
            return False
    return not pattern[at_pattern:].strip("*")
