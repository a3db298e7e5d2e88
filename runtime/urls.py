"""The addresses of this floor, by subject."""

from django.urls import URLPattern

from runtime import activity_urls, ingest_urls, policy_urls, token_urls

app_name = "runtime"
urlpatterns: list[URLPattern] = [
    *policy_urls.urlpatterns,
    *token_urls.urlpatterns,
    *activity_urls.urlpatterns,
    *ingest_urls.urlpatterns,
]
