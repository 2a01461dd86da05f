"""The root tree of a build: what the script unpacks, and what it says of a package that is broken."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lab.engines import build_root
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb on this machine")


def package(folder: Path, name: str, files: dict[str, str]) -> None:
    tree = folder.with_name(f"tree-{name}")
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n"
    )
    script = tree / "DEBIAN" / "postinst"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    built: list[str | Path] = ["dpkg-deb", "--root-owner-group", "--build", tree, folder / f"{name}_1.0_all.deb"]
    subprocess.run(built, check=True, capture_output=True)


def unpack(root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    words: list[str | Path] = ["sh", ROOT / "boxes" / "engines" / build_root.SCRIPT, root, folder]
    return subprocess.run(words, check=False, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archives"
    made.mkdir()
    return made


def test_packages_are_unpacked_into_one_tree_and_not_installed(tmp_path: Path, folder: Path) -> None:
    package(folder, "one", {"bin/one": "1", "usr/share/gocode/src/a/a.go": "package a\n"})
    package(folder, "other", {"usr/bin/other": "2", "lib/other.so": "3"})
    done = unpack(tmp_path / "root", folder)
    assert done.returncode == 0, done.stderr
    root = tmp_path / "root"
    assert {path.name: str(path.readlink()) for path in root.iterdir() if path.is_symlink()} == {
        name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")
    }
    assert sorted(path.name for path in (root / "usr" / "bin").iterdir()) == ["awk", "one", "other"]
    assert (root / "usr" / "lib" / "other.so").read_text() == "3"
    assert (root / "usr/share/gocode/src/a/a.go").is_file()
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert not (root / "var").exists()  # where dpkg would note what is installed
    assert sorted(done.stderr.split()) == ["Unpacking", "Unpacking", "one", "other"]
    assert list(folder.iterdir()) == []


def test_what_no_build_reads_is_left_out(tmp_path: Path, folder: Path) -> None:
    source = "usr/share/gocode/src/a"
    left_out = [
        f"{source}/a_test.go",
        f"{source}/testdata/in.txt",
        "usr/share/doc/one/copyright",
        "usr/share/man/one.1",
    ]
    package(folder, "one", dict.fromkeys([f"{source}/a.go", *left_out], "x"))
    assert unpack(tmp_path / "root", folder).returncode == 0
    assert (tmp_path / "root" / source / "a.go").is_file()
    assert [path for path in left_out if (tmp_path / "root" / path).exists()] == []


@pytest.mark.parametrize("size", [0, 100])
def test_a_package_that_is_cut_off_ends_the_unpacking(tmp_path: Path, folder: Path, size: int) -> None:
    package(folder, "one", {"usr/bin/one": "1" * 4000})
    deb = next(folder.glob("*.deb"))
    deb.write_bytes(deb.read_bytes()[:size])
    done = unpack(tmp_path / "root", folder)
    assert done.returncode != 0
    assert "Unpacking one" in done.stderr
