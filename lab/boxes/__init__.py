"""Machines: one kind, one file; `kinds` holds the dict that names them."""
