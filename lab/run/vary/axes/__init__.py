"""The axes of `lab vary`, by what they change; `lab/run/vary/table.py` lists them."""
