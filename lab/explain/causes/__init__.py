"""The kinds of cause, one file each; `lab/explain/kinds.py` lists them."""
