"""The steps of a sequence as lines of a script: one kind of step is one file, and one line in `table.py`."""
