"""The access of the demo's identities: bundles of grants, each with its own beginning, end and use."""

from collections.abc import Iterator

from mandate.demo.content import address, document
from mandate.demo.day import Day, spread

PRODUCTION = "production"


def grants_of(row: dict[str, str], day: Day) -> Iterator[dict[str, object]]:
    """What a report of the day says of the grants of one identity; each of them once."""
    seen: set[tuple[str, str, str]] = set()
    for word in row["access"].split():
        bundle, _, elsewhere = word.partition("@")
        reason, *items = document("access")["bundles"][bundle]
        for system, resource, action, risk, writes in items:
            place = system_name(system, elsewhere or row["environment"])
            if (place, resource, action) in seen:
                continue
            seen.add((place, resource, action))
            said = action_name(resource, action)
            grant = {"system": place, "resource": resource, "action": said, "risk": risk}
            about = document("access")["systems"][system]["resources"].get(resource, "")
            timed = _times(row, f"{row['name']} {place} {resource} {action}", day)
            if timed:
                yield {
                    "identity": row["name"],
                    **grant,
                    "sensitivity": about,
                    "writes": "yes" if writes else "no",
                    **timed,
                    "granted_by": address(_granter(row, place)),
                    "reason": reason,
                }


def system_name(system: str, environment: str) -> str:
    """Each environment has systems of its own, except those that there is one of."""
    shared = not document("access")["systems"][system]["per_environment"]
    if shared or environment in ("", PRODUCTION):
        return system
    return f"{system} ({environment})"


def action_name(resource: str, action: str) -> str:
    """Telling in a list: invoices.read; what is granted on all of a system stays as it is."""
    return f"{resource.replace(' ', '-')}.{action}" if resource else action


def entitlement_of(short: str) -> str:
    """The importer's key of an entitlement that the content names as System|resource|action."""
    system, resource, action = short.split("|")
    return f"{system}|{resource}|{action_name(resource, action)}"


def environment_of(name: str) -> str:
    """The environment that a system's name stands for; nothing where it serves all."""
    base, _, rest = name.partition(" (")
    about = document("access")["systems"].get(base)
    if about is None or not about["per_environment"]:
        return ""
    return rest.rstrip(")") or PRODUCTION


def _times(row: dict[str, str], key: str, day: Day) -> dict[str, str] | None:
    """Beginning, end and last use; None before it was granted."""
    age = float(row["age"])
    start = max(age - spread(f"{key} starts", 0, 40), age / 2)
    if not day.has_seen(start):
        return None
    end = _end(key, start)
    return {
        "starts": day.text(start),
        "expires": day.text(end) if end is not None else "",
        "last_used": _used(row, key, (start, end), day),
    }


def _end(key: str, start: float) -> float | None:
    """In days before now, so that an end to come is negative; most grants have none."""
    lot = spread(f"{key} ends", 0, 99)
    if lot < 28:
        return -float(spread(key, 20, 220))
    if lot < 34:
        return -float(spread(key, 2, 13))
    past = float(spread(key, 3, 80))
    return past if lot < 40 and past < start - 5 else None


def _used(row: dict[str, str], key: str, interval: tuple[float, float | None], day: Day) -> str:
    """A report names what was never used; where nobody looks, the cell stays empty."""
    if not row["active"]:
        return ""
    lot = spread(f"{key} use", 0, 99)
    if lot < 5:
        return "never"
    idle = float(row["active"]) + spread(key, 0, 60) / 10
    if lot < 14:
        idle = float(spread(f"{key} idle", 95, 260))
    start, end = interval
    return day.text(min(max(day.last(idle, key), (end or 0) + 0.2), start))


def _granter(row: dict[str, str], system: str) -> str:
    owner: str = document("access")["systems"][system.partition(" (")[0]]["owner"]
    return row["sponsor"] or owner
