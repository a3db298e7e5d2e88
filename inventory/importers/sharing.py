"""How two sources that describe one identity share its attributes and caveats: each source's part is kept, and the row
shows all of them; where two say the same attribute, the source that the row belongs to is believed.

`said` stays empty while one source alone describes the identity. The SQL speaks of `s` (staged), `t` (the row),
`v` (the verdict of `resolving.py`) and `w` (the new `said`).
"""

PART = "jsonb_build_object('attributes', s.attributes, 'caveats', to_jsonb(s.caveats))"
_OWN_PART = (
    "jsonb_build_object(t.source_id::text,"
    " jsonb_build_object('attributes', t.attributes, 'caveats', to_jsonb(t.caveats)))"
)
_EMPTY = "'{}'::jsonb"

# What the row's own source says replaces its part; what was said of a row that another source lost is forgotten.
_MINE = (
    f"CASE WHEN t.said - %(source_key)s = {_EMPTY} OR t.source_id <> %(source)s THEN {_EMPTY}"
    f" ELSE t.said || jsonb_build_object(%(source_key)s, {PART}) END"
)
_ADDED = (
    f"CASE WHEN s.attributes = {_EMPTY} AND s.caveats = '{{}}' THEN t.said - %(source_key)s"
    f" ELSE (CASE WHEN t.said = {_EMPTY} THEN {_OWN_PART} ELSE t.said END)"
    f" || jsonb_build_object(%(source_key)s, {PART}) END"
)


def said(*, governs: bool) -> str:
    """The new value of `said`. A spreadsheet adds nothing to the rows of another one."""
    added = "t.said" if governs else _ADDED
    return (
        f"CASE WHEN v.is_new THEN {_EMPTY} WHEN v.is_mine THEN {_MINE}"
        f" WHEN v.is_added THEN {added} ELSE t.said END"
    )


def shared(column: str, *, governs: bool) -> str:
    """The new value of `attributes` or `caveats`."""
    owner = "CASE WHEN v.is_mine THEN %(source_key)s ELSE t.source_id::text END"
    both = f"v.is_mine OR (v.is_added AND {'false' if governs else 'true'})"
    return (
        f"CASE WHEN v.is_new THEN s.{column}"
        f" WHEN w.said = {_EMPTY} THEN (CASE WHEN v.is_mine THEN s.{column} ELSE t.{column} END)"
        f" WHEN {both} THEN {_merged(column, 'w.said', owner)} ELSE t.{column} END"
    )


def _merged(column: str, parts: str, owner: str) -> str:
    if column == "attributes":
        return (
            "COALESCE((SELECT jsonb_object_agg(a.key, a.value ORDER BY p.key = owner.key, p.key)"
            f" FROM (SELECT {owner} AS key) owner, jsonb_each({parts}) p,"
            f" jsonb_each(p.value -> 'attributes') a), {_EMPTY})"
        )
    return (
        "ARRAY(SELECT c.text"
        f" FROM (SELECT {owner} AS key) owner, jsonb_each({parts}) p,"
        " jsonb_array_elements_text(p.value -> 'caveats') WITH ORDINALITY c(text, nth)"
        " GROUP BY c.text ORDER BY min((p.key <> owner.key)::int), min(p.key), min(c.nth))"
    )


# A source that lists an identity no more takes its part away; the row is another source's and stays.
WITHDRAW = (
    "UPDATE inventory_identity t SET said = n.said,"
    f" attributes = {_merged('attributes', 'n.said', 't.source_id::text')},"
    f" caveats = {_merged('caveats', 'n.said', 't.source_id::text')}"
    " FROM (SELECT o.id, o.said - %(source_key)s AS said FROM inventory_identity o"
    "  WHERE o.said ? %(source_key)s AND o.source_id <> %(source)s AND o.scope = ANY(%(scopes)s)"
    "  AND NOT EXISTS (SELECT FROM staged_identity s WHERE s.external_id = o.external_id AND NOT s.stub)) n"
    " WHERE t.id = n.id RETURNING t.id"
)
