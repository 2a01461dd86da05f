"""The remedies that `lab vary` tries on an engine; `lab/run/vary/remedies/table.py` lists them."""
