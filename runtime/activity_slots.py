"""What this floor shows on the pages of an identity and of a task about activity."""

from inventory import panels
from inventory.models import Identity, Task

panels.add(
    Identity, "Tier and controls", url_name="runtime:identity-tier", order=5, icon="trending-up"
)
panels.add(Identity, "Activity", url_name="runtime:identity-activity", order=20, icon="activity")
panels.add(Task, "Activity and intent", url_name="runtime:task-activity", order=20, icon="activity")
