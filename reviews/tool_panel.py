"""The findings on the page of a tool."""

from inventory import panels
from inventory.models import Tool

panels.add(
    Tool,
    "Findings",
    url_name="reviews:tool-findings",
    order=10,
    icon="siren",
    allows=lambda user, row: True,
)
