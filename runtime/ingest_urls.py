"""Where calls are reported, and the pages about names and seals."""

from django.urls import URLPattern, path

from runtime.views import agent_names, log_integrity, traces

urlpatterns: list[URLPattern] = [
    path("v1/traces", traces.traces, name="traces"),
    path("agent-names/", agent_names.name_list, name="agent-name-list"),
    path("agent-names/<int:pk>/", agent_names.name_detail, name="agent-name-detail"),
    path("agent-names/<int:pk>/assign/", agent_names.name_assign, name="agent-name-assign"),
    path("agent-names/<int:pk>/ignore/", agent_names.name_ignore, name="agent-name-ignore"),
    path("log-integrity/", log_integrity.page, name="log-integrity"),
    path("log-integrity/compare/", log_integrity.start, name="verification-start"),
    path("log-integrity/<int:pk>/", log_integrity.status, name="verification-status"),
]
