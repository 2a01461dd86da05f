from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab import __version__
from lab.boxes.base import Command
from lab.errors import CommandError, HostError
from lab.machines.pack.parts import wheels
from tests.conftest import ROOT
from tests.machines.pack.requests import Shell, request

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def pip(command: Command) -> tuple[int, str, str]:
    """Leave the wheels that pip would."""
    words = list(command.argv)
    folder = Path(words[words.index("--wheel-dir" if "wheel" in words else "--dest") + 1])
    (folder / f"{'own' if 'wheel' in words else 'other'}-1.0-py3-none-any.whl").touch()
    return 0, "", ""


def test_pip_makes_labs_wheel_and_downloads_for_other_pythons(tmp_path: Path) -> None:
    shell = Shell(pip)
    found = wheels.gather(request(tmp_path, shell=shell, pythons=[HERE, "3.99"]))
    assert [(item.path, item.about) for item in found] == [
        ("wheels/other-1.0-py3-none-any.whl", "other"),
        ("wheels/own-1.0-py3-none-any.whl", "own"),
    ]
    made, downloaded = shell.asked
    assert made.argv[:4] == (sys.executable, "-m", "pip", "wheel") and made.argv[-1] == str(ROOT)
    assert made.env["SOURCE_DATE_EPOCH"]  # the same sources give the same bytes
    words = " ".join(downloaded.argv)
    assert "--only-binary :all: --python-version 3.99" in words
    assert words.endswith(f"docker-cache-lab=={__version__}")


def test_wheels_of_an_earlier_pack_do_not_stay(tmp_path: Path) -> None:
    old = tmp_path / "cache" / "pack" / "wheels" / "old-1.0-py3-none-any.whl"
    old.parent.mkdir(parents=True)
    old.touch()
    assert [item.about for item in wheels.gather(request(tmp_path, shell=Shell(pip)))] == ["own"]


def test_a_python_without_pip_is_an_error_of_this_machine(tmp_path: Path) -> None:
    shell = Shell(lambda command: (1, "", "/usr/bin/python3: No module named pip\n"))
    with pytest.raises(HostError, match="has no pip"):
        wheels.gather(request(tmp_path, shell=shell))


def test_pips_last_lines_are_shown(tmp_path: Path) -> None:
    shell = Shell(lambda command: (1, "", "ERROR: No matching distribution found for example\n"))
    with pytest.raises(CommandError, match="pip's exit status 1") as caught:
        wheels.gather(request(tmp_path, shell=shell))
    assert "No matching distribution" in caught.value.output
    assert "--without wheels" in (caught.value.hint or "")


def test_an_installed_lab_is_packed_from_the_wheel_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def read_text(self, name: str) -> str:
            return f'{{"url": "{(tmp_path / "a lab.whl").as_uri()}"}}' if name == "direct_url.json" else ""

    monkeypatch.setattr(wheels, "own_data", lambda: tmp_path)
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Installed())
    with pytest.raises(HostError, match="no longer on this machine"):
        wheels.own_source()
    (tmp_path / "a lab.whl").touch()
    assert wheels.own_source() == tmp_path / "a lab.whl"
