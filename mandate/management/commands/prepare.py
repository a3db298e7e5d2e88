"""`manage.py prepare`: makes a database ready for use; safe to repeat, and does nothing the second time."""

import os
import secrets
from typing import Any

import environ
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from frameworks import loading
from frameworks import tasks as frameworks_tasks
from inventory import tasks as inventory_tasks
from inventory.models import User
from mandate import demo
from mandate.demo.users import SignIn
from reviews import tasks as reviews_tasks
from runtime import decision_days, default_policies, signing_keys
from runtime import tasks as runtime_tasks

GIVEN = "MANDATE_ADMIN_PASSWORD"


class Command(BaseCommand):
    """Prints the sign-ins that it made, once; they are kept nowhere."""

    help = "Migrate, load the catalogues and starter policies, write the schedule, make the demo or the first user."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        call_command("migrate", verbosity=0, interactive=False)
        loading.load()
        _write_schedule()
        decision_days.make_ahead(timezone.now())
        signing_keys.rotate(timezone.now())  # so that the first who asks finds the public keys
        made = [] if User.objects.exists() else _begin()
        default_policies.install(timezone.now())  # after the demo, which tells how it got its own
        if not made:
            return
        given = os.environ.get(GIVEN)
        for role, name, password in made:
            shown = f"(the password in {GIVEN})" if password == given else password
            self.stdout.write(f"  {role:9} {name} / {shown}")
        self.stdout.write("A password is shown once. Keep it safe, or change it after signing in.")


def _begin() -> list[SignIn]:
    """Who can sign in at first: the people of the demo, or one user."""
    wants_demo = environ.Env().bool("MANDATE_DEMO", default=True)
    return demo.build(timezone.now()) if wants_demo else [_first_user()]


def _write_schedule() -> None:
    """What each floor wants done again and again; a changed interval replaces the old one."""
    floors = (inventory_tasks, runtime_tasks, reviews_tasks, frameworks_tasks)
    schedule = {name: job for floor in floors for name, job in floor.SCHEDULE.items()}
    for name, (task, seconds) in schedule.items():
        every, _ = IntervalSchedule.objects.get_or_create(
            every=seconds, period=IntervalSchedule.SECONDS
        )
        PeriodicTask.objects.update_or_create(name=name, defaults={"task": task, "interval": every})


def _first_user() -> SignIn:
    password = os.environ.get(GIVEN) or secrets.token_urlsafe(12)
    User.objects.create_user("admin", password=password, role=User.Role.SECURITY)
    return User.Role.SECURITY, "admin", password
