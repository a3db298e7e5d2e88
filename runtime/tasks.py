"""Jobs of this floor, and how often each runs."""

from celery import shared_task
from django.utils import timezone

from runtime import (
    after_calls,
    attribution,
    decision_days,
    event_delivery,
    issuer_keys,
    naming,
    observed_tiers,
    replays,
    retention,
    seals,
    signing_keys,
    token_endings,
    used_proofs,
    verifying,
)
from runtime.models import AgentName, Verification

# Name, task and seconds between two runs; written to the scheduler when the product is prepared.
SCHEDULE: dict[str, tuple[str, int]] = {
    "calls that arrived": ("runtime.tasks.look_at_calls", 30),
    "observed tiers": ("runtime.tasks.refresh_tiers", 3_600),
    "calls counted anew": ("runtime.tasks.look_again", 86_400),
    "replays left behind": ("runtime.tasks.tidy_replays", 600),
    "settle traces": ("runtime.tasks.settle_traces", 10),
    "name agents": ("runtime.tasks.name_agents", 300),
    "seal the record": ("runtime.tasks.seal_record", 300),
    "verify the record": ("runtime.tasks.verify_daily", 86_400),
    "keep tool calls in shape": ("runtime.tasks.keep_calls_in_shape", 3_600),
    "keep decisions in shape": ("runtime.tasks.keep_decisions_in_shape", 3_600),
    "rotate signing keys": ("runtime.tasks.rotate_keys", 3_600),
    "end tokens": ("runtime.tasks.end_tokens", 30),
    "security events": ("runtime.tasks.deliver_events", 15),
    "keys of issuers": ("runtime.tasks.fetch_issuer_keys", 900),
    "tidy tokens": ("runtime.tasks.tidy_tokens", 3_600),
}


@shared_task
def look_at_calls() -> None:
    """Counts the calls that arrived, and judges whose they were."""
    after_calls.look(timezone.now())


@shared_task
def refresh_tiers() -> None:
    """Judges everybody: what was imported or ended counts as well, and what is long ago no more."""
    observed_tiers.refresh(timezone.now())


@shared_task
def look_again() -> None:
    """Counts the last days anew."""
    after_calls.look_again(timezone.now())


@shared_task
def work_out_replay(replay_id: int) -> None:
    """Works out a replay that somebody asked for."""
    replays.run(replay_id, timezone.now())


@shared_task
def tidy_replays() -> None:
    """Fails replays whose worker was killed."""
    replays.abandoned(timezone.now())


@shared_task
def keep_decisions_in_shape() -> None:
    """Makes days ahead and drops what is no longer kept."""
    decision_days.keep_in_shape(timezone.now())


@shared_task
def settle_traces() -> None:
    """Finds out whose calls are whose in traces that have gone quiet."""
    attribution.settle(timezone.now())


@shared_task
def name_agents() -> None:
    """Looks for unknown agents in an inventory that may know them by now, and gives them their calls."""
    for pk in naming.try_again(timezone.now()):
        assign_past_calls.delay(pk)


@shared_task
def assign_past_calls(name_id: int) -> None:
    """Gives the calls on record that carry a name to whom it belongs."""
    name = AgentName.objects.filter(pk=name_id).first()
    if name is not None:
        attribution.assign_past(name)
        after_calls.look_at(name.identity_id, timezone.now())


@shared_task
def seal_record() -> None:
    """Seals what was recorded since the last time."""
    seals.seal(timezone.now())


@shared_task
def keep_calls_in_shape() -> None:
    """Makes partitions ahead and drops what is no longer kept."""
    retention.keep_in_shape(timezone.now())


@shared_task
def verify_daily() -> None:
    """Compares the record with its seals."""
    verifying.perform_daily(timezone.now())


@shared_task
def verify_record(verification_id: int) -> None:
    """Compares the record with its seals for somebody who asked."""
    run = Verification.objects.filter(pk=verification_id).first()
    if run is not None:
        verifying.perform(run, at=timezone.now())


@shared_task
def rotate_keys() -> None:
    """Announces, activates and retires signing keys as their time comes."""
    signing_keys.rotate(timezone.now())


@shared_task
def end_tokens() -> None:
    """Writes down which tokens do not hold any more."""
    token_endings.settle(timezone.now())


@shared_task
def end_tokens_of_identities(ids: list[int]) -> None:
    """The same for those in whose chain an identity has just changed; and tells of it at once."""
    token_endings.settle(timezone.now(), identities=ids)
    event_delivery.deliver(timezone.now())


@shared_task
def end_tokens_of_tasks(ids: list[int]) -> None:
    """The same for tasks that have just ended."""
    token_endings.settle(timezone.now(), tasks=ids)
    event_delivery.deliver(timezone.now())


@shared_task
def deliver_events() -> None:
    """Pushes the security events that are due."""
    event_delivery.deliver(timezone.now())


@shared_task
def fetch_issuer_keys() -> None:
    """Reads the keys of OIDC issuers anew where they are older than an hour."""
    issuer_keys.fetch_due(timezone.now())


@shared_task
def tidy_tokens() -> None:
    """Forgets used proofs that have expired, and tokens and events of more than a year ago."""
    at = timezone.now()
    used_proofs.forget(at)
    token_endings.tidy(at)
    event_delivery.tidy(at)
