"""What happens: decisions, tokens, tool calls."""

from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    name = "runtime"
