"""The conditions of a check: one file for each kind, and the table of their names."""
