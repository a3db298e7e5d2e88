"""How this floor judges the controls of the tiers that calls prove: logged, and decided at request time."""

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from inventory.tiers import Answer, Step, provide
from runtime.models import CallTally

WINDOW = timedelta(days=30)
_NEVER = Q(pk__in=[])


def calls_logged(at: datetime) -> Answer:
    """Calls arrive. One that was active and of which none arrived is not logged; of a quiet one nobody knows."""
    told = Exists(_recent(at))
    return Answer(Q(told), ~told & (Q(last_active_at=None) | Q(last_active_at__lt=at - WINDOW)))


def request_time_policy(at: datetime) -> Answer:
    """Each of its calls has a decision made when it was called; without calls nobody knows."""
    bare = Exists(_recent(at).filter(decided__lt=F("calls")))
    return Answer(~bare, ~Exists(_recent(at)))


def _recent(at: datetime) -> QuerySet[CallTally]:
    return CallTally.objects.filter(identity=OuterRef("pk"), day__gt=(at - WINDOW).date())


def register() -> None:
    """Called once, when the app is ready."""
    calls = Step("Its calls", "runtime:call-list", "activity", "identity={}")
    cover = Step("Its coverage", "runtime:cover", "umbrella", "identity={}")
    provide("calls-logged", calls_logged, [calls])
    provide("request-time-policy", request_time_policy, [cover])
