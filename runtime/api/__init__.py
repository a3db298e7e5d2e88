"""What agents and platforms call at run time."""
