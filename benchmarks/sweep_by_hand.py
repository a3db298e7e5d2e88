"""Three checks (identities, credentials, grants: the largest populations), written by hand as plain SQL, for comparison with our sweep.

Each statement judges the whole population with the four answers and upserts its findings, as one would write it
without a registry of checks: same tables, same columns, same indexes, no generality.
"""

LIVE = """c.enabled AND c.gone_at IS NULL AND (c.revoked_at IS NULL OR c.revoked_at > %(at)s)
          AND (c.expires_at IS NULL OR c.expires_at > %(at)s)"""
SILENT = """(s.kind <> 'manual' AND COALESCE(GREATEST(s.last_complete_at, s.last_run_at)
            < %(at)s - 2 * s.expected_every, true))"""
IN_FORCE = """g.gone_at IS NULL AND (g.revoked_at IS NULL OR g.revoked_at > %(at)s)
          AND (g.expires_at IS NULL OR g.expires_at > %(at)s) AND (g.starts_at IS NULL OR g.starts_at <= %(at)s)"""

JUDGE = {
    "credential-age": f"""
        SELECT 'credential:' || c.id, c.identity_id, 3::smallint,
            jsonb_build_object('kind', c.kind, 'key_id', c.key_id, 'issued_at', c.issued_at,
                'rotated_at', c.rotated_at, 'lifetime_seconds', c.lifetime_seconds),
            CASE WHEN c.lifetime_seconds IS NULL AND COALESCE(c.rotated_at, c.issued_at) IS NULL THEN 'unknown'
                 WHEN c.lifetime_seconds > 7776000 OR (c.lifetime_seconds IS NULL
                      AND COALESCE(c.rotated_at, c.issued_at) < %(at)s - interval '90 days') THEN 'fail'
                 WHEN {SILENT} THEN 'unknown' ELSE 'pass' END
        FROM inventory_credential c JOIN inventory_source s ON s.id = c.source_id WHERE {LIVE}""",
    "unused-grant-90d": f"""
        SELECT 'grant:' || g.id, g.identity_id, 2::smallint,
            jsonb_build_object('entitlement_name', e.name, 'via', g.via, 'last_used_at', g.last_used_at,
                'standing_since', COALESCE(g.starts_at, g.first_seen_at)),
            CASE WHEN g.last_used_at >= %(at)s - interval '90 days'
                      THEN CASE WHEN {SILENT} THEN 'unknown' ELSE 'pass' END
                 WHEN NOT g.use_known OR {SILENT} THEN 'unknown' ELSE 'fail' END
        FROM inventory_grant g JOIN inventory_entitlement e ON e.id = g.entitlement_id AND e.effect = 'allow'
        JOIN inventory_source s ON s.id = g.source_id
        JOIN inventory_identity i ON i.id = g.identity_id AND i.lifecycle = 'active' AND i.gone_at IS NULL
            AND NOT i.platform_managed
        WHERE {IN_FORCE} AND g.task_id IS NULL AND (g.last_used_at IS NOT NULL
            OR COALESCE(g.starts_at, g.first_seen_at) <= %(at)s - interval '30 days')""",
    "owner-active": """
        SELECT 'identity:' || i.id, i.id, 3::smallint,
            jsonb_build_object('kind', i.kind, 'owner_email', p.email, 'owner_status', p.status,
                'owner_lost_at', i.owner_lost_at),
            CASE WHEN p.id IS NULL OR p.status = 'left' OR p.gone_at IS NOT NULL
                      OR p.left_at <= %(at)s OR p.leaves_at <= %(at)s THEN 'fail' ELSE 'pass' END
        FROM inventory_identity i LEFT JOIN inventory_person p ON p.id = i.owner_id
        WHERE i.lifecycle <> 'retired' AND i.gone_at IS NULL AND NOT i.platform_managed""",
}

# The upsert that any of them needs: open what fails, leave alone what is as it was, resolve what passes now.
STATEMENT = """
WITH judged AS MATERIALIZED (SELECT * FROM ({judged}) j(subject, identity_id, severity, evidence, verdict)),
opened AS (
    INSERT INTO hand_finding AS f (check_id, subject, identity_id, severity, evidence, status)
    SELECT '{check}', subject, identity_id, severity, evidence, 'open' FROM judged WHERE verdict = 'fail'
    ON CONFLICT (check_id, subject) DO UPDATE SET severity = excluded.severity, evidence = excluded.evidence
    WHERE (f.severity, f.evidence) IS DISTINCT FROM (excluded.severity, excluded.evidence)
    RETURNING 1),
resolved AS (
    UPDATE hand_finding f SET status = 'resolved' WHERE f.check_id = '{check}' AND f.status <> 'resolved'
      AND f.subject IN (SELECT subject FROM hand_finding WHERE check_id = '{check}' AND status <> 'resolved'
                        EXCEPT SELECT subject FROM judged WHERE verdict <> 'pass')
    RETURNING 1)
SELECT count(*), count(*) FILTER (WHERE verdict = 'fail'), (SELECT count(*) FROM opened),
    (SELECT count(*) FROM resolved) FROM judged"""

TABLE = """
DROP TABLE IF EXISTS hand_finding;
CREATE TABLE hand_finding (id bigserial PRIMARY KEY, check_id varchar(60) NOT NULL, subject varchar(80) NOT NULL,
    identity_id bigint, severity smallint NOT NULL, evidence jsonb NOT NULL, status varchar(14) NOT NULL,
    UNIQUE (check_id, subject));
CREATE INDEX ON hand_finding (severity DESC, id DESC);
CREATE INDEX ON hand_finding (status, severity DESC, id DESC);
CREATE INDEX ON hand_finding (check_id, severity DESC, id DESC);
CREATE INDEX ON hand_finding (identity_id, severity DESC, id DESC);
"""
