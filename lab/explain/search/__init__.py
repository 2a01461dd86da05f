"""The search for the producer's files: tries small changes until a listed record appears. Pure."""
