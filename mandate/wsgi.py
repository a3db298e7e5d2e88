"""The web server's entry point."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mandate.settings")
django_application = get_wsgi_application()
from runtime.api import quick  # noqa: E402  once Django is ready

application = quick.first(django_application)
# What is loaded by now stays: without this the garbage collector walks through all of it whenever a report of a
# thousand calls makes many objects.
gc.collect()
gc.freeze()
# What is made later is looked at once in several reports, not ten times in each: hardly anything goes in circles.
gc.set_threshold(50_000, 20, 20)
