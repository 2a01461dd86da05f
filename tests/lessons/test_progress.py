from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.errors import ConfigError
from lab.lessons.progress import NAME, Progress, load, save

STARTED = Progress(lesson="01-layer-key", started=datetime(2026, 1, 2, tzinfo=UTC))


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    save(tmp_path, STARTED)
    assert load(tmp_path) == STARTED


@pytest.mark.parametrize(
    ("update", "stage"),
    [
        ({}, "started"),
        ({"prediction": "a"}, "predicted"),
        ({"prediction": "a", "run": "r"}, "run"),
        ({"passed": datetime(2026, 1, 2, tzinfo=UTC)}, "passed"),
    ],
)
def test_the_stage_in_one_word(update: dict[str, object], stage: str) -> None:
    assert STARTED.model_copy(update=update).stage == stage


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "cannot read"),
        (b"[]", "version is None"),
        (b"\xff", "cannot read"),
        (json.dumps({"version": 2}).encode(), "its version is 2, this version of lab reads 1"),
        (json.dumps({"version": 1, "lesson": "a"}).encode(), "started"),
        (b"[" * 100_000, "cannot read"),
    ],
)
def test_a_damaged_file_is_an_error_and_stays(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ConfigError, match=why):
        load(tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_both_ways_out_keep_the_file(tmp_path: Path) -> None:
    for content in (b"{", json.dumps({"version": 2}).encode()):
        (tmp_path / NAME).write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            load(tmp_path)
        assert caught.value.hint
        assert f"move {tmp_path / NAME} away" in caught.value.hint
        assert ("update lab" in caught.value.hint) is (content != b"{")
