"""Searches for the producer's files: it tries small changes until the cache lists the resulting record."""
