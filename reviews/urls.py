"""Addresses of findings and checks."""

from django.urls import path

from reviews.views import access_rules as rules_views
from reviews.views import (
    actions,
    campaigns,
    checks,
    conversions,
    cuts,
    decisions,
    findings,
    inbox,
    notifications,
    request_answers,
    requests,
    review_items,
    webhooks,
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
    path("identities/<int:pk>/cut/", cuts.identity_cut, name="identity-cut"),
    path("cuts/", cuts.cut_list, name="cut-list"),
    path("cuts/<int:pk>/", cuts.cut_detail, name="cut-detail"),
    path("cuts/<int:pk>/approve/", cuts.cut_approve, name="cut-approve"),
    path("cuts/<int:pk>/refuse/", cuts.cut_refuse, name="cut-refuse"),
    path("settings/access-rules/", rules_views.rules_page, name="access-rules"),
    path("settings/access-rules/change/", rules_views.rules_change, name="access-rules-change"),
    path("notifications/", notifications.notification_list, name="notification-list"),
    path("notifications/read/", notifications.notifications_read, name="notifications-read"),
    path("notifications/<int:pk>/", notifications.notification_open, name="notification-open"),
    path(
        "settings/notifications/", notifications.notification_settings, name="notification-settings"
    ),
    path("settings/notifications/test/", notifications.mail_test, name="mail-test"),
    path("settings/deliveries/", notifications.delivery_list, name="delivery-list"),
    path(
        "settings/deliveries/<int:pk>/again/", notifications.delivery_again, name="delivery-again"
    ),
    path("settings/webhooks/new/", webhooks.webhook_new, name="webhook-new"),
    path("settings/webhooks/<int:pk>/", webhooks.webhook_detail, name="webhook-detail"),
    path("settings/webhooks/<int:pk>/edit/", webhooks.webhook_edit, name="webhook-edit"),
    path("settings/webhooks/<int:pk>/key/", webhooks.webhook_key, name="webhook-key"),
    path("settings/webhooks/<int:pk>/switch/", webhooks.webhook_switch, name="webhook-switch"),
    path("settings/webhooks/<int:pk>/test/", webhooks.webhook_test, name="webhook-test"),
    path("reviews/", campaigns.campaign_list, name="campaign-list"),
    path("reviews/new/", campaigns.campaign_new, name="campaign-new"),
    path("reviews/<int:pk>/", campaigns.campaign_detail, name="campaign-detail"),
    path("reviews/<int:pk>/launch/", campaigns.campaign_launch, name="campaign-launch"),
    path("reviews/<int:pk>/cancel/", campaigns.campaign_cancel, name="campaign-cancel"),
    path("reviews/<int:pk>/close/", campaigns.campaign_close, name="campaign-close"),
    path("reviews/<int:pk>/report/", campaigns.campaign_report, name="campaign-report"),
    path("reviews/<int:pk>/items/", review_items.campaign_items, name="campaign-items"),
    path("reviews/items/<int:pk>/", review_items.item_detail, name="item-detail"),
    *(
        path(
            f"reviews/items/<int:pk>/{decision.replace('_', '-')}/",
            review_items.item_decide,
            {"decision": decision},
            name=f"item-{decision.replace('_', '-')}",
        )
        for decision in map(str, review_items.TITLES)
    ),
    path("reviews/items/bulk/keep/", review_items.items_keep, name="items-keep"),
    path("reviews/items/bulk/revoke/", review_items.items_revoke, name="items-revoke"),
    path("reviews/items/bulk/narrow/", review_items.items_narrow, name="items-narrow"),
    path("reviews/items/bulk/hand-over/", review_items.items_hand_over, name="items-hand-over"),
    path("reviews/items/bulk/ask/", review_items.items_ask, name="items-ask"),
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
