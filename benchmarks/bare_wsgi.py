"""A Django that only says hello: no middleware, no database. What a decision is compared with."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path


def hello(request):  # type: ignore[no-untyped-def]  # served by the benchmark only
    return HttpResponse(b'{"decision": true}', content_type="application/json")


settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[], SECRET_KEY="bench")
urlpatterns = [path("hello", hello)]
application = get_wsgi_application()
