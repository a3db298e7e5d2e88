"""Takes out the resolved rows that cannot be written, each with its place, its field and a reason."""

from django.apps import apps
from django.db import connection, models

from inventory.importers.load import Load
from inventory.importers.plans import Plan, Ref
from inventory.importers.staging import KEPT_REJECTIONS

# Each is a set of rows, so that no row is compared with all others: those that come second in the file, and those that
# meet another row of the inventory. A new row may take what a changed row gives up, because changed rows go first.
_EMAIL_TAKEN = (
    "r.ord IN (SELECT d.ord FROM (SELECT ord, row_number() OVER (PARTITION BY lower(email) ORDER BY ord) AS nth"
    "  FROM resolved_person) d WHERE d.nth > 1"
    " UNION SELECT n.ord FROM resolved_person n JOIN inventory_person o ON lower(o.email) = lower(n.email)"
    "  AND o.id IS DISTINCT FROM n.existing LEFT JOIN resolved_person c ON c.existing = o.id"
    "  WHERE NOT (n.fate = 'new' AND COALESCE(lower(c.email) <> lower(n.email), false)))"
)
_SPIFFE_TAKEN = (
    "r.ord IN (SELECT d.ord FROM (SELECT ord, row_number() OVER (PARTITION BY spiffe_id ORDER BY ord) AS nth"
    "  FROM resolved_identity WHERE spiffe_id IS NOT NULL) d WHERE d.nth > 1"
    " UNION SELECT n.ord FROM resolved_identity n JOIN inventory_identity o ON o.spiffe_id = n.spiffe_id"
    "  AND o.gone_at IS NULL AND o.lifecycle <> 'retired' AND o.id IS DISTINCT FROM n.existing"
    "  LEFT JOIN resolved_identity c ON c.existing = o.id"
    "  WHERE NOT (n.fate = 'new' AND COALESCE(c.spiffe_id <> n.spiffe_id, false)))"
)
_KEY_TAKEN = (
    "r.ord IN (SELECT d.ord FROM (SELECT ord, row_number() OVER (PARTITION BY key_id ORDER BY ord) AS nth"
    "  FROM resolved_credential WHERE enabled AND key_id <> '' AND NOT is_added) d WHERE d.nth > 1"
    " UNION SELECT n.ord FROM resolved_credential n JOIN inventory_credential o ON o.source_id = %(source)s"
    "  AND o.key_id = n.key_id AND o.key_id <> '' AND o.enabled AND o.revoked_at IS NULL AND o.gone_at IS NULL"
    "  AND o.id IS DISTINCT FROM n.existing WHERE n.enabled AND NOT n.is_added)"
)
_ONE_DELEGATOR = "(r.delegator_identity_id IS NULL) = (r.delegator_person_id IS NULL)"
_TO_ITSELF = "r.delegator_identity_id = r.delegate_id"

# What only one noun can get wrong: condition, field, sentence.
_WRONG: dict[str, tuple[tuple[str, str, str], ...]] = {
    "person": ((_EMAIL_TAKEN, "email", "Somebody else has this e-mail address. Correct one of the two."),),
    "identity": (
        (_SPIFFE_TAKEN, "spiffe_id", "Another live identity has this SPIFFE ID. Correct one of the two."),
    ),
    "credential": (
        (_KEY_TAKEN, "key_id", "Another active credential of this source has this key ID. Correct one of the two."),
    ),
    "delegation": (
        (
            _ONE_DELEGATOR, "delegator",
            "The delegator is unknown, or a person and an identity at once. Name one that is in the inventory.",
        ),
        (_TO_ITSELF, "delegate", "An identity cannot delegate to itself. Name another delegate."),
    ),
}  # fmt: skip


def refuse(plan: Plan, load: Load) -> None:
    for number, r in enumerate(plan.refs):
        _lost_names(plan, number, r, load)
    _too_long(plan, load)
    if plan.interval:
        start, end = plan.interval
        reason = "It ends before it starts. Choose a later end."
        _take_out(plan, load, f"r.{end} <= r.{start}", f"'{end}'", f"'{reason}'")
    for condition, name, reason in _WRONG.get(plan.noun, ()):
        _take_out(plan, load, condition, f"'{name}'", f"'{reason}'")


def _lost_names(plan: Plan, number: int, r: Ref, load: Load) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) OVER (), place, lost_{number} FROM resolved_{plan.noun}"
            f" WHERE lost_{number} IS NOT NULL ORDER BY ord LIMIT {KEPT_REJECTIONS}"
        )
        found = [(place, r.field, _lost(plan, r, name), total) for total, place, name in cursor]
        _tell(load, found)
        if r.required and found:
            cursor.execute(f"DELETE FROM resolved_{plan.noun} WHERE {r.column} IS NULL")


def _lost(plan: Plan, r: Ref, name: str) -> str:
    what = {"person": "Nobody with the e-mail address", "team": "No team called"}.get(
        r.noun, f"No {r.noun} called"
    )
    then = "The row was left out." if r.required else f"The {plan.noun} was imported without it."
    return f"{what} {name} is known. {then} Import the {r.noun} first, or correct the name."


def _too_long(plan: Plan, load: Load) -> None:
    model = next(each for each in apps.get_models() if each._meta.db_table == plan.table)
    limits = {
        column.name: limit
        for column in plan.columns
        if isinstance(field := model._meta.get_field(column.name), models.CharField)
        and (limit := field.max_length)
    }
    if limits:
        whens = [f"WHEN char_length(r.{name}) > {limit} THEN " for name, limit in limits.items()]
        names = " ".join(f"{when}'{name}'" for when, name in zip(whens, limits, strict=True))
        reasons = " ".join(
            f"{when}'The value has more than {limit:,} characters. Shorten it.'"
            for when, limit in zip(whens, limits.values(), strict=True)
        )
        any_of = " OR ".join(f"char_length(r.{name}) > {limit}" for name, limit in limits.items())
        _take_out(plan, load, any_of, f"CASE {names} END", f"CASE {reasons} END")


def _take_out(plan: Plan, load: Load, condition: str, name: str, reason: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH out AS (DELETE FROM resolved_{plan.noun} r WHERE {condition}"
            f" RETURNING r.ord, r.place, {name} AS name, {reason} AS reason)"
            " SELECT place, name, reason, count(*) OVER () FROM out ORDER BY ord"
            f" LIMIT {KEPT_REJECTIONS}",
            load.parameters,
        )
        _tell(load, cursor.fetchall())


def _tell(load: Load, found: list[tuple[str, str, str, int]]) -> None:
    """Place, field, reason, and how many there are in all."""
    for place, name, reason, _ in found:
        load.reading.reject(place, name, reason)
    if found:
        load.reading.rejected_count += found[0][3] - len(found)
