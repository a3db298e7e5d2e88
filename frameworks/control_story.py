"""What belongs to a control beside its answer: failures, exceptions, history, attestations, comments, requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.http import urlencode

from frameworks import comments
from frameworks.models import (
    AssessedControl,
    Assessment,
    Attestation,
    Control,
    EvidenceRequest,
    Framework,
)
from frameworks.results import Coverage, coverage
from frameworks.standing import Standing
from inventory import access
from inventory.models import User
from reviews.columns import title_of
from reviews.models import Finding

SHOWN = 10
HISTORY = 12


@dataclass(frozen=True)
class Past:
    """The answer in one assessment of everything."""

    assessment: Assessment
    state: str


def told(
    framework: Framework, control: Control, standing: Standing, user: User, *, at: datetime
) -> dict[str, object]:
    """What the page of a control shows beside its answer."""
    checks = [one.mapping.check_id for one in standing.checks]
    place = {"framework": framework.key, "control": control.control_id}
    return {
        "share": _percent(coverage([one.evidence for one in standing.checks])),
        "failures": _failures(checks, at),
        "exceptions": _exceptions(checks, at),
        "history": _history(framework.key, control.control_id),
        "attestations": [
            (one, one.state(at)) for one in _attestations(framework.key, control.control_id)
        ],
        "requests": list(
            EvidenceRequest.objects.filter(
                framework_key=framework.key, control_id=control.control_id
            ).select_related("asked_by")
        ),
        "comments": comments.about(
            seen_by=user, framework_key=framework.key, control_id=control.control_id
        ),
        "comment_url": f"{reverse('frameworks:comment-new')}?{urlencode(place)}",
        "may_change": access.changes_all(user),
        "actions": _actions(framework, control, user, urlencode(place)),
    }


def _percent(share: Coverage) -> dict[str, int]:
    return {"known": round(100 * share.known), "passed": round(100 * share.passed)}


def _failures(checks: Sequence[str], at: datetime) -> list[tuple[Finding, str]]:
    """The worst open findings of its checks."""
    rows = Finding.objects.filter(check_id__in=checks).open(at).select_related("identity")
    return [(one, title_of(one)) for one in rows.order_by("-severity", "-pk")[:SHOWN]]


def _exceptions(checks: Sequence[str], at: datetime) -> list[tuple[str, int]]:
    """How many findings of each check are under an exception that somebody granted."""
    waived = Finding.objects.filter(check_id__in=checks).filter(
        Q(status="accepted", until__gt=at)
        | Q(status="snoozed", until__gt=at)
        | (Q(status="false_positive") & (Q(until=None) | Q(until__gt=at)))
    )
    counted = waived.order_by("check_id").values_list("check_id").annotate(number=Count("pk"))
    return [(check_id, number) for check_id, number in counted]


def _history(key: str, control_id: str) -> list[Past]:
    """Its answers in the last assessments of everything, newest first."""
    rows = AssessedControl.objects.filter(
        framework__key=key, control_id=control_id, framework__assessment__team=None,
        framework__assessment__environment="", framework__assessment__tier=None,
        framework__assessment__status=Assessment.Status.DONE,
    ).select_related("framework__assessment")  # fmt: skip
    latest = rows.order_by("-framework__assessment__number")[:HISTORY]
    return [Past(one.framework.assessment, one.state) for one in latest]


def _attestations(key: str, control_id: str) -> list[Attestation]:
    rows = Attestation.objects.about(key, control_id).select_related("author")
    return list(rows.defer("file_content"))


def _actions(
    framework: Framework, control: Control, user: User, place: str
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    if access.changes_all(user):
        url = reverse("frameworks:control-attest", args=[framework.key, control.control_id])
        found.append({"label": "Attest", "url": url, "icon": "signature"})
    ask = f"{reverse('frameworks:evidence-new')}?{place}"
    return [*found, {"label": "Request evidence", "url": ask, "icon": "file-question-mark"}]
