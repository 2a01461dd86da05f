"""The search for what a producer's files must have been: small changes until a listed record appears. Pure."""
