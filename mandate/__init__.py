"""Settings, URLs and the home page: the only place that knows every app."""

from mandate.celery import app as celery_app

__all__ = ["celery_app"]
