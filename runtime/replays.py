"""Counterfactual replay: what a draft, the end of a grant or another tier would have done to what was asked.

Set-based: the database groups the record, so that each different question is judged once; the policies judge in
batches. The record says what the facts were then: what was denied by the facts stays denied, whatever the policies.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from inventory import access
from inventory.models import Grant, Identity, Tier, User
from inventory.rules import RuleBroken
from runtime import replay_applications, replay_calls, replay_judging, replay_reading, replay_sums
from runtime.models import PolicySet, PolicySetVersion, Replay, ReplayRow
from runtime.replay_judging import Judge, Judged, WithoutGrant
from runtime.replay_reading import Asked, Times, TooMuch

Change, Status = Replay.Change, Replay.Status
LONGEST_DAYS = 90
BATCH = 2_000  # questions judged in one go
MOST_ROWS = 5_000  # rows kept of a result; its counts are of all
TOO_MUCH = f"There were more than {replay_reading.MOST_QUESTIONS:,} different questions. Choose fewer days."


def visible_to(user: User) -> QuerySet[Replay]:
    """Security and auditors see all; owners those about their identities."""
    if access.sees_all(user):
        return Replay.objects.all()
    mine = access.visible_to(user, Identity.objects.all()).order_by().values("pk")
    return Replay.objects.filter(identity__in=mine)


def of_version(version: PolicySetVersion, *, days: int, by: User, at: datetime) -> Replay:
    """Asks for the replay of a version's policies over the last days."""
    access.require_security(by)
    return _ask(days, by, at, change=Change.POLICY, version=version, text_digest=version.digest)


def of_grant(grant: Grant, *, days: int, by: User, at: datetime) -> Replay:
    """Asks what would have been stopped, had the grant not been there."""
    access.require(by, "revoke", grant)
    return _ask(days, by, at, change=Change.GRANT, grant=grant, identity_id=grant.identity_id)


def of_tier(identity: Identity, *, tier: int, days: int, by: User, at: datetime) -> Replay:
    """Asks what the live policies would have said, had the identity declared another tier."""
    access.require(by, "describe", identity)
    if tier not in Tier.values:
        raise RuleBroken(f"There is no tier {tier}. Choose one from 0 to 4.")
    return _ask(days, by, at, change=Change.TIER, identity=identity, tier=tier)


def run(replay_id: int, at: datetime) -> None:
    """Works the replay out and keeps its result. One that is over, or that another worker has, is left alone."""
    claimed = Replay.objects.filter(pk=replay_id, status=Status.QUEUED)
    if not claimed.update(status=Status.RUNNING):
        return
    row = Replay.objects.select_related("version__policy_set", "grant", "identity").get(
        pk=replay_id
    )
    try:
        _work_out(row, at)
    except TooMuch:
        give_up(row, why=TOO_MUCH, at=at)
    except RuleBroken as refused:
        give_up(row, why=str(refused), at=at)


def give_up(row: Replay, *, why: str, at: datetime) -> None:
    Replay.objects.filter(pk=row.pk).exclude(status__in=Replay.OVER).update(
        status=Status.FAILED, error=why, finished_at=at
    )


def abandoned(at: datetime) -> int:
    """Fails what a killed worker left behind: asked an hour ago and still not done."""
    left = Replay.objects.filter(status=Status.RUNNING, asked_at__lt=at - timedelta(hours=1))
    return left.update(
        status=Status.FAILED, error="The worker was stopped. Replay it again.", finished_at=at
    )


def _ask(days: int, by: User, at: datetime, **fields: Any) -> Replay:  # Any: of the model
    if not 1 <= days <= LONGEST_DAYS:
        raise RuleBroken(f"{days} days are too few or too many. Choose 1 to {LONGEST_DAYS}.")
    same = Replay.objects.filter(status__in=[Status.QUEUED, Status.RUNNING], **fields).first()
    return same or Replay.objects.create(
        since=at - timedelta(days=days), until=at, asked_by=by.get_username(), asked_at=at, **fields
    )


def _judge_of(row: Replay, at: datetime) -> Judge:
    """Raises RuleBroken when the change cannot be tried."""
    if row.grant is not None:
        return WithoutGrant(row.grant, at)
    if row.tier is not None and row.identity_id is not None:
        return replay_judging.with_tier(row.identity_id, row.tier, at)
    version = row.version
    if version is None or version.digest != row.text_digest:
        raise RuleBroken("The draft was changed after this was asked. Replay it again.")
    if version.policy_set.domain == PolicySet.Domain.APPLICATION:
        return replay_applications.judge_of(version, row.since)
    return replay_judging.with_text(version, at)


def _work_out(row: Replay, at: datetime) -> None:
    judge = _judge_of(row, at)
    found = sorted(_asked_of(row, judge).items(), key=lambda pair: pair[0].order)
    judged: list[Judged] = []
    for start in range(0, len(found), BATCH):
        piece = found[start : start + BATCH]
        verdicts = judge.judge([question for question, _ in piece])
        judged += [
            Judged(question, times, verdict)
            for (question, times), verdict in zip(piece, verdicts, strict=True)
        ]
    _keep(row, judge, judged, at)


def _asked_of(row: Replay, judge: Judge) -> dict[Asked, Times]:
    """Every different question of the interval, day by day, with its progress for who waits."""
    everything = replay_reading.total(judge.scope, row.since, row.until)
    everything += replay_calls.total(judge.call_scope, row.since, row.until)
    mine = Replay.objects.filter(pk=row.pk)
    mine.update(total=everything)
    found: dict[Asked, Times] = {}
    done = 0
    for start, end in replay_reading.days(row.since, row.until):
        done += replay_reading.merge(found, judge.decisions(start, end))
        done += replay_reading.merge(found, replay_calls.of_a_piece(judge.call_scope, start, end))
        mine.update(done=done)
    return found


@transaction.atomic
def _keep(row: Replay, judge: Judge, judged: list[Judged], at: datetime) -> None:
    """Result, rows and digests in one transaction."""
    inputs = digest(
        {
            "change": [row.change, row.grant_id, row.tier, row.text_digest],
            "since": row.since.isoformat(),
            "until": row.until.isoformat(),
            "ground": judge.ground(),
            "asked": [[*each.asked.order, each.times.number] for each in judged],
        }
    )
    names = replay_sums.names_of(judged)
    rows = replay_sums.rows_of(row, judged, names)[:MOST_ROWS]
    result = replay_sums.result_of(judged, names)
    ReplayRow.objects.bulk_create(rows, batch_size=1_000)
    Replay.objects.filter(pk=row.pk, status=Status.RUNNING).update(
        status=Status.DONE, finished_at=at, input_digest=inputs, result=result,
        result_digest=digest([result, [_plain(each) for each in rows]]),
    )  # fmt: skip


def digest(value: object) -> str:
    """SHA-256 of canonical JSON: the same value has the same digest on any day."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def verified(row: Replay) -> bool:
    """Whether the kept result still is what was worked out."""
    kept: Iterable[ReplayRow] = row.rows.order_by("pk")
    return digest([row.result, [_plain(each) for each in kept]]) == row.result_digest


def _plain(row: ReplayRow) -> list[object]:
    return [
        row.kind, row.identity_id, row.subject, row.action, row.resource_type, row.resource_id,
        row.task_key, row.before, row.after, row.reason, row.policies, row.times,
        row.first_at.isoformat(), row.last_at.isoformat(), str(row.example or ""),
    ]  # fmt: skip
