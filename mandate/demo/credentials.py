"""The credentials of the demo's identities: habits that estates have, good and bad."""

from collections.abc import Iterator
from dataclasses import dataclass

from mandate.demo.content import DOMAIN
from mandate.demo.day import Day, digest, spread

NEVER = "never"
Span = tuple[int, int]


@dataclass(frozen=True)
class Habit:
    """How one credential is kept. Days; `ends` counts from its issue, None: never."""

    kind: str
    age: Span
    ends: Span | None = None
    idle: Span = (0, 0)  # days since its last use; (0, 0): as active as its identity
    is_used: bool = True
    lifetime: int = 0  # seconds, where it is issued again and again
    binding: str = ""  # a workload, none, or unknown
    earlier: int = 0  # predecessors that were rotated away
    is_reported: bool = True  # False: the platform says neither use nor end


HABITS: dict[str, Habit] = {
    "key": Habit("api_key", (20, 85), (150, 330), earlier=1),
    "free-key": Habit("api_key", (20, 85), (150, 330), binding="none"),
    "rotating": Habit("api_key", (8, 40), (45, 60), earlier=3),
    "old-key": Habit("api_key", (260, 720), binding="none"),
    "forgotten-key": Habit("api_key", (330, 640), idle=(100, 290)),
    "unused-key": Habit("api_key", (110, 260), is_used=False),
    "unknown": Habit("api_key", (40, 70), is_reported=False),
    "secret": Habit("client_secret", (150, 330), (730, 1095)),
    "secret-ok": Habit("client_secret", (20, 80), (180, 180), earlier=1),
    "secret-expiring": Habit("client_secret", (78, 86), (90, 90)),
    "secret-expired": Habit("client_secret", (200, 210), (180, 180), idle=(31, 40)),
    "token": Habit("oauth_token", (60, 300), lifetime=3_600, binding="workload"),
    "token-app": Habit("oauth_token", (95, 420), is_reported=False),
    "svid": Habit("jwt_svid", (60, 300), lifetime=300, binding="workload"),
    "cert": Habit("x509", (15, 80), (90, 120), binding="workload", earlier=2),
    "cert-old": Habit("x509", (500, 640), (1825, 1825), idle=(380, 402)),
    "password": Habit("password", (300, 900)),
    "ssh": Habit("ssh_key", (500, 1500), is_reported=False, binding="none"),
    "shared": Habit("api_key", (120, 190)),
}
_STEP = 60  # days between two rotations


def credentials_of(row: dict[str, str], day: Day) -> Iterator[dict[str, object]]:
    """What a report of the day says of the credentials of one identity."""
    for number, word in enumerate(row["keys"].split()):
        name, _, shared = word.partition("=")
        habit = HABITS[name]
        age = min(spread(f"{row['name']} {word}", *habit.age), int(float(row["age"])))
        for round_ in range(habit.earlier + 1):
            born = age + round_ * _STEP
            if day.has_seen(born) and born <= float(row["age"]) + 1:
                yield _credential(row, habit, Copy(number, round_, born, shared), day)


@dataclass(frozen=True)
class Copy:
    """One credential of a habit: the newest, or one that it replaced."""

    number: int
    round: int
    born: int
    shared: str = ""


def _credential(row: dict[str, str], habit: Habit, copy: Copy, day: Day) -> dict[str, object]:
    name = row["name"]
    mark = digest(f"{name} {copy.number} {copy.round}")
    replaced = copy.round > 0 and day.has_seen(copy.born - _STEP - 2)
    binding = (
        f"spiffe://{DOMAIN}/ns/agents/sa/{name}" if habit.binding == "workload" else habit.binding
    )
    return {
        "identity": name,
        "kind": habit.kind,
        "key_id": f"{habit.kind.split('_')[0]}-{_short(name)}-{mark[:4]}",
        "fingerprint": digest(copy.shared or mark) if habit.is_reported else "",
        "bound_to": binding,
        "environment": row["environment"],
        "issued": day.text(copy.born),
        "rotated": "",
        "expires": _ends(habit, copy, name, day),
        "lifetime_seconds": str(habit.lifetime or ""),
        "last_used": _used(row, habit, copy, day),
        "enabled": "no" if replaced else "yes",
    }


def _short(name: str) -> str:
    return name[:18].lower().replace(" ", "-").strip("-")


def _ends(habit: Habit, copy: Copy, name: str, day: Day) -> str:
    if habit.lifetime or not habit.is_reported:
        return ""
    if habit.ends is None:
        return NEVER
    return day.text(copy.born - spread(f"{name} ends", *habit.ends))


def _used(row: dict[str, str], habit: Habit, copy: Copy, day: Day) -> str:
    if not habit.is_reported:
        return ""
    if not habit.is_used:
        return NEVER
    idle = float(row["active"] or 1)
    if habit.idle != (0, 0):
        idle = float(spread(f"{row['name']} idle", *habit.idle))
    if copy.round:
        idle = max(idle, copy.born - _STEP + 1.0)
    if habit.ends is not None:
        idle = max(idle, copy.born - spread(f"{row['name']} ends", *habit.ends) + 0.3)
    return day.text(max(min(day.last(idle, row["name"]), copy.born), 0.01))
