"""What it costs, measured: a large data set in a database of its own, and ratios side by side in one run."""
