from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons.conditions.order import Order
from tests.lessons.stand_in import evidence

GOOD = "FROM base\nCOPY deps.txt /\nRUN install\nCOPY . /app\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GOOD, "in order"),
        ("FROM base\nCOPY . /app\nRUN install\n", "reversed"),
        ("FROM base\nRUN install\n", "missing"),
        ("FORM base\n", "unreadable"),
    ],
)
def test_the_order_of_two_instructions(text: str, found: str, tmp_path: Path) -> None:
    finding = Order(first="RUN install*", then="COPY . *").look(evidence(tmp_path, {"Dockerfile": text}))
    assert (finding.found, finding.met) == (found, found == "in order")


def test_a_dockerfile_that_is_no_text_is_unreadable(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {})
    (seen.folder / "Dockerfile").write_bytes(b"FROM \xff\n")
    assert Order(first="RUN *", then="COPY *").look(seen).found == "unreadable"
