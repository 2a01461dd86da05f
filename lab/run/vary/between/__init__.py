"""`lab vary --between`: which of the differences between two machines misses a Dockerfile."""
