"""What a client holds follows from its servers: every tool that a server it is configured with lists.

Client and server need not come in one file, nor in one run: whichever comes second finds the other in the inventory.
A server is recognised by its name in the configuration. Tools that the configuration leaves out are left out here.
"""

from django.db import connection

from inventory.importers.load import Load

_BINDINGS = """
INSERT INTO staged_tool_binding (external_id, scope, place, identity, tool, origin)
SELECT CASE WHEN length(s.identity) + length(t.external_id) < 1000 THEN s.identity || '|' || t.external_id
        ELSE left(s.identity, 400) || '|' || left(t.external_id, 400) || '|' || md5(s.identity || t.external_id) END,
    s.scope, s.place, s.identity, t.external_id, 'declared'
FROM (
    SELECT provider, scope, place, identity, attributes FROM staged_tool_server
    WHERE origin = 'configured' AND identity IS NOT NULL
    UNION ALL
    SELECT v.provider, v.scope, v.provider, i.external_id, v.attributes
    FROM inventory_toolserver v JOIN inventory_identity i ON i.id = v.identity_id
    WHERE v.namespace = %(namespace)s AND v.source_id = %(source)s AND v.origin = 'configured'
        AND v.gone_at IS NULL AND i.namespace = %(namespace)s AND NOT v.scope = ANY(%(scopes)s)
        AND v.provider IN (SELECT provider FROM staged_tool)
) s JOIN (
    SELECT provider, name, external_id FROM staged_tool
    UNION
    SELECT provider, name, external_id FROM inventory_tool
    WHERE namespace = %(namespace)s AND gone_at IS NULL AND NOT scope = ANY(%(scopes)s)
) t ON t.provider = s.provider
WHERE s.attributes -> 'disabled' IS NULL
    AND (s.attributes -> 'allowed_tools' IS NULL OR s.attributes -> 'allowed_tools' ? t.name)
    AND NOT COALESCE(s.attributes -> 'denied_tools' ? t.name, false)
"""


def stage_bindings(load: Load) -> None:
    """Adds the bindings to what was read; nothing where the run holds neither servers nor tools."""
    if not load.reading.nouns & {"tool_server", "tool"}:
        return
    with connection.cursor() as cursor:
        cursor.execute(_BINDINGS, load.parameters | {"scopes": sorted(load.reading.scopes)})
        if cursor.rowcount:
            load.reading.nouns.add("tool_binding")
