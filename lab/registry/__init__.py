"""Access to images and their caches: the temporary registry server, and readers for registries and files."""
