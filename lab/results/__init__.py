"""A stored run: its schema, the contexts it keeps, the shelf of all runs, golden tables."""
