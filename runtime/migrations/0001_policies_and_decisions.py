"""Policies in versions with their tests, policy entities, and decisions in partitions by day."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# Django makes no partitioned tables. What falls on a day without a partition goes to the default one.
TABLE = """
CREATE TABLE runtime_decision (
    id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    identity_id bigint,
    task_id bigint,
    on_behalf_of_id bigint,
    policy_version_id bigint,
    latency_us integer NOT NULL CHECK (latency_us >= 0),
    permitted boolean NOT NULL,
    monitored boolean,
    mode varchar(8) NOT NULL,
    subject_type varchar(100) NOT NULL,
    subject_id varchar(500) NOT NULL,
    action varchar(300) NOT NULL,
    resource_type varchar(100) NOT NULL,
    resource_id varchar(1000) NOT NULL,
    context jsonb NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    context_digest varchar(64) NOT NULL,
    reason_code varchar(40) NOT NULL,
    reason text NOT NULL,
    remedy text NOT NULL,
    policies varchar(200)[] NOT NULL,
    asked_by varchar(200) NOT NULL,
    PRIMARY KEY (id, made_at)
) PARTITION BY RANGE (made_at);
CREATE TABLE runtime_decision_other PARTITION OF runtime_decision DEFAULT;
"""
NO_TABLE = "DROP TABLE runtime_decision;"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("inventory", "0012_tokens_for_decisions_and_traces"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicySet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.SlugField(max_length=60, unique=True)),
                (
                    "domain",
                    models.CharField(
                        choices=[("inventory", "The inventory"), ("application", "An application")],
                        max_length=11,
                    ),
                ),
                (
                    "purpose",
                    models.TextField(blank=True, default="", help_text="What it is for, in words."),
                ),
                (
                    "monitored",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("production", "Production"),
                                ("staging", "Staging"),
                                ("development", "Development"),
                                ("sandbox", "Sandbox"),
                            ],
                            max_length=12,
                        ),
                        blank=True,
                        default=list,
                        help_text="Environments in which its answers are recorded and not enforced.",
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="PolicySetVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("text", models.TextField(help_text="Cedar policies.")),
                (
                    "schema",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Cedar schema of the namespace App; only for an application.",
                    ),
                ),
                (
                    "note",
                    models.TextField(blank=True, default="", help_text="What changes, and why."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("live", "Live"), ("retired", "Retired")],
                        default="draft",
                        max_length=7,
                    ),
                ),
                ("author", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("activated_at", models.DateTimeField(blank=True, null=True)),
                ("activated_by", models.CharField(blank=True, default="", max_length=200)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["policy_set", "-number"],
            },
        ),
        migrations.CreateModel(
            name="PolicyTest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("request", models.JSONField()),
                ("permitted", models.BooleanField(help_text="The answer that is right.")),
            ],
            options={
                "ordering": ["version", "id"],
            },
        ),
        migrations.CreateModel(
            name="PolicyEntity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("type", models.CharField(max_length=100)),
                (
                    "key",
                    models.CharField(help_text="Its id, unique within its type.", max_length=500),
                ),
                ("attributes", models.JSONField(blank=True, default=dict)),
                (
                    "parents",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text='Groups that it is in: [{"type": ..., "id": ...}].',
                    ),
                ),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "policy entities",
                "ordering": ["type", "key"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("type", "key"), name="policy_entity_is_once_in_a_type"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("type__regex", "^[A-Za-z][A-Za-z0-9_]{0,99}$"),
                            models.Q(
                                ("type__in", ("identity", "person", "resource", "system", "tool")),
                                _negated=True,
                            ),
                        ),
                        name="policy_entity_type_is_not_the_inventorys",
                        violation_error_message="This type belongs to the inventory, or is no name.",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policyentity",
            trigger=pgtrigger.compiler.Trigger(
                name="history_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), TG_TABLE_NAME, n.id, NULL::bigint, 'insert', NULL, to_jsonb(n) FROM new_rows n; RETURN NULL;",
                    hash="27476f7607ab74ee3f6f165ea112b7b44ba37b1f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_history_insert_8d72f",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="runtime_policyentity",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policyentity",
            trigger=pgtrigger.compiler.Trigger(
                name="history_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="EXECUTE $history$ INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), $1, n.id, NULL::bigint, 'update', (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(j.old) e  WHERE e.value IS DISTINCT FROM j.new -> e.key), j.new FROM new_rows n JOIN old_rows o ON o.id = n.id CROSS JOIN LATERAL (SELECT to_jsonb(o) AS old, to_jsonb(n) AS new OFFSET 0) j WHERE (j.old - ARRAY['seen_run_id', 'last_used_at', 'last_active_at', 'open_findings', 'worst_severity', 'observed_tier', 'last_login']) IS DISTINCT FROM (j.new - ARRAY['seen_run_id', 'last_used_at', 'last_active_at', 'open_findings', 'worst_severity', 'observed_tier', 'last_login']) $history$ USING TG_TABLE_NAME; RETURN NULL;",
                    hash="93fd241b9cd259db13f35617b44e1bbd38a47128",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_history_update_3e4ff",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="runtime_policyentity",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policyentity",
            trigger=pgtrigger.compiler.Trigger(
                name="history_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), TG_TABLE_NAME, o.id, NULL::bigint, 'delete', to_jsonb(o), NULL FROM old_rows o; RETURN NULL;",
                    hash="806a2d93a76322063c9ed5cfc52f0b52eac58c96",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_history_delete_9834a",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="runtime_policyentity",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="policyset",
            constraint=models.CheckConstraint(
                condition=models.Q(("domain__in", ["inventory", "application"])),
                name="policy_set_domain_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyset",
            constraint=models.UniqueConstraint(
                condition=models.Q(("domain", "inventory")),
                fields=("domain",),
                name="policy_set_of_the_inventory_is_one",
                violation_error_message="The inventory has a policy set already. Make a new version of it.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policyset",
            trigger=pgtrigger.compiler.Trigger(
                name="history_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), TG_TABLE_NAME, n.id, NULL::bigint, 'insert', NULL, to_jsonb(n) FROM new_rows n; RETURN NULL;",
                    hash="3f3b29d4375b6a7bccd13ded0c2f57b03858fe2f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_history_insert_ec7cd",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="runtime_policyset",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policyset",
            trigger=pgtrigger.compiler.Trigger(
                name="history_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="EXECUTE $history$ INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), $1, n.id, NULL::bigint, 'update', (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(j.old) e  WHERE e.value IS DISTINCT FROM j.new -> e.key), j.new FROM new_rows n JOIN old_rows o ON o.id = n.id CROSS JOIN LATERAL (SELECT to_jsonb(o) AS old, to_jsonb(n) AS new OFFSET 0) j WHERE (j.old - ARRAY['seen_run_id', 'last_used_at', 'last_active_at', 'open_findings', 'worst_severity', 'observed_tier', 'last_login']) IS DISTINCT FROM (j.new - ARRAY['seen_run_id', 'last_used_at', 'last_active_at', 'open_findings', 'worst_severity', 'observed_tier', 'last_login']) $history$ USING TG_TABLE_NAME; RETURN NULL;",
                    hash="8314dbffb3c80103d963c0248cf6391a802ff01f",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_history_update_20599",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="runtime_policyset",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policyset",
            trigger=pgtrigger.compiler.Trigger(
                name="history_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), TG_TABLE_NAME, o.id, NULL::bigint, 'delete', to_jsonb(o), NULL FROM old_rows o; RETURN NULL;",
                    hash="cd867205ccff3945bd3454b5f82ffc2b53121db0",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_history_delete_bbae9",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="runtime_policyset",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="policysetversion",
            name="base",
            field=models.ForeignKey(
                blank=True,
                help_text="The version it was made from; the difference is shown against it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="runtime.policysetversion",
            ),
        ),
        migrations.AddField(
            model_name="policysetversion",
            name="policy_set",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="versions",
                to="runtime.policyset",
            ),
        ),
        migrations.AddField(
            model_name="policytest",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tests",
                to="runtime.policysetversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="policysetversion",
            constraint=models.UniqueConstraint(
                fields=("policy_set", "number"), name="policy_set_version_number_is_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="policysetversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "live")),
                fields=("policy_set",),
                name="policy_set_has_one_live_version",
                violation_error_message="Another version of this set is live.",
            ),
        ),
        migrations.AddConstraint(
            model_name="policysetversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "live", "retired"])),
                name="policy_set_version_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="policysetversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "draft"), ("activated_at__isnull", False), _connector="OR"
                ),
                name="policy_set_version_was_activated",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policysetversion",
            trigger=pgtrigger.compiler.Trigger(
                name="history_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), TG_TABLE_NAME, n.id, NULL::bigint, 'insert', NULL, to_jsonb(n) FROM new_rows n; RETURN NULL;",
                    hash="0f02c80413d0a0396ee02c0b7822d0aa58c3d2af",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_history_insert_2f133",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="runtime_policysetversion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policysetversion",
            trigger=pgtrigger.compiler.Trigger(
                name="history_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="EXECUTE $history$ INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), $1, n.id, NULL::bigint, 'update', (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(j.old) e  WHERE e.value IS DISTINCT FROM j.new -> e.key), j.new FROM new_rows n JOIN old_rows o ON o.id = n.id CROSS JOIN LATERAL (SELECT to_jsonb(o) AS old, to_jsonb(n) AS new OFFSET 0) j WHERE (j.old - ARRAY['seen_run_id', 'last_used_at', 'last_active_at', 'open_findings', 'worst_severity', 'observed_tier', 'last_login']) IS DISTINCT FROM (j.new - ARRAY['seen_run_id', 'last_used_at', 'last_active_at', 'open_findings', 'worst_severity', 'observed_tier', 'last_login']) $history$ USING TG_TABLE_NAME; RETURN NULL;",
                    hash="072ea762bddd421941e631ca7b4980054ab799d1",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_history_update_93dfe",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="runtime_policysetversion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policysetversion",
            trigger=pgtrigger.compiler.Trigger(
                name="history_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), TG_TABLE_NAME, o.id, NULL::bigint, 'delete', to_jsonb(o), NULL FROM old_rows o; RETURN NULL;",
                    hash="d2101c53b3f7088042157efef9f8ff054358203e",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_history_delete_0e576",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="runtime_policysetversion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policysetversion",
            trigger=pgtrigger.compiler.Trigger(
                name="text_stays_once_live",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."state" IN (\'live\', \'retired\') AND (OLD."text" IS DISTINCT FROM (NEW."text") OR OLD."schema" IS DISTINCT FROM (NEW."schema")))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="91b9807718924f1661a589a23830e5481d87d64a",
                    operation="UPDATE",
                    pgid="pgtrigger_text_stays_once_live_57e1b",
                    table="runtime_policysetversion",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLE, NO_TABLE)],
            state_operations=[
                migrations.CreateModel(
                    name="Decision",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("made_at", models.DateTimeField()),
                        ("subject_type", models.CharField(max_length=100)),
                        ("subject_id", models.CharField(max_length=500)),
                        ("action", models.CharField(max_length=300)),
                        ("resource_type", models.CharField(max_length=100)),
                        ("resource_id", models.CharField(max_length=1000)),
                        (
                            "context",
                            models.JSONField(
                                default=dict,
                                help_text="What of the request's context counts for the inventory; bounded.",
                            ),
                        ),
                        (
                            "facts",
                            models.JSONField(
                                default=dict,
                                help_text="The facts as the policies were told them (Cedar's context), so that a replay can ask again; empty when the facts alone denied.",
                            ),
                        ),
                        (
                            "context_digest",
                            models.CharField(
                                help_text="SHA-256 of the whole context and properties, canonical JSON.",
                                max_length=64,
                            ),
                        ),
                        ("permitted", models.BooleanField()),
                        ("reason_code", models.CharField(max_length=40)),
                        ("reason", models.TextField(help_text="Why, for a person.")),
                        (
                            "remedy",
                            models.TextField(
                                blank=True, default="", help_text="What would change the answer."
                            ),
                        ),
                        (
                            "policies",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=200),
                                default=list,
                                help_text="The @id of each policy that decided.",
                                size=None,
                            ),
                        ),
                        (
                            "mode",
                            models.CharField(
                                choices=[("enforced", "Enforced"), ("monitor", "Monitor only")],
                                default="enforced",
                                max_length=8,
                            ),
                        ),
                        (
                            "monitored",
                            models.BooleanField(
                                help_text="Monitor only: what the policies would have said.",
                                null=True,
                            ),
                        ),
                        (
                            "latency_us",
                            models.PositiveIntegerField(
                                help_text="Microseconds until it was written down."
                            ),
                        ),
                        (
                            "asked_by",
                            models.CharField(
                                blank=True,
                                default="",
                                help_text="The holder of the API token.",
                                max_length=200,
                            ),
                        ),
                        (
                            "identity",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="inventory.identity",
                            ),
                        ),
                        (
                            "on_behalf_of",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="inventory.person",
                            ),
                        ),
                        (
                            "task",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="inventory.task",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                    },
                ),
                migrations.AddField(
                    model_name="decision",
                    name="policy_version",
                    field=models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="runtime.policysetversion",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["identity", "-id"], name="decision_of_identity"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(
                condition=models.Q(("task__isnull", False)),
                fields=["task", "-id"],
                name="decision_of_task",
            ),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["made_at"], name="decision_made_at"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decision",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ce85e368e4959adc295273c1c3942fc5cf184bad",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b627f",
                    table="runtime_decision",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="policytest",
            constraint=models.UniqueConstraint(
                fields=("version", "name"),
                name="policy_test_name_is_once_in_a_version",
                violation_error_message="A test with this name is there already.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policytest",
            trigger=pgtrigger.compiler.Trigger(
                name="history_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), TG_TABLE_NAME, n.id, NULL::bigint, 'insert', NULL, to_jsonb(n) FROM new_rows n; RETURN NULL;",
                    hash="b915b3824a4537a45c60ac6825f068953497dc96",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_history_insert_d9e6f",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="runtime_policytest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policytest",
            trigger=pgtrigger.compiler.Trigger(
                name="history_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="EXECUTE $history$ INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), $1, n.id, NULL::bigint, 'update', (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(j.old) e  WHERE e.value IS DISTINCT FROM j.new -> e.key), j.new FROM new_rows n JOIN old_rows o ON o.id = n.id CROSS JOIN LATERAL (SELECT to_jsonb(o) AS old, to_jsonb(n) AS new OFFSET 0) j WHERE (j.old - ARRAY['seen_run_id', 'last_used_at', 'last_active_at', 'open_findings', 'worst_severity', 'observed_tier', 'last_login']) IS DISTINCT FROM (j.new - ARRAY['seen_run_id', 'last_used_at', 'last_active_at', 'open_findings', 'worst_severity', 'observed_tier', 'last_login']) $history$ USING TG_TABLE_NAME; RETURN NULL;",
                    hash="382584795183eb6cc4a3cb3b67391ffb3a27da05",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_history_update_a1a8e",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="runtime_policytest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policytest",
            trigger=pgtrigger.compiler.Trigger(
                name="history_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id, identity_id, operation, before, after) SELECT now(), txid_current(), COALESCE(NULLIF(current_setting('mandate.actor', true), ''), 'database user ' || session_user), NULLIF(current_setting('mandate.user', true), '')::bigint, COALESCE(NULLIF(current_setting('mandate.verb', true), ''), 'sql'), COALESCE(current_setting('mandate.reason', true), ''), TG_TABLE_NAME, o.id, NULL::bigint, 'delete', to_jsonb(o), NULL FROM old_rows o; RETURN NULL;",
                    hash="9f7717daf3c870a24eb403f414906c1c6689ee8e",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_history_delete_533cf",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="runtime_policytest",
                    when="AFTER",
                ),
            ),
        ),
    ]
