"""Recognises secret values in free text, so that no importer lets one in (law 3).

Inexact by nature: known formats are recognised by their shape, unknown ones by looking random.
Public identifiers (access key ids, ARNs, UUIDs, SPIFFE IDs, e-mail addresses, digests that are
named as such) are never secrets.
"""

import re

REDACTED = "[redacted]"

_SHORTEST_TOKEN = 24  # of all known formats; only = and : can announce something shorter
_LONG = 32  # characters from which an unknown token is judged by its looks

# A cheap question first: every known format holds one of these (in lower case). Looked for one by one, which is many
# times quicker than one pattern of alternatives.
_HINTS = (
    "://", "private key", "passw", "pwd", "secret", "token", "bearer", "api", "accountkey", "ghp_", "gho_",
    "ghu_", "ghs_", "ghr_", "github_pat", "glpat", "xox", "xapp-", "sk-", "sk_", "rk_", "eyj", "aiza", "ya29",
    "gocspx", "hvs.", "sg.", "dop_v", "npm_", "pypi-",
)  # fmt: skip
_WORD = r"[A-Za-z0-9_-]"
_NAME = r"(?:password|passwd|pwd|secret|token|(?:api|account|secret|access)[ _-]?key)"
_VALUE = r"(?!\[redacted\]|A[KS]IA[A-Z0-9]{16}\b)[^\s,;\"']{6,}"
# Repetitions before a condition are bounded, so that no text takes quadratic time.
_KNOWN = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)",
            r"://[^\s/:@]*:[^\s/@]+@",  # user and password in an address
            r"\bgh[pousr]_[A-Za-z0-9]{20,}",
            rf"\b(?:github_pat_|glpat-|ya29\.|GOCSPX-|hvs\.){_WORD}{{20,}}",
            r"\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{19,}",
            rf"(?<![A-Za-z0-9])sk-(?={_WORD}{{0,99}}[0-9]){_WORD}{{0,99}}[A-Za-z0-9]{{21}}{_WORD}*",
            r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
            rf"\bAIza{_WORD}{{35}}|\bnpm_[A-Za-z0-9]{{30,}}|\bdop_v1_[a-f0-9]{{32,}}",
            rf"\bpypi-{_WORD}{{40,}}|\bSG\.{_WORD}{{16,}}\.{_WORD}{{16,}}",
            rf"\beyJ{_WORD}{{10,999}}\.{_WORD}{{10,}}(?:\.{_WORD}*)*",  # JWT, JWE
            r"(?i:\bbearer\s+(?=[A-Za-z0-9._~+/-]{0,99}[0-9])[A-Za-z0-9._~+/-]{17,}=*)",
            # The name may be the end of a longer one: DB_PASSWORD, client-secret, AccountKey.
            rf"(?i:{_NAME}\s*=\s*{_VALUE})",
            # Not after a colon: that is a part of an ARN (...:secret:name).
            rf"(?i:(?<![:/]){_NAME}\s*:\s*(?=\S{{0,99}}[0-9]){_VALUE})",
        )
    ),
    re.DOTALL,
)
# Longest public forms first; what they cover is never looked at as a token.
_PUBLIC = "|".join(
    (
        r"\barn:aws[a-z-]*:[A-Za-z0-9-]*:[A-Za-z0-9-]*:[0-9]*:[\w+=,.@:/*${}-]+",
        r"\bspiffe://[A-Za-z0-9._/-]+",
        r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b",
        r"\b[0-9]{6,}-[a-z0-9]{32}\.apps\.googleusercontent\.com",
        r"(?<![/\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+",
        r"(?i:\b(?:sha-?(?:1|224|256|384|512)|md5|[a-z_]*hash|digest|fingerprint|thumbprint"
        r"|checksum|commit|etag)"
        r"[:=@ ]{1,2}(?:sha-?(?:1|256|384|512)[:=-])?[0-9a-z+/]{16,}={0,2})",
    )
)
_SCAN = re.compile(rf"(?P<public>{_PUBLIC})|(?P<token>[A-Za-z0-9+/_=-]{{{_LONG},}})")
_LONG_RUN = re.compile(rf"[A-Za-z0-9+/_=-]{{{_LONG}}}")
_PART = re.compile(r"[A-Za-z0-9]+")
_HEX = re.compile(r"(?:[0-9a-f]{32,}|[0-9A-F]{32,})")
_AWS_SECRET = re.compile(r"[A-Za-z0-9/+]{40}")  # only its length gives it away
_DIGITS = re.compile(r"[0-9]+")
_BOUNDARY = re.compile(r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[a-z0-9]|(?<=[0-9])[A-Za-z]")


def is_too_short(text: str) -> bool:
    """Whether there is no room in the text for anything that looks like a secret: most texts are like this."""
    return len(text) < _SHORTEST_TOKEN and ":" not in text and "=" not in text


def looks_secret(text: str) -> bool:
    """Whether the text holds something that looks like a live secret."""
    if is_too_short(text):
        return False
    if any(map(text.lower().__contains__, _HINTS)) and _KNOWN.search(text):
        return True
    return _has_long_chunk(text) and any(_is_secret_token(found) for found in _SCAN.finditer(text))


def looks_secret_id(text: str) -> bool:
    """As `looks_secret`, for a field that holds a public identifier: there, hexadecimal
    digits are a name (the key id of many platforms), however long."""
    return looks_secret(_HEX.sub("", text)) if len(text) >= _LONG else looks_secret(text)


def redact(text: str) -> str:
    """The text with everything that looks like a secret replaced; what comes out never
    looks secret.
    """
    # Ends: each round consumes digits, capitals or punctuation, and puts none back.
    while looks_secret(text):
        text = _SCAN.sub(_without_secret, _KNOWN.sub(REDACTED, text))
    return text


def _has_long_chunk(text: str) -> bool:
    return len(text) >= _LONG and _LONG_RUN.search(text) is not None


def _without_secret(found: re.Match[str]) -> str:
    return REDACTED if _is_secret_token(found) else found[0]


def _is_secret_token(found: re.Match[str]) -> bool:
    return found["token"] is not None and _looks_random(found["token"])


def _looks_random(token: str) -> bool:
    """Random text changes between lower case, capitals and digits all the time; a name made
    of words rarely does.
    """
    if _HEX.search(token):
        return any(_DIGITS.search(run) and not run.isdigit() for run in _HEX.findall(token))
    parts = _PART.findall(token)
    if any(len(part) >= _LONG and len(_DIGITS.findall(part)) >= 3 for part in parts):
        return True
    letters = sum(map(len, parts))
    changes = sum(len(_BOUNDARY.findall(part)) for part in parts)
    often = 4 if _AWS_SECRET.fullmatch(token) else 3
    return letters >= _LONG - 4 and changes >= letters / often and _DIGITS.search(token) is not None
