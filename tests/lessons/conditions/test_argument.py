from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons.conditions.argument import Argument
from tests.lessons.stand_in import evidence


@pytest.mark.parametrize(
    ("text", "used", "found", "met"),
    [
        ("FROM base\nARG VERSION\nRUN echo $VERSION\n", True, "used", True),
        ("FROM base\nARG VERSION=1\nRUN echo ${VERSION:-2}\n", True, "used", True),
        ("FROM base\nRUN echo $VERSION\nARG VERSION\n", True, "not-used", False),
        ("FROM base\nARG VERSION\nRUN echo $VERSIONS\n", True, "not-used", False),
        ("FROM base\nRUN echo 1\n", True, "not-declared", False),
        ("FROM base AS a\nARG VERSION\nFROM base\nRUN echo $VERSION\n", True, "not-used", False),
        ("FROM base\nARG VERSION\n", False, "declared", False),
        ("FROM base\nRUN echo 1\n", False, "not-declared", True),
        ("FORM base\n", True, "unreadable", False),
    ],
)
def test_an_argument_of_a_dockerfile(text: str, used: bool, found: str, met: bool, tmp_path: Path) -> None:
    finding = Argument(name="VERSION", used=used).look(evidence(tmp_path, {"Dockerfile": text}))
    assert (finding.found, finding.met) == (found, met)
