"""An assessment on request or on schedule: the record first, then a worker makes it."""

from datetime import datetime

import structlog
from django.conf import settings
from kombu.exceptions import OperationalError

from frameworks import assessments, tasks
from frameworks.models import Assessment
from inventory.models import Team, User

log = structlog.get_logger(__name__)


def start(
    *, title: str, team: Team | None, environment: str, tier: int | None, by: User, at: datetime
) -> Assessment:
    """The assessment, waiting for a worker; failed, with a sentence, when the broker cannot be reached."""
    asked = assessments.ask(
        title=title, team=team, environment=environment, tier=tier, by=by, at=at
    )
    if settings.SEND_TASKS:
        try:
            tasks.assess_asked.delay(asked.pk)
        except OperationalError:
            log.warning("assessment.not_sent", assessment=asked.pk)
            assessments.give_up(
                asked, why="The job queue does not answer. Start it, then ask again."
            )
            asked.refresh_from_db()
    return asked
