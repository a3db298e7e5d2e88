"""The catalogues and the crosswalk, as loaded from the files of this app."""

from frameworks.models.framework import Control, ControlQuerySet, Framework
from frameworks.models.mapping import Mapping

__all__ = ["Control", "ControlQuerySet", "Framework", "Mapping"]
