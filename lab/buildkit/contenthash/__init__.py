"""Computes the digests of BuildKit's contenthash package from records of files, under each rule set."""
