"""Where images and caches are: the throw-away server, and readers for registries and files."""
