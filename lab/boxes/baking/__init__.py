"""Vagrant boxes made from Debian's archive: recipe, root tree, disk image, box file."""
