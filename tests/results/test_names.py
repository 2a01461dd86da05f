"""The names of a stored run that become names of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.errors import ConfigError
from lab.results.names import below, is_plain
from lab.results.run import parse
from tests.reporting import RUNS

RUN = json.loads((RUNS / "schema-4" / "run.json").read_bytes())
EVIL = (
    *("../../x", "..", ".", "", "/etc/x", "a/b", "a/", ".hidden", "a\nb", "a\0", "x" * 256, "é" * 128),
    *("\u202ea", "\ud800"),
)


@pytest.mark.parametrize("name", EVIL)
def test_a_name_that_leads_elsewhere_is_not_plain(name: str) -> None:
    assert not is_plain(name)


@pytest.mark.parametrize(
    "name",
    ["copy-bust", "buildkit-0.25.2+buildx-remote", "20261123T212733Z-copy-bust", "[user-1]", "projékt 1", "a..b", "-x"],
)
def test_names_of_lab_and_placeholders_are_plain(name: str) -> None:
    assert is_plain(name)


PLACES = (
    *("name", "scenario", "lineup", "again_of", "merged.0", "boxes.0.name", "boxes.0.engine"),
    *("productions.0.producer", "productions.0.engine", "trials.0.producer", "trials.0.consumer"),
    *("trials.0.engine", "trials.0.producer_engine"),
)


@pytest.mark.parametrize("place", PLACES)
def test_every_name_that_becomes_a_path_is_checked(place: str) -> None:
    data: Any = json.loads(json.dumps({**RUN, "merged": ["a"]}))
    parse(json.dumps(data).encode(), "there")
    *above, last = (int(part) if part.isdigit() else part for part in place.split("."))
    part = data
    for step in above:
        part = part[step]
    part[last] = "../x"
    with pytest.raises(ConfigError) as caught:
        parse(json.dumps(data).encode(), "there")
    assert caught.value.message == f"cannot read there: {place}: '../x' is not a plain name"


def test_names_in_the_lines_of_a_run_in_progress_are_checked() -> None:
    trial = {**RUN["trials"][0], "name": "other", "consumer": "../x"}
    line = json.dumps({"trial": trial, "contexts": {}, "contents": {}}).encode() + b"\n"
    with pytest.raises(ConfigError, match=r"consumer: '\.\./x' is not a plain name"):
        parse(json.dumps(RUN).encode(), "there", line)


def test_a_path_stays_below_its_folder_also_through_links(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    assert below(folder, "golden", "a.yaml") == folder / "golden" / "a.yaml"
    (folder / "golden").symlink_to(other)
    (folder / "loop").symlink_to("loop")
    (folder / "file").symlink_to(other / "file")
    for parts in (("golden", "a.yaml"), ("..", "x"), ("/etc/x",), ("file",), ("a\0",)):
        with pytest.raises(ConfigError, match="cannot use "):
            below(folder, *parts)


def test_a_run_without_a_lineup_is_that_of_a_reduction() -> None:
    assert parse(json.dumps(RUN | {"lineup": ""}).encode(), "run.json").lineup == ""
