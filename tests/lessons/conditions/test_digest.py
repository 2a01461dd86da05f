from __future__ import annotations

import os
from pathlib import Path

from lab.lessons.conditions.digest import Digest
from tests.lessons.stand_in import evidence


def test_a_digest_does_not_hold_the_time_and_does_hold_the_mode(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"a.txt": "a"})
    condition = Digest(between=("start", "folder"), sources=("a.txt",))
    os.utime(seen.folder / "a.txt", (1, 1))
    assert condition.look(seen).met
    (seen.folder / "a.txt").chmod(0o600)
    assert (condition.look(seen).met, condition.look(seen).found) == (False, "differs")
    assert condition.model_copy(update={"same": False}).look(seen).met


def test_a_source_that_is_missing_has_no_digest(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"a.txt": "a"})
    assert Digest(between=("start", "folder"), sources=("b.txt",)).look(seen).found == "none"
