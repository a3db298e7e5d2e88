"""Every address of the product."""

from django.urls import URLPattern, URLResolver, include, path

from mandate import health, home

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("", home.overview, name="overview"),
    path("accounts/", include("mandate.account_urls")),
    path("api/", include("mandate.api_urls")),
    path("", include("inventory.urls")),
    path("", include("reviews.urls")),
    path("", include("runtime.decision_urls")),
    path("", include("runtime.urls")),
    path("frameworks/", include("frameworks.urls")),
]
