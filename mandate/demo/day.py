"""A day of the demo: every date is so many days before now, so that the demo never goes stale."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Day:
    """The organisation as it was `ago` days before `now`. What happened later is not known yet."""

    now: datetime
    ago: float
    before: float = 10_000  # the day of the source's previous report, in days before now

    @property
    def moment(self) -> datetime:
        return self.at(self.ago)

    def at(self, ago: float) -> datetime:
        """So many days before now; negative ones are still to come."""
        return self.now - timedelta(days=ago)

    def text(self, ago: float | None) -> str:
        """As a file says it; nothing where it says nothing."""
        return "" if ago is None else self.at(ago).isoformat(timespec="seconds")

    def has_seen(self, ago: float) -> bool:
        return ago >= self.ago

    def is_news(self, ago: float) -> bool:
        """Seen for the first time since the previous report."""
        return self.ago <= ago < self.before

    def last(self, ago: float, key: str) -> float:
        """The last of a row of events as it looked on this day, when the very last one is `ago`."""
        return ago if self.has_seen(ago) else self.ago + spread(key, 0, 20) / 40


def spread(key: str, low: int, high: int) -> int:
    """A number from low to high that looks random and is always the same for the key."""
    digest = hashlib.sha256(key.encode()).digest()
    return low + int.from_bytes(digest[:6], "big") % (high - low + 1)


def digest(text: str) -> str:
    """A SHA-256 fingerprint, made up from a name."""
    return hashlib.sha256(f"demo {text}".encode()).hexdigest()
