"""What a user names or a folder holds in place of a plain file: nothing waits for a pipe, and none reads a device."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import files
from lab.buildkit.context import ignore_matcher
from lab.engines.archive import read_contents, sha256_of
from lab.errors import ConfigError, ContextError, HostError, LabError, ReadError
from lab.lessons.hand_in import read_archive
from lab.machines.pack.manifest import read_manifest
from lab.registry.archive import open_files
from lab.registry.sources.objects import copied
from lab.run.rendering import text_of
from lab.run.scenarios import check_names
from lab.yamlfile import read
from tests.conftest import ROOT

Plant = Callable[[Path], object]
pytestmark = pytest.mark.timeout(30)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's path may have 107 bytes
        bound.bind(path.name)
        os.chdir(before)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("plant", [os.mkfifo, _socket, _device])
@pytest.mark.parametrize(
    "look", [files.read_plain, lambda path: files.read_named(path, 10), sha256_of, read_contents, read_archive]
)
def test_only_plain_files_are_opened(tmp_path: Path, look: Callable[[Path], object], plant: Plant) -> None:
    plant(tmp_path / "file")
    with pytest.raises((OSError, LabError)) as caught:
        look(tmp_path / "file")
    assert isinstance(caught.value, ConfigError) or "it is not a plain file" in str(caught.value)


def _in_layout(path: Path) -> object:
    (path.parent / "layout").mkdir()
    path.rename(path.parent / "layout" / "index.json")
    with open_files(path.parent / "layout") as found:
        return found.read("index.json")


def _as_archive(path: Path) -> object:
    with open_files(path) as found:
        return found


def _as_ignore_file(path: Path) -> object:
    return ignore_matcher(path.rename(path.parent / ".dockerignore").parent)


def _as_pack(path: Path) -> object:
    return read_manifest(path.rename(path.parent / "manifest.json").parent)


def _as_scenario(path: Path) -> object:
    (path.parent / "one").mkdir()
    path.rename(path.parent / "one" / "scenario.yaml")
    check_names(path.parent)
    return text_of(path.parent / "one" / "scenario.yaml")


@pytest.mark.parametrize("plant", [os.mkfifo, _socket])
@pytest.mark.parametrize(
    ("look", "kind"),
    [
        (_in_layout, ReadError),
        (_as_archive, ReadError),
        (_as_ignore_file, ContextError),
        (_as_scenario, ConfigError),
        (_as_pack, HostError),
        (read, ConfigError),
        (lambda path: copied(str(path), ["buildkit"]), ReadError),
    ],
)
def test_readers_of_folders_and_named_files_say_so(
    tmp_path: Path, look: Callable[[Path], object], kind: type[LabError], plant: Plant
) -> None:
    plant(tmp_path / "file")
    with pytest.raises(kind, match=r"cannot read .*: it is not a plain file"):
        look(tmp_path / "file")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with process substitution")
@pytest.mark.parametrize("given", ["/dev/stdin", "<(printf abc)"])
def test_what_the_shell_has_opened_is_read(given: str) -> None:
    program = "import sys; from lab.files import Path, read_named; print(read_named(Path(sys.argv[1]), 9))"
    line = f'printf abc | "$1" -c "$2" {given}'
    words = ["bash", "-c", line, "bash", sys.executable, program]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "b'abc'\n"


def test_dev_null_is_an_empty_file() -> None:
    assert files.read_named(Path(os.devnull), 1) == b""


def test_a_folder_that_is_copied_to_a_full_disk_names_it_and_no_list(tmp_path: Path) -> None:
    listed = [("a", "b", "[Errno 28] No space left on device: 'a'"), ("c", "d", "[Errno 28] No space left on device")]
    error = files.disk_error(tmp_path, shutil.Error(listed))
    assert error.message == f"cannot write {tmp_path}: No space left on device"
    assert error.hint == "free some space there, then run the command again"
    assert files.disk_error("x", shutil.Error([])).message == "cannot write x: some files cannot be copied"
