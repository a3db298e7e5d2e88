"""The addresses of tokens, trust and security events."""

from django.urls import URLPattern, path

from runtime.views import issued, keys, metadata, oauth, own_task, streams, trust

urlpatterns: list[URLPattern] = [
    path("oauth/token", oauth.token, name="oauth-token"),
    path("oauth/introspect", oauth.introspect, name="oauth-introspect"),
    path("oauth/revoke", oauth.revoke, name="oauth-revoke"),
    path("oauth/task", own_task.task, name="oauth-task"),
    path("oauth/task/beat", own_task.beat, name="oauth-task-beat"),
    path("oauth/task/end", own_task.end, name="oauth-task-end"),
    path(".well-known/jwks.json", keys.jwks, name="well-known-jwks"),
    path(
        ".well-known/oauth-authorization-server",
        metadata.authorization_server,
        name="well-known-authorization-server",
    ),
    path(
        ".well-known/oauth-protected-resource",
        metadata.protected_resource,
        name="well-known-protected-resource",
    ),
    path(
        ".well-known/ssf-configuration",
        metadata.event_transmitter,
        name="well-known-event-transmitter",
    ),
    path("task-tokens/", issued.issued_list, name="issued-list"),
    path("task-tokens/<int:pk>/", issued.issued_detail, name="issued-detail"),
    path("task-tokens/<int:pk>/revoke/", issued.issued_revoke, name="issued-revoke"),
    path("identities/<int:pk>/tokens/", issued.identity_tokens, name="identity-tokens"),
    path("tasks/<int:pk>/tokens/", issued.task_tokens, name="task-tokens"),
    path("trust/", trust.trust_page, name="trust"),
    path("trust/bundles/new/", trust.bundle_new, name="bundle-new"),
    path("trust/issuers/new/", trust.issuer_new, name="issuer-new"),
    path("trust/issuers/<int:pk>/fetch/", trust.issuer_fetch, name="issuer-fetch"),
    path("trust/clients/new/", trust.client_new, name="client-new"),
    path("trust/<slug:kind>/<int:pk>/retire/", trust.trust_retire, name="trust-retire"),
    path("event-streams/", streams.stream_list, name="stream-list"),
    path("event-streams/new/", streams.stream_new, name="stream-new"),
    path("event-streams/<int:pk>/", streams.stream_detail, name="stream-detail"),
    path("event-streams/<int:pk>/switch/", streams.stream_switch, name="stream-switch"),
    path("event-streams/<int:pk>/verify/", streams.stream_verify, name="stream-verify"),
    path("security-events/<int:pk>/again/", streams.event_again, name="event-again"),
]
