"""On a finding's page: which controls it touches."""

from inventory import panels
from reviews.models import Finding

panels.add(
    Finding, "Controls it touches", url_name="frameworks:finding-controls", order=40, icon="library"
)
