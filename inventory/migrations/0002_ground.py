"""The ground a new installation stands on: the shared cache table, the job queue's SQL, the manual source."""

from django.core.management import call_command
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from pgmq.install import get_embedded_install_sql


def make_cache_table(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


def install_queue(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """pgmq is plain SQL: no server extension and no superuser. Its installer cannot run twice."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pgmq.meta')")
        if cursor.fetchone()[0] is None:
            cursor.execute(get_embedded_install_sql())


def add_manual_source(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("inventory", "Source").objects.get_or_create(
        key="manual",
        defaults={"kind": "manual", "namespace": "mandate", "label": "Entered in Mandate"},
    )


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial")]

    operations = [
        migrations.RunPython(make_cache_table, migrations.RunPython.noop),
        migrations.RunPython(install_queue, migrations.RunPython.noop),
        migrations.RunPython(add_manual_source, migrations.RunPython.noop),
    ]
