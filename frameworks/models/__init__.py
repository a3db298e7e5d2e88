"""Catalogues and crosswalk, assessments made with them, and what people add: attestations, requests, comments;
reports."""

from frameworks.models.assessment import (
    AssessedCheck,
    AssessedControl,
    AssessedFramework,
    AssessedSource,
    Assessment,
    AssessmentProgress,
)
from frameworks.models.attestation import Attestation
from frameworks.models.audit_work import Comment, EvidenceRequest
from frameworks.models.framework import Control, ControlQuerySet, Framework
from frameworks.models.mapping import Mapping
from frameworks.models.report import Report, ReportQuerySet

__all__ = [
    "AssessedCheck",
    "AssessedControl",
    "AssessedFramework",
    "AssessedSource",
    "Assessment",
    "AssessmentProgress",
    "Attestation",
    "Comment",
    "Control",
    "ControlQuerySet",
    "EvidenceRequest",
    "Framework",
    "Mapping",
    "Report",
    "ReportQuerySet",
]
