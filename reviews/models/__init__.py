"""What was checked, what was found, who asked for what, and who decided."""

from reviews.models.access_policy import AccessPolicy
from reviews.models.access_request import AccessRequest, Approval, RequestedEntitlement
from reviews.models.action_approval import ActionApproval
from reviews.models.campaign import Campaign, ReviewItem
from reviews.models.finding import Finding, Waiver
from reviews.models.notification import Notification, Webhook
from reviews.models.path_cut import PathCut
from reviews.models.setting import CheckSetting
from reviews.models.sweep_run import CheckRun, SweepRun

__all__ = [
    "AccessPolicy",
    "AccessRequest",
    "ActionApproval",
    "Approval",
    "Campaign",
    "CheckRun",
    "CheckSetting",
    "Finding",
    "Notification",
    "PathCut",
    "RequestedEntitlement",
    "ReviewItem",
    "SweepRun",
    "Waiver",
    "Webhook",
]
