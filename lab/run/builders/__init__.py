"""What runs a build: one kind of builder is one file, and one line in `table.py`."""
