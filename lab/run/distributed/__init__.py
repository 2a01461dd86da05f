"""Runs whose cells are made by Dask workers, each on the boxes that it owns; see docs/distributed.md."""
