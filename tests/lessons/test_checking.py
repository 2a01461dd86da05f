from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons.checking import Checked, Verdict, check
from lab.lessons.lesson_file import Exercise
from lab.yamlfile import check as read
from tests.lessons.stand_in import evidence

EXERCISE = read(
    {
        "check": [
            {"name": "mode", "look": {"file": {"path": "a", "mode": "0755"}}, "hints": {"mode": "It is {detail}."}},
            {"name": "log", "look": {"log": {"file": "l.log", "step": "RUN *", "outcome": "hit"}},
             "hints": {"no-log": "no log", "otherwise": "{found}"}},
        ],
        "warnings": [
            {"name": "newer", "look": {"file": {"path": "a", "newer": True}}, "hints": {"otherwise": "old"}},
        ],
        "hints": ["one"],
        "solution": {"changes": [{"mode": {"a": "0755"}}]},
        "wrong": [{"name": "w", "changes": [{"mode": {"a": "0700"}}], "fails": "mode", "found": "mode"}],
    },
    Exercise,
    "test",
)  # fmt: skip
LOG = "#4 [1/2] FROM base\n#4 DONE 0.0s\n#5 [2/2] RUN install\n#5 CACHED\n#7 exporting to image\n#7 DONE 0.1s\n"


def test_the_first_condition_that_is_not_met_gives_its_hint(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"a": "a"})
    assert check(EXERCISE, seen) == Checked(Verdict.NOTHING, "mode", "mode", "It is 0644.")
    (seen.folder / "a").chmod(0o700)
    assert check(EXERCISE, seen) == Checked(Verdict.NOT_YET, "mode", "mode", "It is 0700.")
    (seen.folder / "a").chmod(0o755)
    assert check(EXERCISE, seen) == Checked(Verdict.NOTHING, "log", "no-log", "no log")
    (tmp_path / "l.log").write_text(LOG.replace("CACHED", "DONE 0.2s"), encoding="utf-8")
    assert check(EXERCISE, seen) == Checked(Verdict.NOT_YET, "log", "ran", "ran")
    (tmp_path / "l.log").write_text(LOG, encoding="utf-8")
    assert check(EXERCISE, seen) == Checked(Verdict.WARNED, "newer", "old", "old")
    (seen.folder / "a").write_text("a", encoding="utf-8")
    assert check(EXERCISE, seen) == Checked(Verdict.PASSED)


@pytest.mark.parametrize(
    ("verdict", "code", "passed"),
    [
        (Verdict.PASSED, 0, True),
        (Verdict.NOT_YET, 1, False),
        (Verdict.NOTHING, 2, False),
        (Verdict.WARNED, 3, True),
    ],
)
def test_the_verdicts_are_the_exit_codes(verdict: Verdict, code: int, passed: bool) -> None:
    assert (int(verdict), Checked(verdict).passed) == (code, passed)
