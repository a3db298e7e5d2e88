"""Addresses of findings and checks."""

from django.urls import path

from reviews.views import access_rules as rules_views
from reviews.views import (
    actions,
    checks,
    conversions,
    decisions,
    findings,
    inbox,
    request_answers,
    requests,
)

app_name = "reviews"
urlpatterns = [
    path("inbox/", inbox.inbox_page, name="inbox"),
    path("requests/", requests.request_list, name="request-list"),
    path("requests/<int:pk>/", requests.request_detail, name="request-detail"),
    path("requests/<int:pk>/approve/", request_answers.request_approve, name="request-approve"),
    path("requests/<int:pk>/refuse/", request_answers.request_refuse, name="request-refuse"),
    path("requests/<int:pk>/cancel/", requests.request_cancel, name="request-cancel"),
    path("requests/<int:pk>/escalate/", requests.request_escalate, name="request-escalate"),
    path("requests/approve/", request_answers.requests_approve, name="requests-approve"),
    path("requests/refuse/", request_answers.requests_refuse, name="requests-refuse"),
    path("identities/<int:pk>/request/", requests.request_new, name="identity-request"),
    path("grants/<int:pk>/convert/", conversions.grant_convert, name="grant-convert"),
    path("actions/", actions.action_list, name="action-list"),
    path("actions/<int:pk>/", actions.action_detail, name="action-detail"),
    path("actions/<int:pk>/approve/", actions.action_approve, name="action-approve"),
    path("actions/<int:pk>/refuse/", actions.action_refuse, name="action-refuse"),
    path("settings/access-rules/", rules_views.rules_page, name="access-rules"),
    path("settings/access-rules/change/", rules_views.rules_change, name="access-rules-change"),
    path("findings/", findings.finding_list, name="finding-list"),
    path("findings/<int:pk>/", findings.finding_detail, name="finding-detail"),
    path("findings/accept/", decisions.accept, name="finding-accept"),
    path("findings/snooze/", decisions.snooze, name="finding-snooze"),
    path("findings/false-positive/", decisions.false_positive, name="finding-false-positive"),
    path("findings/assign/", decisions.assign, name="finding-assign"),
    path("findings/reopen/", decisions.reopen, name="finding-reopen"),
    path("identities/<int:pk>/findings/", findings.identity_findings, name="identity-findings"),
    path("checks/", checks.check_list, name="check-list"),
    path("checks/sweep/", checks.sweep_start, name="sweep-now"),
    path("checks/sweep/<int:pk>/", checks.sweep_status, name="sweep-status"),
    path("checks/<slug:check_id>/", checks.check_detail, name="check-detail"),
    path("checks/<slug:check_id>/settings/", checks.check_settings, name="check-settings"),
]
