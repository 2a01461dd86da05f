"""The kinds of box: one module per kind, with the keys of its file and what depends on the kind."""
