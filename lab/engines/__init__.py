"""Pinned Dockers: their archives, how they come about, and how they run and are proven on a box."""
