"""Images in files: archives of `docker save` and OCI layouts."""
