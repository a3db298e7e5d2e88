"""Addresses of findings and checks."""

from django.urls import path

from reviews.views import checks, decisions, findings

app_name = "reviews"
urlpatterns = [
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
