"""One side of a comparison: a folder, a file of records, a context of a stored run, or a folder on another host."""
