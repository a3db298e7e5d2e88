"""Pages about what happens."""
