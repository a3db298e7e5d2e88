"""The live tokens on the pages of identities and tasks."""

from inventory import panels
from inventory.models import Identity, Task

panels.add(Identity, "Live tokens", url_name="runtime:identity-tokens", order=35, icon="ticket")
panels.add(Task, "Live tokens", url_name="runtime:task-tokens", order=35, icon="ticket")
