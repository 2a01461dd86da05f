"""Names of known frames, for the report alone: a frame is found whether it has a name or not."""

from __future__ import annotations

import re

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z"
NAMES = {
    "GitHub Actions (gh run view --log)": re.compile(rf"[^\t]+\t[^\t]+\t\ufeff?{STAMP} "),
    "GitHub Actions, with times copied from its web page": re.compile(
        r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT "
    ),
    "GitHub Actions or docker logs -t": re.compile(rf"\ufeff?{STAMP} $"),
    "Jenkins or the devcontainer CLI": re.compile(rf"[ \t]*\[{STAMP}\] $"),
    "Jenkins' timestamper": re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,6})? {1,2}$"),
    "Google Cloud Build": re.compile(r'Step #\d+(?: - "[^"]*")?: '),
    "Terraform": re.compile(r"\S+ \((?:local|remote)-exec\): "),
    "git push": re.compile(r"remote: "),
    "Bamboo": re.compile(r"\w+\t\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d\t"),
    "docker compose": re.compile(r"[\w.-]+ *\| $"),
    "Jenkins' parallel branches": re.compile(r"\[[^\]]+\] $"),
}


def name_of(prefix: str) -> str | None:
    """The name of the frame that a prefix belongs to, or None."""
    return next((name for name, pattern in NAMES.items() if pattern.match(prefix)), None)
