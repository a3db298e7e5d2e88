"""The composite type by which decisions reach their table (runtime/decision_rows.py)."""

from django.db import migrations

_CREATE = """CREATE TYPE runtime_decisionrow AS (
    id uuid, made_at timestamptz, latency_us integer, asked_by text, context_digest text,
    identity_id bigint, task_id bigint, on_behalf_of_id bigint, policy_version_id bigint,
    permitted boolean, monitored boolean, mode text, subject_type text, subject_id text, action text,
    resource_type text, resource_id text, context jsonb, facts jsonb, reason_code text, reason text,
    remedy text, policies text[]
)"""


class Migration(migrations.Migration):
    dependencies = [("runtime", "0007_what_decisions_rest_on")]
    operations = [migrations.RunSQL(_CREATE, "DROP TYPE runtime_decisionrow")]
