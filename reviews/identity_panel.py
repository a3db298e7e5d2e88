"""The findings on the page of an identity."""

from inventory import panels
from inventory.models import Identity

panels.add(
    Identity,
    "Findings",
    url_name="reviews:identity-findings",
    order=10,
    icon="siren",
    allows=lambda user, row: True,
)
