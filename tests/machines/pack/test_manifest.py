from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab import __version__
from lab.errors import ConfigError
from lab.machines.pack import manifest
from lab.machines.pack.manifest import LARGEST_FILE, LARGEST_MANIFEST, NAME, UNFINISHED, parse, read_manifest

SUM = "0" * 64


def entry(path: str = "boxes/a.box", **more: Any) -> dict[str, Any]:
    return {"path": path, "size": 1, "sha256": SUM, "sort": "box", "about": "a", **more}


def text(*entries: dict[str, Any], **more: Any) -> bytes:
    data = {"schema": 1, "lab": "0.1.0", "machine": "x86_64", "files": [*entries], **more}
    return json.dumps(data).encode()


def test_a_manifest_is_read_as_it_was_written() -> None:
    found = parse(text(entry(), entry("wheels/b-1.0+c.whl", sort="wheel")), "it")
    assert parse(found.text().encode(), "it") == found
    assert (found.size, [item.path for item in found.of(manifest.Sort.WHEEL)]) == (2, ["wheels/b-1.0+c.whl"])


@pytest.mark.parametrize(
    "path",
    [
        "boxes/../../etc/passwd",
        "/etc/passwd",
        "boxes//a",
        "boxes/.hidden",
        "boxes/-rf",
        "boxes/a b",
        "boxes/$(id)",
        "boxes/a;id",
        "boxes/a\nb",
        "boxes/a\n",
        "boxes\\a",
        "boxes/%2e%2e",
        "boxes/" + "a" * 300,
        "boxes",
        "wheels/a.box",
        "",
    ],
)
def test_a_path_that_is_no_plain_name_below_its_folder_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot use it"):
        parse(text(entry(path)), "it")


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": -1},
        {"size": LARGEST_FILE + 1},
        {"size": "1"},
        {"sha256": "0" * 63},
        {"sort": "program"},
        {"about": "a\nb"},
        {"mode": 511},
    ],
)
def test_a_value_outside_its_limits_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        parse(text(entry(**wrong)), "it")


def test_the_files_together_have_limits() -> None:
    with pytest.raises(ConfigError, match="lists a file twice"):
        parse(text(entry(), entry()), "it")
    with pytest.raises(ConfigError, match="lies below another file"):
        parse(text(entry("boxes/a"), entry("boxes/a/b")), "it")
    many = [entry(f"boxes/{number}", size=LARGEST_FILE) for number in range(17)]
    with pytest.raises(ConfigError, match="more than the"):
        parse(text(*many), "it")
    with pytest.raises(ConfigError, match="more than 16 MB"):
        parse(b" " * (LARGEST_MANIFEST + 1), "it")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"schema": true}', b"[" * 100_000])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigError):
        parse(content, "it")


def test_a_pack_of_a_newer_lab_names_the_command_that_installs_that_lab(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(text(schema=2, files={"of": "another form"}))
    with pytest.raises(ConfigError) as caught:
        read_manifest(tmp_path)
    assert f"its schema is 2, and lab {__version__} reads schema 1" in caught.value.message
    assert f"--find-links {tmp_path}/wheels" in (caught.value.hint or "")


def test_a_folder_without_a_complete_pack_names_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"it has no manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / UNFINISHED).write_bytes(text())
    with pytest.raises(ConfigError, match="the pack is not complete") as caught:
        read_manifest(tmp_path)
    assert f"python -m lab pack {tmp_path}" in (caught.value.hint or "")
