"""libyaml and PyYAML give the same data of a text, and the words of an error are PyYAML's on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import yamltext
from lab.errors import ConfigError
from lab.yamlfile import read
from lab.yamltext import line_of, plain
from tests.conftest import ROOT

FILES = sorted(
    path
    for folder in ("boxes", "templates", "lab", "tests", ".github")
    for pattern in ("*.yaml", "*.yml")
    for path in (ROOT / folder).rglob(pattern)
)
WRONG = (
    "a: [1, 2",
    "a: b: c",
    "a: 'x",
    "{a: 1}}",
    "a: 1\na: 2",
    "- &a [*b]",
    "a: \x07",
    "a: " + "[" * 200,
    "--- 1\n--- 2",
)


@contextmanager
def only(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[None]:
    """One of the loaders alone."""
    with monkeypatch.context() as patched:
        patched.setattr(yamltext, "_LOADERS", [yamltext._LOADERS[number]])
        yield


def test_this_pyyaml_has_libyaml() -> None:
    assert len(yamltext._LOADERS) == 2, "the other tests of this file compare a loader with itself"


def lines(data: Any) -> list[int | None]:
    """The lines of all keys of a mapping and of the mappings in it."""
    if isinstance(data, list):
        return [line for item in data for line in lines(item)]
    if not isinstance(data, dict):
        return []
    return [line for key, value in data.items() for line in (line_of(data, key), *lines(value))]


def test_both_loaders_give_the_same_data_and_lines_of_every_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(FILES) > 150
    for path in FILES:
        seen = []
        for number in (0, 1):
            with only(monkeypatch, number):
                try:
                    data = plain(path.read_text())
                except yaml.YAMLError as error:  # a few files of the tests are wrong on purpose
                    data = type(error).__name__
            seen.append((repr(data), lines(data)))
        assert seen[0] == seen[1], path


@pytest.mark.parametrize("text", WRONG)
def test_the_words_of_an_error_do_not_depend_on_libyaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as both:
        read(path)
    with only(monkeypatch, 1), pytest.raises(ConfigError) as alone:
        read(path)
    assert both.value.message == alone.value.message


def test_a_tab_is_refused_on_every_machine(tmp_path: Path) -> None:
    path = tmp_path / "tab.yaml"
    path.write_text("a:\t1\nb:\n\t- 2\n")
    with pytest.raises(ConfigError, match=r"found character '\\t' that cannot start any token"):
        read(path)
