"""What a Docker build printed, read back as builds and step outcomes; pure, `lab.progress.reader` is the way in."""
