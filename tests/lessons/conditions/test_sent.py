from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons.conditions.sent import Sent
from tests.lessons.stand_in import evidence


@pytest.mark.parametrize(
    ("ignore", "sent", "path", "found", "met"),
    [
        ("", True, "logs/*", "sent", True),
        ("", False, "logs/*", "sent", False),
        ("logs\n", False, "logs/*", "left-out", True),
        ("logs\n", True, "logs/*", "left-out", False),
        ("[\n", True, "logs/*", "unreadable", False),
        ("", True, "none", "missing", False),
    ],
)
def test_what_the_ignore_file_lets_through(
    ignore: str, sent: bool, path: str, found: str, met: bool, tmp_path: Path
) -> None:
    seen = evidence(tmp_path, {".dockerignore": ignore, "logs/a.log": "a"})
    finding = Sent(path=path, sent=sent).look(seen)
    assert (finding.found, finding.met) == (found, met)
