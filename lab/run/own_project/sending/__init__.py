"""The ways in which a context gets to a box: one way is one file, and one line in `table.py`."""
