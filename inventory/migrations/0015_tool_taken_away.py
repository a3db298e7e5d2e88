from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inventory", "0014_observed_tiers")]

    operations = [
        migrations.AddField(
            model_name="toolbinding",
            name="ended_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When it was taken away here; its source has to follow.",
                null=True,
            ),
        ),
    ]
