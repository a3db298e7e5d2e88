"""The people directory of the demo, as the personnel office exports it on a day."""

from mandate.demo.content import address, table
from mandate.demo.day import Day

Rows = list[dict[str, object]]
ANNOUNCED = 21  # days ago, those who leave gave notice


def people(day: Day) -> Rows:
    return [
        _person(number, row, day) for number, row in enumerate(table("people"), start=101)
    ] + _mistakes(day)


def teams(day: Day) -> Rows:
    names = dict.fromkeys(row["team"] for row in table("people"))
    return [{"id": f"T-{number}", "name": name} for number, name in enumerate(names, start=1)]


def _person(number: int, row: dict[str, str], day: Day) -> dict[str, object]:
    left = -float(row["left"]) if row["left"] else None
    leaves = -float(row["leaves"]) if row["leaves"] and day.has_seen(ANNOUNCED) else None
    has_left = left is not None and day.has_seen(left)
    status = "left" if has_left else "leaving" if leaves is not None else "active"
    return {
        "id": f"P-{number}",
        "email": address(row["name"]),
        "name": row["name"],
        "manager": address(row["manager"]),
        "team": row["team"],
        "status": status,
        "leaves": day.text(leaves),
        "left": day.text(left) if has_left else "",
    }


def _mistakes(day: Day) -> Rows:
    """What such an export has wrong now and then."""
    if day.ago > 2:
        return []
    return [
        {"id": "P-188", "email": "contractor gate 4", "name": "Contractor, gate 4"},
        {"id": "P-189", "email": address("Astrid Halvorsen"), "name": "Astrid Halvorsen (old)"},
    ]
