"""The keys of a batch as sets of ids: how the statement of its facts begins.

Only what a batch asks for is in its statement: PostgreSQL spends most of its time on getting ready for the parts of a
statement like this one, and no time on those that are not there.
"""

from collections.abc import Sequence

from inventory import prepared
from runtime.decision_keys import Keys, ids, pairs, spiffe_ids, words

# What a batch asks for: kinds, and whether by names other than our ids. Batches of one shape share a statement.
Shape = frozenset[tuple[str, bool]]

_WHO, _ASKED_PLACE, _WHAT, _MEANS, _WORK = "who", "asked_place", "what", "means", "work"
# A retired identity may share its SPIFFE ID with its successor, so only live ones are found.
_BY_NAME = {
    _WHO: """SELECT id FROM inventory_identity
    WHERE spiffe_id = ANY(%s::text[]) AND gone_at IS NULL AND NOT lifecycle = 'retired'
    UNION ALL SELECT i.id FROM unnest(%s::text[], %s::text[]) k(a, b)
    JOIN inventory_identity i ON i.namespace = k.a AND i.external_id = k.b""",
    _ASKED_PLACE: """SELECT s.id FROM unnest(%s::text[], %s::text[]) k(a, b)
    JOIN inventory_system s ON s.namespace = k.a AND s.external_id = k.b""",
    _WHAT: """SELECT r.id FROM unnest(%s::text[], %s::text[]) k(a, b)
    JOIN inventory_resource r ON r.namespace = k.a AND r.external_id = k.b
    UNION ALL SELECT r.id FROM unnest((SELECT ids FROM asked_place)) p(id) JOIN inventory_system s ON s.id = p.id
    CROSS JOIN unnest(%s::text[]) k(word)
    JOIN inventory_resource r ON r.namespace = s.namespace AND r.external_id = k.word""",
    _MEANS: """SELECT t.id FROM unnest(%s::text[], %s::text[]) k(a, b)
    JOIN inventory_tool t ON t.provider = k.a AND t.name = k.b""",
    _WORK: """SELECT t.id FROM inventory_task t
    WHERE t.identity_id = ANY((SELECT ids FROM who)::bigint[]) AND t.reference = ANY(%s::text[])
    AND t.reference <> '' AND t.status = 'open'""",
}
_PLACE = """place(ids) AS MATERIALIZED (SELECT p.ids || ARRAY(
    SELECT r.system_id FROM inventory_resource r WHERE r.id = ANY((SELECT ids FROM what)::bigint[]))
    FROM asked_place p)"""


def given(keys: Keys) -> tuple[Shape, list[str]]:
    """The shape of the batch, and the arrays that the text of the shape has slots for, in order."""
    named: dict[str, tuple[list[int], Sequence[list[str]]]] = {
        _WHO: (ids(keys.identities), (spiffe_ids(keys.identities), *pairs(keys.identities))),
        _ASKED_PLACE: (ids(keys.systems), pairs(keys.systems)),
        _WHAT: (ids(keys.resources), (*pairs(keys.resources), words(keys.resources))),
        _MEANS: (ids(keys.tools), pairs(keys.tools)),
        _WORK: (ids(keys.tasks), (words(keys.tasks),)),
    }
    shape, arrays = [], []
    for kind, (by_id, by_name) in named.items():
        if by_id:
            shape.append((kind, False))
            arrays.append(prepared.array(by_id))
        if any(by_name):
            shape.append((kind, True))
            arrays += map(prepared.array, by_name)
    return frozenset(shape), arrays


def text(shape: Shape) -> str:
    """The sets `who`, `what`, `means`, `work` and `place` (systems), each as one array `ids`."""
    sets = [
        f"{kind}(ids) AS MATERIALIZED (SELECT {_ids(shape, kind)})" for kind in _BY_NAME
    ]  # fmt: skip
    return "WITH " + ",\n".join([*sets, _PLACE])


def _ids(shape: Shape, kind: str) -> str:
    by_id = "%s::bigint[]" if (kind, False) in shape else "'{}'::bigint[]"
    return f"{by_id} || ARRAY({_BY_NAME[kind]})" if (kind, True) in shape else by_id


def among(column: str, kind: str) -> str:
    """The condition that the column holds one of the ids."""
    return f"{column} = ANY((SELECT ids FROM {kind})::bigint[])"  # noqa: S608  our own words


def asks_for(shape: Shape, *kinds: str) -> bool:
    """Whether there can be any of one of these kinds."""
    return any(kind in kinds for kind, _ in shape)
