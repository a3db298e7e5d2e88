"""What exists: people, identities, credentials, systems, grants, delegations, tools, tasks."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"
