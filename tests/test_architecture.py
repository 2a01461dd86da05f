"""docs/architecture.md tells of the house as it stands."""

from __future__ import annotations

import re

from tests.conftest import ROOT


def rooms() -> set[str]:
    """The modules and packages of lab, a package with a slash."""
    found = {path.stem for path in (ROOT / "lab").glob("*.py")} - {"__init__"}
    return found | {f"{path.parent.name}/" for path in (ROOT / "lab").glob("*/__init__.py")}


def told() -> list[str]:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    floors = re.search(r"^## The floors$(.+?)^Imports only go down", text, re.MULTILINE | re.DOTALL)
    assert floors
    return re.findall(r"`(\w+/?)`", floors[1])


def test_every_room_is_told_of_once_and_none_that_is_not_there() -> None:
    assert sorted(name for name in told() if name in rooms()) == sorted(rooms())
    assert [name for name in told() if name.endswith("/") and name not in rooms()] == []


def test_every_path_that_is_named_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:lab|boxes|templates|tests|docs)/[\w./-]+)`", text)
    assert named
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []
