from __future__ import annotations

from lab.lessons.conditions.kind import failure, matching
from tests.lessons.stand_in import made


def test_a_pattern_of_an_instruction_ignores_blanks_and_the_case_of_its_word() -> None:
    assert matching([("run  a   b", 1), ("RUN a c", 2)], "RUN a *") == 1
    assert matching([("COPY [x] /", 1)], "COPY [x] /") == 1


def test_a_build_that_failed_is_a_finding_of_its_own() -> None:
    assert failure(made()) is None
    found = failure(made(problem="no such file"))
    assert found and (found.met, found.found, found.detail) == (False, "failed", "no such file")
