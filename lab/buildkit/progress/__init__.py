"""What a Docker build printed, read back as builds and step outcomes; pure, and `reader` is the way in."""
