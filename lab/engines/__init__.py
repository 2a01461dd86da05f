"""Pinned engines: their pins, their archives, how they start on a box, and how lab proves which engine it is."""
