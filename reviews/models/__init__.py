"""What was checked, what was found, and who decided what about it."""

from reviews.models.finding import Finding, Waiver
from reviews.models.setting import CheckSetting
from reviews.models.sweep_run import CheckRun, SweepRun

__all__ = ["CheckRun", "CheckSetting", "Finding", "SweepRun", "Waiver"]
