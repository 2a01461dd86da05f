"""A run as text: one module a form, all of them pure; `formats` names them."""
