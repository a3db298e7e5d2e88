"""A kept report as an answer: the file with its name, its type, and its hash in a header (RFC 9530)."""

import base64
from datetime import datetime

from django.http import FileResponse

from frameworks import report_life
from frameworks.models import Report
from frameworks.reports.formats import FORMATS
from inventory.models import User


def answer_with(report: Report, *, by: User, at: datetime) -> FileResponse:
    """Raises RuleBroken when there is no file, or another one than was made."""
    kind = FORMATS[report.format]
    path = report_life.download(report, by=by, at=at)
    answer = FileResponse(
        path.open("rb"), as_attachment=True, filename=name_of(report), content_type=kind.media_type
    )
    digest = base64.b64encode(bytes.fromhex(report.sha256)).decode()
    answer.headers["Repr-Digest"] = f"sha-256=:{digest}:"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def name_of(report: Report) -> str:
    assessment = report.assessment
    day = f"{assessment.facts_at:%Y-%m-%d}" if assessment.facts_at else "undated"
    return FORMATS[report.format].file_name(assessment.number, day)
