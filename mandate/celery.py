"""The Celery application; the schedule lives in each app's `tasks.py` and is written by `manage.py prepare`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mandate.settings")
app = Celery("mandate")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
