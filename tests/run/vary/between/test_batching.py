"""Many changes in few commands."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.run.vary.axis import changes
from lab.run.vary.between.batching import Batch

pytestmark = pytest.mark.slow


def test_thousands_of_changes_are_few_commands_and_all_are_made(tmp_path: Path) -> None:
    names = [f"it's {number:04}" for number in range(4000)]
    for name in names:
        (tmp_path / name).touch(0o644)
    commands = Batch(tuple(change for name in names for change in changes({"mode": {name: "0600"}}))).commands()
    assert 1 < len(commands) < 10 and all(len(command.argv[2]) < 1 << 17 for command in commands)
    for command in commands:
        subprocess.run(command.argv, cwd=tmp_path, check=True)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_what_needs_root_is_a_command_of_its_own() -> None:
    made = changes({"mode": {"a": "0600"}}, {"owner": {"a": "5:5"}}, {"mode": {"b": "0600"}})
    assert [command.root for command in Batch(made).commands()] == [False, True, False]


def test_a_command_that_fails_ends_the_script(tmp_path: Path) -> None:
    [command] = Batch(changes({"mode": {"absent": "0600"}}, {"text": {"after": "x"}})).commands()
    assert subprocess.run(command.argv, cwd=tmp_path, check=False, capture_output=True).returncode != 0
    assert not (tmp_path / "after").exists()
