"""Builders whose logs lab knows by name and does not read: their lines do not say what a cache did, or not as Docker's.

One builder is one line: what it is called, and what no other log holds.
"""

from __future__ import annotations

import re

USE_DOCKER = "build with `docker build --progress=plain` and give that output"
TRACE_HINT = (
    "this is the API's BuildKit trace, a stream of encoded messages; build with the docker client and "
    "`--progress=plain` or `rawjson`, and give that output"
)
NAMES = {
    "Earthly": re.compile(
        r"\+[\w-]+ \| (?:\*cached\* )?--> |buildkitd \| (?:Found|Starting) buildkit|\bEarthly version "
    ),
    "Cloud Native Buildpacks": re.compile(r"^(?:\[\w+\] )?===> (?:ANALYZING|DETECTING|RESTORING|BUILDING|EXPORTING)"),
    "Jib": re.compile(r"Containerizing application (?:to|with) "),
    "Bazel": re.compile(r"INFO: Analyzed \d+ targets? |INFO: Analyzed target //"),
    "ko": re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:Building \S+ for \w+/\w+|Publishing \S+)"),
    "Dagger": re.compile(r"^[✔✘▼●] (?:connect|exec|container|directory|host)\b|dagger\.io/"),
    "source-to-image": re.compile(r"---> Installing application source"),
}
HINTS = ("--> ", "===> ", "buildkitd | ", "Earthly", "Containerizing", "INFO: Ana", "Building ", "agger", "✔")


def name_of(line: str) -> str | None:
    """The builder that prints such a line, or None."""
    for hint in HINTS:
        if hint in line:
            return next((name for name, pattern in NAMES.items() if pattern.search(line[:400])), None)
    return None
