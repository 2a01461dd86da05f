"""Stored runs: their schema, the contexts stored in them, the list of all runs, and golden tables."""
