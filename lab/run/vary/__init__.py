"""`lab vary`: one box, one engine, one difference at a time, and which of them misses a Dockerfile."""
