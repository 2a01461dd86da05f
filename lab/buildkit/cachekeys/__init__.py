"""Computes the cache keys of a Dockerfile's steps, and predicts which of them BuildKit finds in an inline cache."""
