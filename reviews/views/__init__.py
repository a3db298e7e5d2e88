"""Pages about findings and checks."""
