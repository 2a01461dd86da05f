"""Lessons: data with a prediction, a real run, an exercise, and a check of the real state."""
