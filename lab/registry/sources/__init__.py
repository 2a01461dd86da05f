"""The kinds of cache source that `--cache-from` names: one module for each kind, one line for each in the table."""
