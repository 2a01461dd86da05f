"""Measurements of this project, each a module that is started by itself; `make bench` starts most of them."""
