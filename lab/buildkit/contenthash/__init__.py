"""Digests as BuildKit's contenthash package computes them, from records of files alone: pure, exact, per rule set."""
