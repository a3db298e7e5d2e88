"""The stops and drills on the page of an identity."""

from inventory import panels
from inventory.models import Identity

panels.add(
    Identity,
    "Stops and drills",
    url_name="inventory:identity-stops",
    order=60,
    icon="octagon-x",
)
