"""Is all well, and are we on air."""
