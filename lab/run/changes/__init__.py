"""What a variation changes on one side: one kind of change is one file, and one line in `table.py`."""
