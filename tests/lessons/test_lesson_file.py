from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lab.errors import ConfigError
from lab.lessons.lesson_file import LessonFile
from lab.yamlfile import check, read
from tests.lessons.stand_in import LIBRARY

GOOD = read(LIBRARY / "01-layer-key" / "lesson.yaml")


def test_a_lesson_of_the_library_is_good() -> None:
    assert check(GOOD, LessonFile, "test").engine == "26.1.5"


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data = copy.deepcopy(dict(GOOD))
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data.update(trak="x"), 'did you mean "track"'),
        (lambda data: data["exercise"]["check"][0]["hints"].update(hitt="x"), "step finds no hitt"),
        (lambda data: data["exercise"]["check"][0]["look"]["step"].update(build="no"), "reads the build no"),
        (lambda data: data["exercise"]["check"][1].update(name="first-run-hits"), "two conditions have the name"),
        (lambda data: data["exercise"]["builds"][1].update(name="before"), "two builds have the name"),
        (lambda data: data["exercise"]["builds"][0].update(cache_from=["after"]), "no build before it makes"),
        (lambda data: data["exercise"]["wrong"][0].update(fails="no"), "names the condition no"),
        (lambda data: data["exercise"]["wrong"][0].update(found="no"), "which first-run-hits does not find"),
        (lambda data: data["exercise"]["builds"][0].update(where="second"), "`second` names none"),
        (lambda data: data["exercise"]["wrong"][0].update(files="../x"), "a path must lie in the context"),
        (lambda data: data["exercise"].update(solution={}), "it changes nothing"),
        (lambda data: data["prediction"]["choices"][0].update(when=[]), "at least 1"),
    ],
)
def test_a_mistake_is_named(change: Callable[[dict[str, Any]], object], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        check(changed(change), LessonFile, "test")
