"""Models of what BuildKit hashes, keys and prints; this package uses no box, no registry and no run."""
