"""The script that does a run again with Docker alone."""
