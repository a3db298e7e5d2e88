"""The rules of what does not fit, each as one SELECT over the calls that just arrived.

Each yields key, rule, severity, identity, task, trace, call, moment and detail; a key is found once. The relations they
read are made in runtime/deviations.py: `calls` (with `changes` and `place`, where the tool works), `rules` (grants that
cover a call), `lists` (what was granted for each task) and `callers` (who asked the caller of a call).
"""

BURST, BURST_SECONDS = 100, 60
DENIALS, DENIAL_MINUTES = 10, 10
KNOWN_FOR_DAYS, LOOK_BACK_DAYS = 7, 30

_HEAD = "c.identity_id, c.task_id, c.trace_id, c.id, c.started_at"
_SAME = "r.provider = c.provider AND r.tool_name = c.tool_name AND r.system = c.system AND r.resource = c.resource"

_TOOL = f"""
SELECT DISTINCT ON (c.task_id, c.provider, c.tool_name)
    'tool-outside-task/' || c.task_id || '/' || md5(c.provider || ' ' || c.tool_name), 'tool-outside-task', 3,
    {_HEAD}, 'It called ' || c.tool_name || ', which nothing granted for the task covers.'
FROM calls c JOIN lists l ON l.task_id = c.task_id
WHERE NOT EXISTS (SELECT FROM rules r WHERE r.task_id = c.task_id AND r.identity_id = c.identity_id AND {_SAME})
ORDER BY c.task_id, c.provider, c.tool_name, c.started_at
"""
_DATASET = f"""
SELECT DISTINCT ON (c.task_id, c.place, c.resource)
    'dataset-outside-task/' || c.task_id || '/' || md5(c.place || ' ' || c.resource), 'dataset-outside-task', 3,
    {_HEAD}, 'It reached ' || CASE WHEN c.resource = '' THEN c.place ELSE c.resource || ' in ' || c.place END
        || ', where the task was not to work.'
FROM calls c
WHERE c.place <> '' AND EXISTS (SELECT FROM inventory_tasktarget t WHERE t.task_id = c.task_id)
  AND NOT EXISTS (
    SELECT FROM inventory_tasktarget t JOIN inventory_system s ON s.id = t.system_id
    LEFT JOIN inventory_resource r ON r.id = t.resource_id
    WHERE t.task_id = c.task_id
      AND (lower(s.name) IN (lower(c.provider), lower(c.system))
        OR lower(s.external_id) IN (lower(c.provider), lower(c.system)))
      AND (r.id IS NULL OR c.resource = '' OR c.resource IN (r.name, r.external_id)))
ORDER BY c.task_id, c.place, c.resource, c.started_at
"""
_WRITE = f"""
SELECT DISTINCT ON (c.task_id, c.provider, c.tool_name)
    'write-in-read-task/' || c.task_id || '/' || md5(c.provider || ' ' || c.tool_name), 'write-in-read-task', 3,
    {_HEAD}, 'It changed something with ' || c.tool_name || '; all that was granted for the task only reads.'
FROM calls c JOIN lists l ON l.task_id = c.task_id AND l.only_reads
WHERE c.changes
ORDER BY c.task_id, c.provider, c.tool_name, c.started_at
"""
_DESTINATION = f"""
SELECT DISTINCT ON (c.identity_id, c.place)
    'new-destination/' || c.identity_id || '/' || md5(c.place) || '/' || (c.started_at AT TIME ZONE 'UTC')::date,
    'new-destination', 2,
    {_HEAD}, 'It called ' || c.place || ' for the first time in {LOOK_BACK_DAYS} days, and no grant of it covers '
        || c.tool_name || ' there.'
FROM calls c
WHERE c.place <> ''
  AND EXISTS (SELECT FROM runtime_calltally t WHERE t.identity_id = c.identity_id
    AND t.day <= (c.started_at AT TIME ZONE 'UTC')::date - {KNOWN_FOR_DAYS})
  AND NOT EXISTS (SELECT FROM runtime_calltally t WHERE t.identity_id = c.identity_id
    AND t.day < (c.started_at AT TIME ZONE 'UTC')::date
    AND t.day >= (c.started_at AT TIME ZONE 'UTC')::date - {LOOK_BACK_DAYS}
    AND COALESCE(NULLIF(t.system, ''), t.provider) = c.place)
  AND NOT EXISTS (SELECT FROM rules r WHERE r.identity_id = c.identity_id AND {_SAME})
ORDER BY c.identity_id, c.place, c.started_at
"""
_SENT = f"""
SELECT DISTINCT ON (COALESCE('task:' || c.task_id, 'trace:' || c.trace_id))
    'sensitive-then-sent/' || COALESCE('task:' || c.task_id, 'trace:' || c.trace_id), 'sensitive-then-sent', 3,
    {_HEAD}, 'It read ' || o.resource || ' (' || o.sensitivity || ') and then changed something in ' || c.place || '.'
FROM calls c
JOIN LATERAL (
    SELECT b.resource, s.sensitivity FROM runtime_toolcall b
    JOIN inventory_resource s ON b.resource IN (s.name, s.external_id)
        AND s.sensitivity IN ('confidential', 'restricted')
    WHERE b.identity_id = c.identity_id AND b.started_at < c.started_at
      AND b.started_at > c.started_at - interval '1 day' AND b.resource <> ''
      AND (b.task_id = c.task_id OR (c.task_id IS NULL AND c.trace_id <> '' AND b.trace_id = c.trace_id))
      AND COALESCE(NULLIF(b.system, ''), b.provider) <> c.place
    LIMIT 1
) o ON true
WHERE c.changes AND c.place <> ''
ORDER BY COALESCE('task:' || c.task_id, 'trace:' || c.trace_id), c.started_at
"""
_ENVIRONMENT = f"""
SELECT DISTINCT ON (c.identity_id, s.id)
    'wrong-environment/' || c.identity_id || '/' || s.id || '/' || (c.started_at AT TIME ZONE 'UTC')::date,
    'wrong-environment', 3,
    {_HEAD}, 'It is declared for ' || i.environment || ' and worked on ' || s.name || ', which is production.'
FROM calls c JOIN inventory_identity i ON i.id = c.identity_id AND i.environment NOT IN ('', 'production')
JOIN inventory_system s ON s.environment = 'production'
    AND (lower(s.name) IN (lower(c.provider), lower(c.system))
      OR lower(s.external_id) IN (lower(c.provider), lower(c.system)))
ORDER BY c.identity_id, s.id, c.started_at
"""
_RELAY = f"""
SELECT DISTINCT ON (c.identity_id, a.caller_id, c.provider, c.tool_name, c.trace_id)
    'privilege-relay/' || c.identity_id || '/' || a.caller_id || '/'
        || md5(c.provider || ' ' || c.tool_name || ' ' || c.trace_id), 'privilege-relay',
    CASE WHEN EXISTS (SELECT FROM inventory_resource s WHERE c.resource IN (s.name, s.external_id)
        AND s.sensitivity IN ('confidential', 'restricted')) THEN 4 ELSE 3 END,
    {_HEAD}, 'It used ' || c.tool_name || ' for ' || i.name || ', which may not do that itself.'
FROM calls c JOIN callers a ON a.call_id = c.id JOIN inventory_identity i ON i.id = a.caller_id
WHERE EXISTS (SELECT FROM rules r WHERE r.identity_id = c.identity_id AND {_SAME})
  AND NOT EXISTS (
    SELECT FROM caller_rules r JOIN holders h ON h.holder_id = r.identity_id
    WHERE h.caller_id = a.caller_id AND {_SAME})
ORDER BY c.identity_id, a.caller_id, c.provider, c.tool_name, c.trace_id, c.started_at
"""
_BURST = f"""
SELECT DISTINCT ON (c.identity_id, date_trunc('hour', c.started_at))
    'call-burst/' || c.identity_id || '/' || to_char(c.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24'),
    'call-burst', 2, {_HEAD}, 'It made ' || c.near || ' calls within {BURST_SECONDS} seconds.'
FROM (
    SELECT *, count(*) OVER (PARTITION BY identity_id ORDER BY started_at
        RANGE BETWEEN interval '{BURST_SECONDS} seconds' PRECEDING AND CURRENT ROW) AS near
    FROM calls
) c
WHERE c.near > {BURST}
ORDER BY c.identity_id, date_trunc('hour', c.started_at), c.started_at
"""
_STORM = f"""
SELECT DISTINCT ON (c.identity_id, date_trunc('hour', c.started_at))
    'denial-storm/' || c.identity_id || '/' || to_char(c.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24'),
    'denial-storm', 3, {_HEAD}, 'It was denied ' || c.near || ' times within {DENIAL_MINUTES} minutes.'
FROM (
    SELECT *, count(*) OVER (PARTITION BY identity_id ORDER BY started_at
        RANGE BETWEEN interval '{DENIAL_MINUTES} minutes' PRECEDING AND CURRENT ROW) AS near
    FROM calls WHERE outcome = 'denied'
) c
WHERE c.near >= {DENIALS}
ORDER BY c.identity_id, date_trunc('hour', c.started_at), c.started_at
"""

ALL = (_TOOL, _DATASET, _WRITE, _DESTINATION, _SENT, _ENVIRONMENT, _RELAY, _BURST, _STORM)
