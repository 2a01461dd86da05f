"""Cache keys of a Dockerfile's steps, and what BuildKit's solver finds by them in an inline cache: pure."""
