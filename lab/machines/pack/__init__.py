"""Packs: a folder with everything that a lineup needs without a network, how it is made, and how it is used."""
