"""Addresses of frameworks, assessments, and what auditors and security add to them."""

from django.urls import path

from frameworks import (
    assessment_views,
    attestation_views,
    matrix_views,
    own_views,
    past_views,
    report_views,
    request_views,
    views,
)

app_name = "frameworks"
urlpatterns = [
    path("", views.framework_list, name="framework-list"),
    path("reports/", report_views.report_list, name="report-list"),
    path("reports/new/", report_views.report_new, name="report-new"),
    path("reports/status/", report_views.report_status, name="report-status"),
    path("reports/<int:pk>/", report_views.report_detail, name="report-detail"),
    path("reports/<int:pk>/download/", report_views.report_download, name="report-download"),
    path("reports/<int:pk>/delete/", report_views.report_delete, name="report-delete"),
    path("new/", own_views.framework_new, name="framework-new"),
    path("coverage/", matrix_views.coverage, name="coverage"),
    path("shared/", matrix_views.framework_shared, name="framework-shared"),
    path("checks/<slug:check_id>/", matrix_views.check_controls, name="check-controls"),
    path("findings/<int:pk>/", matrix_views.finding_controls, name="finding-controls"),
    path("past/", past_views.past, name="past"),
    path("past/difference/", past_views.past_difference_page, name="past-difference"),
    path("assessments/", assessment_views.assessment_list, name="assessment-list"),
    path("assessments/new/", assessment_views.assessment_new, name="assessment-new"),
    path("assessments/schedule/", assessment_views.assessment_schedule, name="assessment-schedule"),
    path("assessments/compare/", matrix_views.assessment_compare, name="assessment-compare"),
    path("assessments/<int:pk>/", assessment_views.assessment_detail, name="assessment-detail"),
    path(
        "assessments/<int:pk>/status/", assessment_views.assessment_status, name="assessment-status"
    ),
    path(
        "assessments/<int:pk>/checks/<slug:check_id>/",
        assessment_views.assessment_check,
        name="assessment-check",
    ),
    path(
        "assessments/<int:pk>/<slug:key>/",
        assessment_views.assessment_framework,
        name="assessment-framework",
    ),
    path(
        "assessments/<int:pk>/<slug:key>/<str:control_id>/",
        assessment_views.assessment_control,
        name="assessment-control",
    ),
    path("attestations/", attestation_views.attestation_list, name="attestation-list"),
    path(
        "attestations/<int:pk>/withdraw/",
        attestation_views.attestation_withdraw,
        name="attestation-withdraw",
    ),
    path(
        "attestations/<int:pk>/file/", attestation_views.attestation_file, name="attestation-file"
    ),
    path("requests/", request_views.request_list, name="evidence-list"),
    path("requests/new/", request_views.request_new, name="evidence-new"),
    path("requests/<int:pk>/", request_views.request_detail, name="evidence-detail"),
    path("requests/<int:pk>/answer/", request_views.request_answer, name="evidence-answer"),
    path("requests/<int:pk>/accept/", request_views.request_accept, name="evidence-accept"),
    path("requests/<int:pk>/again/", request_views.request_again, name="evidence-again"),
    path("requests/<int:pk>/withdraw/", request_views.request_withdraw, name="evidence-withdraw"),
    path("comments/new/", request_views.comment_new, name="comment-new"),
    path("<slug:key>/", views.framework_detail, name="framework-detail"),
    path("<slug:key>/versions/", own_views.framework_versions, name="framework-versions"),
    path("<slug:key>/withdraw/", own_views.framework_withdraw, name="framework-withdraw"),
    path("<slug:key>/<str:control_id>/", views.control_detail, name="control-detail"),
    path(
        "<slug:key>/<str:control_id>/attest/",
        attestation_views.control_attest,
        name="control-attest",
    ),
]
