"""Rules that change all objects of a context at once; rules of different kinds can be combined."""
