from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons.conditions.log import Log
from lab.model import Outcome
from tests.lessons.stand_in import evidence

LOG = """\
#4 [1/3] FROM base
#4 DONE 0.0s
#5 [2/3] RUN install
#5 CACHED
#6 [3/3] COPY app.py /
#6 DONE 0.1s
#7 exporting to image
#7 DONE 0.1s
"""


@pytest.mark.parametrize(
    ("text", "step", "build", "found", "met"),
    [
        (LOG, "RUN install", -1, "hit", True),
        (LOG, "COPY *", -1, "ran", False),
        (LOG, "COPY other", 1, "missing", False),
        (LOG, "RUN install", 2, "no-build", False),
        ("hello\n", "RUN install", -1, "no-build", False),
        (None, "RUN install", -1, "no-log", False),
    ],
)
def test_a_step_of_a_log(text: str | None, step: str, build: int, found: str, met: bool, tmp_path: Path) -> None:
    seen = evidence(tmp_path, {})
    if text is not None:
        (seen.home / "build.log").write_text(text, encoding="utf-8")
    finding = Log(file="build.log", step=step, outcome=Outcome.HIT, build=build).look(seen)
    assert (finding.found, finding.met, finding.nothing) == (found, met, text is None)
