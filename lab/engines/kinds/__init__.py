"""The kinds of engine: one module per kind, with the keys of its pin and all that depends on the kind."""
