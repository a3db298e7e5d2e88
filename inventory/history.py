"""Row history by database triggers: every change of a governed row, with author, verb and reason (law 6).

The triggers are statement-level with transition tables, so that a COPY or an upsert of 100,000 rows costs one
INSERT ... SELECT. They also catch bulk updates and SQL typed by hand; a change without a context is recorded under
the database user's name. The context is set by `audit.acting`.
"""

import pgtrigger

# Bookkeeping and activity stamps: a change of these alone is not a change of the record. Their values are in the
# recorded row all the same, as of its last real change.
NOT_A_CHANGE = (
    "seen_run_id",
    "last_used_at",
    "last_active_at",
    "open_findings",
    "worst_severity",
    "observed_tier",
    "last_login",
)

_COLUMNS = (
    "INSERT INTO inventory_change"
    " (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after)"
)
_CONTEXT = (
    "SELECT now(), txid_current(),"
    " COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user),"
    " NULLIF(current_setting('mandate.user', true), '')::bigint,"
    " COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'),"
    " COALESCE(current_setting('mandate.reason', true), ''),"
    " TG_TABLE_NAME,"
)

NEW_ROWS = pgtrigger.Referencing(new="new_rows")  # type: ignore[no-untyped-call]  # pgtrigger's own gap
OLD_ROWS = pgtrigger.Referencing(old="old_rows")  # type: ignore[no-untyped-call]
BOTH = pgtrigger.Referencing(new="new_rows", old="old_rows")  # type: ignore[no-untyped-call]


def tracked(*, identity: str, hidden: tuple[str, ...] = ()) -> list[pgtrigger.Trigger]:
    """The triggers that keep a table's history, for `Meta.triggers`.

    `identity` is the column that says which identity the row is about ("id", "identity_id", or "NULL::bigint" when it
    is about none); `hidden` are columns that history must not hold, such as a password's hash.
    """
    ignored = "ARRAY[" + ", ".join(f"'{name}'" for name in NOT_A_CHANGE) + "]"
    new, old = _row("n", hidden), _row("o", hidden)
    about = identity if "::" in identity else None
    new_about, old_about = about or f"n.{identity}", about or f"o.{identity}"
    return [
        pgtrigger.Trigger(
            name="history_insert",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            referencing=NEW_ROWS,
            func=(
                f"{_COLUMNS} {_CONTEXT} n.id, {new_about}, 'insert', NULL, {new}"
                " FROM new_rows n; RETURN NULL;"
            ),
        ),
        pgtrigger.Trigger(
            name="history_update",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Update,
            referencing=BOTH,
            # Planned anew each time (EXECUTE): a plan kept from an update of three rows joins 100,000 old rows with
            # 100,000 new ones by comparing each with each.
            func=(
                f"EXECUTE $history$ {_COLUMNS} {_CONTEXT.replace('TG_TABLE_NAME', '$1')}"
                f" n.id, {new_about}, 'update',"
                " (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(j.old) e"
                "  WHERE e.value IS DISTINCT FROM j.new -> e.key),"
                " j.new"
                " FROM new_rows n JOIN old_rows o ON o.id = n.id"
                f" CROSS JOIN LATERAL (SELECT {old} AS old, {new} AS new OFFSET 0) j"
                f" WHERE (j.old - {ignored}) IS DISTINCT FROM (j.new - {ignored})"
                " $history$ USING TG_TABLE_NAME; RETURN NULL;"
            ),
        ),
        pgtrigger.Trigger(
            name="history_delete",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Delete,
            referencing=OLD_ROWS,
            func=(
                f"{_COLUMNS} {_CONTEXT} o.id, {old_about}, 'delete', {old}, NULL"
                " FROM old_rows o; RETURN NULL;"
            ),
        ),
    ]


def _row(alias: str, hidden: tuple[str, ...]) -> str:
    if not hidden:
        return f"to_jsonb({alias})"
    return f"(to_jsonb({alias}) - ARRAY[" + ", ".join(f"'{name}'" for name in hidden) + "])"
