"""A lesson is found by its number, its name or its path."""

from __future__ import annotations

from tests.cli.conftest import FIRST_LESSON as FIRST
from tests.cli.program import Place


def test_an_unknown_lesson_is_refused_with_the_nearest(here: Place) -> None:
    found = here.lab("lesson", "start", "01-layer-kex")
    assert found.returncode == 2 and f'did you mean "{FIRST}"' in found.stderr
