import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inventory", "0015_tool_taken_away")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="scope",
            field=models.ForeignKey(
                blank=True,
                help_text="An auditor of one team: sees its identities and what hangs on them, nothing else.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="auditors",
                to="inventory.team",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("scope", None),
                    models.Q(("person", None), ("role", "auditor")),
                    _connector="OR",
                ),
                name="user_of_one_team_is_an_auditor_and_no_person",
                violation_error_message="Only an auditor without a person in the directory is limited to a team.",
            ),
        ),
    ]
