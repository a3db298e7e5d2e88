"""The addresses of the decision point, as its standard names them; mandate/middleware.py has a short way there."""

from django.urls import path

from runtime.api import authzen

urlpatterns = [
    path("access/v1/evaluation", authzen.evaluation),
    path("access/v1/evaluations", authzen.evaluations),
    path("access/v1/search/subject", authzen.search_subject),
    path("access/v1/search/resource", authzen.search_resource),
    path("access/v1/search/action", authzen.search_action),
    path(".well-known/authzen-configuration", authzen.configuration),
]
