"""Reports of a stored run: one module for each form, all of them pure; `formats` lists them."""
