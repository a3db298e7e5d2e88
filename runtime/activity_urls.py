"""The addresses of tool calls, chains, coverage and drift."""

from django.urls import URLPattern, path

from runtime.views import activity_panels, call_chains, calls, cover, deviations, tiers

urlpatterns: list[URLPattern] = [
    path("activity/", calls.call_list, name="call-list"),
    path("activity/calls/<str:pk>/", calls.call_detail, name="call-detail"),
    path("activity/tasks/<int:pk>/", call_chains.task_chain, name="task-chain"),
    path("activity/traces/<str:pk>/", call_chains.trace_chain, name="trace-chain"),
    path("activity/conversation/", call_chains.conversation_chain, name="conversation-chain"),
    path("activity/coverage/", cover.cover, name="cover"),
    path("activity/deviations/", deviations.deviation_list, name="deviation-list"),
    path("activity/deviations/<int:pk>/", deviations.deviation_triage, name="deviation-triage"),
    path("drift/", tiers.drift_page, name="drift"),
    path("identities/<int:pk>/tier/", tiers.identity_tier, name="identity-tier"),
    path("identities/<int:pk>/declare/", tiers.identity_declare, name="identity-declare"),
    path(
        "identities/<int:pk>/activity/", activity_panels.identity_activity, name="identity-activity"
    ),
    path(
        "identities/<int:pk>/privileges/",
        activity_panels.identity_privileges,
        name="identity-privileges",
    ),
    path("identities/<int:pk>/rule/", cover.identity_rule, name="identity-rule"),
    path("tasks/<int:pk>/activity/", activity_panels.task_activity, name="task-activity"),
]
