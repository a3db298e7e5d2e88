"""The addresses of policies and decisions."""

from django.urls import URLPattern, path

from runtime.views import decisions, policies, policy_editing, policy_life, replays, trying

urlpatterns: list[URLPattern] = [
    path("policies/", policies.policy_list, name="policy-list"),
    path("policies/new/", policies.set_new, name="policyset-new"),
    path("policies/try/", trying.policy_try, name="policy-try"),
    path("policies/sets/<int:pk>/modes/", policies.set_modes, name="policyset-modes"),
    path("policies/<int:pk>/", policies.policy_version, name="policy-version"),
    path("policies/<int:pk>/edit/", policy_editing.policy_edit, name="policy-edit"),
    path("policies/<int:pk>/copy/", policy_editing.policy_copy, name="policy-copy"),
    path("policies/<int:pk>/activate/", policy_life.policy_activate, name="policy-activate"),
    path("policies/<int:pk>/roll-back/", policy_life.policy_roll_back, name="policy-roll-back"),
    path("policies/<int:pk>/discard/", policy_life.policy_discard, name="policy-discard"),
    path("policies/<int:pk>/replay/", replays.version_replay, name="version-replay"),
    path("policies/<int:pk>/tests/new/", policy_editing.test_new, name="policy-add-test"),
    path("policies/tests/<int:pk>/", policy_editing.test_edit, name="policytest-edit"),
    path("policies/tests/<int:pk>/remove/", policy_editing.test_remove, name="policytest-remove"),
    path("replays/<int:pk>/", replays.replay_detail, name="replay-detail"),
    path("replays/<int:pk>/status/", replays.replay_status, name="replay-status"),
    path("grants/<int:pk>/replay/", replays.grant_replay, name="grant-replay"),
    path("identities/<int:pk>/replay/", replays.identity_replay, name="identity-replay"),
    path("decisions/", decisions.decision_list_page, name="decision-list"),
    path("decisions/<slug:pk>/", decisions.decision_detail, name="decision-detail"),
    path("identities/<int:pk>/decisions/", decisions.identity_decisions, name="identity-decisions"),
    path("tasks/<int:pk>/decisions/", decisions.task_decisions, name="task-decisions"),
]
