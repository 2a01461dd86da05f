"""Names of images."""

from __future__ import annotations

import re


def full_name(name: str) -> str:
    """Return a short form of an image's name that is the same for all ways to write it."""
    name = re.sub(r"^(docker\.io/|index\.docker\.io/)", "", name).removeprefix("library/")
    if "@" not in name and not re.search(r":[^/]*$", name):
        name += ":latest"
    return name
