"""The steps of a sequence: one kind of step is one file, and one line in `table.py`."""
