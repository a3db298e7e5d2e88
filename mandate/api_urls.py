"""The addresses of the REST API."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from frameworks import assessment_api, report_api
from inventory.api import imports, problems, reaching, stopping, systems, tasks, tools, views
from mandate.api_reference import ApiReference
from reviews import api as reviews
from reviews import campaign_api, cut_api, notification_api, request_api
from runtime.api import activity, decisions, events, issued, policies, replays, tool_calls, trust

router = DefaultRouter(use_regex_path=True)
router.include_root_view = False
router.include_format_suffixes = False
router.register("people", views.PersonViewSet, "person")
router.register("teams", views.TeamViewSet, "team")
router.register("identities", reaching.IdentityViewSet, "identity")
router.register("credentials", stopping.CredentialViewSet, "credential")
router.register("grants", stopping.GrantViewSet, "grant")
router.register("tasks", tasks.TaskViewSet, "task")
router.register("delegations", stopping.DelegationViewSet, "delegation")
router.register("stops", stopping.StopViewSet, "stop")
router.register("tools", tools.ToolViewSet, "tool")
router.register("deviations", activity.DeviationViewSet, "deviation")
router.register("drift", activity.DriftViewSet, "drift")
router.register("tool-calls", tool_calls.ToolCallViewSet, "tool-call")
router.register("systems", systems.SystemViewSet, "system")
router.register("entitlements", reaching.EntitlementViewSet, "entitlement")
router.register("resources", reaching.ResourceViewSet, "resource")
router.register("sources", views.SourceViewSet, "source")
router.register("imports", imports.ImportViewSet, "import")
router.register("requests", request_api.AccessRequestViewSet, "request")
router.register("action-approvals", request_api.ActionApprovalViewSet, "action-approval")
router.register("cuts", cut_api.CutViewSet, "cut")
router.register("notifications", notification_api.NotificationViewSet, "notification")
router.register("webhooks", notification_api.WebhookViewSet, "webhook")
router.register("reviews", campaign_api.CampaignViewSet, "review")
router.register("review-items", campaign_api.ReviewItemViewSet, "review-item")
router.register("issued-tokens", issued.IssuedTokenViewSet, "issued-token")
router.register("trust-bundles", trust.TrustBundleViewSet, "trust-bundle")
router.register("oidc-issuers", trust.OidcIssuerViewSet, "oidc-issuer")
router.register("oauth-clients", trust.OAuthClientViewSet, "oauth-client")
router.register("event-streams", events.EventStreamViewSet, "event-stream")
router.register("security-events", events.SecurityEventViewSet, "security-event")
router.register("findings", reviews.FindingViewSet, "finding")
router.register("policy-sets", policies.PolicySetViewSet, "policy-set")
router.register("policy-versions", policies.PolicyVersionViewSet, "policy-version")
router.register("policy-tests", policies.PolicyTestViewSet, "policy-test")
router.register("policy-entities", policies.PolicyEntityViewSet, "policy-entity")
router.register("replays", replays.ReplayViewSet, "replay")
router.register("replay-rows", replays.ReplayRowViewSet, "replay-row")
router.register("checks", reviews.CheckViewSet, "check")
router.register("sweeps", reviews.SweepViewSet, "sweep")
router.register("assessments", assessment_api.AssessmentViewSet, "assessment")
router.register("frameworks", assessment_api.FrameworkViewSet, "framework")
router.register("decisions", decisions.DecisionViewSet, "decision")
router.register("reports", report_api.ReportViewSet, "report")

app_name = "api"
urlpatterns = [
    path("v1/", include(router.urls)),
    path("v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("v1/docs/", ApiReference.as_view(), name="docs"),
    re_path("", problems.NotThere.as_view(), name="not-there"),
]
