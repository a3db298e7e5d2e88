"""Reports of the newest assessment, as the auditor asked for them: those that are made within a second."""

from frameworks import report_life
from frameworks.models import Assessment, Report
from mandate.demo.events import Scene

FORMATS = (Report.Format.JSON,)  # the others would make the first start a minute longer


def make_some(scene: Scene) -> None:
    """Of the newest one, made at once: the demo has no worker yet."""
    whole = Assessment.objects.done().filter(team=None, environment="", tier=None)
    newest = whole.order_by("-number").first()
    if newest is None:
        return
    for report in report_life.ask(newest, FORMATS, by=scene.users["auditor"], at=scene.at):
        report_life.make(report, at=scene.at)
