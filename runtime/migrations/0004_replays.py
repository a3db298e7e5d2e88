"""Replays: what a change would have done to what was asked."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0012_tokens_for_decisions_and_traces"),
        ("runtime", "0003_tokens"),
    ]

    operations = [
        migrations.CreateModel(
            name="Replay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "change",
                    models.CharField(
                        choices=[
                            ("policy", "Policies"),
                            ("grant", "End of a grant"),
                            ("tier", "Control tier"),
                        ],
                        max_length=6,
                    ),
                ),
                (
                    "tier",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[
                            (0, "0 Workload"),
                            (1, "1 Reader"),
                            (2, "2 Assistant"),
                            (3, "3 Actor"),
                            (4, "4 Broker"),
                        ],
                        null=True,
                    ),
                ),
                (
                    "text_digest",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Of the draft as it was tried.",
                        max_length=64,
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                ("asked_by", models.CharField(max_length=200)),
                ("asked_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("done", models.PositiveIntegerField(default=0, help_text="Records read so far.")),
                (
                    "total",
                    models.PositiveIntegerField(default=0, help_text="Records in the interval."),
                ),
                ("input_digest", models.CharField(blank=True, default="", max_length=64)),
                (
                    "result",
                    models.JSONField(default=dict, help_text="Counts, and what changes for whom."),
                ),
                (
                    "result_digest",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="SHA-256 of the result and its rows.",
                        max_length=64,
                    ),
                ),
                ("error", models.TextField(blank=True, default="")),
                (
                    "grant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inventory.grant",
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose grant or tier changes.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inventory.identity",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replays",
                        to="runtime.policysetversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ReplayRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("decision", "Decision"), ("call", "Tool call")], max_length=8
                    ),
                ),
                (
                    "subject",
                    models.CharField(help_text="Its name when it was tried.", max_length=600),
                ),
                ("action", models.CharField(max_length=300)),
                ("resource_type", models.CharField(max_length=100)),
                ("resource_id", models.CharField(max_length=1000)),
                ("task_key", models.BigIntegerField(null=True)),
                ("task_purpose", models.TextField(blank=True, default="")),
                ("before", models.BooleanField(help_text="It was permitted.")),
                ("after", models.BooleanField(help_text="It would be permitted.")),
                ("reason", models.TextField(help_text="Why the answer would be that.")),
                ("policies", models.JSONField(default=list)),
                ("times", models.PositiveIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("example", models.UUIDField(help_text="The newest such decision.", null=True)),
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
                    "replay",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="runtime.replay",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddIndex(
            model_name="replay",
            index=models.Index(fields=["version", "-id"], name="replay_of_version"),
        ),
        migrations.AddIndex(
            model_name="replay",
            index=models.Index(fields=["grant", "-id"], name="replay_of_grant"),
        ),
        migrations.AddIndex(
            model_name="replay",
            index=models.Index(fields=["identity", "-id"], name="replay_of_identity"),
        ),
        migrations.AddConstraint(
            model_name="replay",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("change", "policy"),
                        ("grant", None),
                        ("tier", None),
                        ("version__isnull", False),
                    ),
                    models.Q(
                        ("change", "grant"),
                        ("grant__isnull", False),
                        ("tier", None),
                        ("version", None),
                    ),
                    models.Q(
                        ("change", "tier"),
                        ("grant", None),
                        ("identity__isnull", False),
                        ("tier__isnull", False),
                        ("version", None),
                    ),
                    _connector="OR",
                ),
                name="replay_is_of_one_change",
            ),
        ),
        migrations.AddConstraint(
            model_name="replay",
            constraint=models.CheckConstraint(
                condition=models.Q(("since__lt", models.F("until"))),
                name="replay_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="replay",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "done"), _negated=True),
                    models.Q(
                        models.Q(("result_digest", ""), _negated=True),
                        models.Q(("input_digest", ""), _negated=True),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="replay_has_a_result_when_done",
            ),
        ),
        migrations.AddIndex(
            model_name="replayrow",
            index=models.Index(fields=["replay", "-times", "-id"], name="replay_row_by_times"),
        ),
    ]
