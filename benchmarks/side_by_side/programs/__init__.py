"""Programs that the benchmark starts as processes of their own; each reads a plan in JSON."""
