"""The story of a bake, told to a box that only writes down what it is asked to do and leaves the files a tool would."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.baking import diskimage, rootfs, workbench
from lab.boxes.baking.bake import bake, baked, files_of, kernel_of
from lab.boxes.baking.recipes import Recipe, load_recipe
from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.errors import CommandError, ConfigError, HostError
from lab.files import hold
from lab.model import Progress
from lab.notices import listening
from tests.conftest import ROOT

RECIPE = ROOT / "boxes" / "recipes" / "debian12.yaml"
Answer = Callable[[list[str]], tuple[int, bytes]]
INDEXES = b"""\
Debian|bookworm|main|http://mirror.example/debian/
Debian|bookworm-updates|main|http://mirror.example/debian/
Debian|bookworm-security|main|http://mirror.example/security/
Somebody|bookworm|main|http://elsewhere.example/
Debian|bookworm|contrib|http://mirror.example/debian/
"""
APT_CONFIG = b"""\
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::Check-Valid-Until "false";
DPkg::Post-Invoke:: "touch /never";
"""
SAID = b"""\
I: running apt-get update...
3 upgraded, 2 newly installed, 0 to remove
Get:1 http://mirror.example/debian bookworm/main amd64 sudo amd64 1.9 [1 kB]
Unpacking libc6:amd64 (2.36) ...
Setting up sudo (1.9) ...
"""


class Kitchen(Box):
    """Takes every command of a bake; `answers` gives a program another end than success."""

    name = "this machine"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answers: dict[str, Answer] = {}

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = list(command.argv)
        self.asked.append(words)
        program = next((word for word in words if word in self.answers or word in ACTIONS), words[0])
        action = self.answers.get(program) or ACTIONS.get(program) or (lambda _: (0, b""))
        exit_status, said = action(words)
        if on_output:
            on_output("stderr", said)
        out, err = (b"", said) if on_output else (said, b"")
        return Result(command, exit_status, out, err, datetime.now(UTC), 0.1)

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("a bake copies nothing to its host")

    def programs(self) -> list[str]:
        return [next((word for word in words if word in ACTIONS), words[0]) for words in self.asked]

    def words_of(self, program: str) -> list[str]:
        return next(words for words in self.asked if program in words)


def _tree(words: list[str]) -> tuple[int, bytes]:
    boot = Path(words[words.index("bookworm") + 1]) / "boot"
    boot.mkdir(parents=True)
    (boot / "vmlinuz-6.1").write_bytes(b"kernel")
    (boot / "initrd.img-6.1").write_bytes(b"initrd")
    return 0, SAID


def _convert(words: list[str]) -> tuple[int, bytes]:
    Path(words[-1]).write_bytes(b"qcow2")
    return 0, b""


def _tar(words: list[str]) -> tuple[int, bytes]:
    folder = Path(words[words.index("-C") + 1])
    about = json.loads((folder / "metadata.json").read_text())
    assert about == {"provider": "libvirt", "format": "qcow2", "virtual_size": 12}
    menu = (folder / "syslinux.cfg").read_text()
    Path(words[words.index("-cf") + 1]).write_text(menu)
    return 0, b""


def _rm(words: list[str]) -> tuple[int, bytes]:
    shutil.rmtree(words[-1])
    return 0, b""


ACTIONS: dict[str, Answer] = {
    "apt-get": lambda _: (0, INDEXES),
    "apt-config": lambda _: (0, APT_CONFIG),
    "mmdebstrap": _tree,
    "qemu-img": _convert,
    "tar": _tar,
    "rm": _rm,
    **{name: (lambda _: (0, b"")) for name in ("findmnt", "mkfs.vfat", "syslinux", "mcopy", "sfdisk", "mke2fs", "sh")},
}


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    """A machine that has every program, whatever this one has: they are looked for, and never run."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in workbench.PROGRAMS:
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    for name in ("LAB_MIRROR", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    for module, name in ((rootfs, "VAGRANT_KEYS"), (diskimage, "MBR_CODE")):
        file = tmp_path / name
        file.write_bytes(b"x" * 440)
        monkeypatch.setattr(module, name, (str(file),))
    monkeypatch.setattr(workbench, "SBIN", ())
    monkeypatch.setattr(diskimage, "BOOT_SECTORS", 2048)  # nothing is written there, so it need not be copied
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return Kitchen()


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe(RECIPE)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def quiet(_: Progress) -> None:
    """Listen to nothing."""


def left_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.name != "locks")


def test_a_bake_makes_both_boxes_and_says_how_far_it_is(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    heard: list[Progress] = []
    files = bake(recipe, cache=cache, shell=kitchen, tell=heard.append)
    digest = recipe.digest
    assert files == {name: cache / f"{name}-{digest}.box" for name in ("debian12-apparmor", "debian12-selinux")}
    assert kernel_of(recipe, cache).read_bytes() == b"kernel"
    assert kernel_of(recipe, cache).with_suffix(".initrd").read_bytes() == b"initrd"
    assert sorted(left_in(cache)) == sorted(
        [
            *(f"debian12-{digest}.{end}" for end in ("initrd", "vmlinuz")),
            *(f"debian12-{name}-{digest}.box" for name in ("apparmor", "selinux")),
        ]
    )
    said = [event.what for event in heard]
    assert "unpacking libc6 (1 of 2 packages)" in said
    assert "setting up sudo (1 of 2 packages)" in said
    assert [event.who for event in heard if event.done] == ["debian12-apparmor", "debian12-selinux"]


def test_a_box_of_which_the_recipe_makes_no_image_is_told_so(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        bake(recipe, cache=cache, shell=kitchen, tell=lambda event: None, only=["mine", "debian12-selinux"])
    has = "debian12-apparmor, debian12-selinux"
    assert caught.value.message == f"cannot bake mine: the recipe debian12 has images only for {has}"
    assert caught.value.hint and caught.value.hint.startswith("name one of these as `variant` in the box's file")
    assert kitchen.asked == []


def test_labels_are_written_after_the_image_that_has_none(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    files = bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    story = [
        (program, words)
        for program, words in zip(kitchen.programs(), kitchen.asked, strict=True)
        if program == "mke2fs" or any(word.endswith("label.sh") for word in words)
    ]
    assert [program for program, _ in story] == ["mke2fs", "sh", "mke2fs"]
    assert "/debian12-apparmor/" in story[0][1][-2]
    assert "security=selinux" in files["debian12-selinux"].read_text()
    assert "security=selinux" not in files["debian12-apparmor"].read_text()
    assert "root=LABEL=lab-root rw console=" in files["debian12-apparmor"].read_text()


def test_what_mounts_or_starts_processes_does_so_in_namespaces(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    for words in kitchen.asked:
        assert "mount" not in words
        assert "losetup" not in words
        if "mmdebstrap" in words or any(word.endswith("label.sh") for word in words):
            assert words[: len(workbench.IN_NAMESPACE)] == list(workbench.IN_NAMESPACE)


def test_temporary_files_of_programs_are_removed_with_the_work_folder(
    kitchen: Kitchen, recipe: Recipe, cache: Path
) -> None:
    seen: list[Path] = []

    def look(words: list[str]) -> tuple[int, bytes]:
        [said] = [word for word in words if word.startswith("TMPDIR=")]
        seen.append(Path(said.removeprefix("TMPDIR=")))
        assert seen[0].is_dir()
        return 1, b"E: interrupted\n"

    kitchen.answers["mmdebstrap"] = look
    with pytest.raises(CommandError):
        bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    assert seen[0].parent == cache / "work-debian12" and not seen[0].parent.exists()


def test_the_archive_is_the_hosts_own(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    settings = cache / "work-debian12" / "apt.conf"
    seen: list[str] = []

    def look(words: list[str]) -> tuple[int, bytes]:
        seen.append(settings.read_text())
        return _tree(words)

    kitchen.answers["mmdebstrap"] = look
    bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    words = kitchen.words_of("mmdebstrap")
    assert words[words.index("bookworm") + 2 :] == [
        "deb http://mirror.example/debian/ bookworm main",
        "deb http://mirror.example/debian/ bookworm-updates main",
        "deb http://mirror.example/security/ bookworm-security main",
    ]
    assert 'Acquire::http::Proxy "http://proxy.example:3128";' in seen[0]
    assert 'Acquire::Check-Valid-Until "false";' in seen[0]
    assert "Post-Invoke" not in seen[0]


@pytest.mark.parametrize(
    ("mirror", "indexes", "expected"),
    [
        ("http://given.example/debian", INDEXES, ["http://given.example/debian"]),
        (None, INDEXES.replace(b"bookworm", b"trixie"), ["http://mirror.example/debian/"]),
        (None, b"Ubuntu|noble|main|http://ubuntu.example/\n", []),
        (None, b"", []),
    ],
)
def test_other_ways_to_the_archive(
    kitchen: Kitchen,
    recipe: Recipe,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    mirror: str | None,
    indexes: bytes,
    expected: list[str],
) -> None:
    if mirror:
        monkeypatch.setenv("LAB_MIRROR", mirror)
    kitchen.answers["apt-get"] = lambda _: (0, indexes)
    bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    words = kitchen.words_of("mmdebstrap")
    assert words[words.index("bookworm") + 2 :] == expected


def test_a_cached_box_is_used_as_it_is(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    files = bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    stamps = {path: path.stat().st_mtime_ns for path in files.values()}
    idle = Kitchen()
    assert bake(recipe, cache=cache, shell=idle, tell=quiet) == files
    assert idle.asked == []
    assert {path: path.stat().st_mtime_ns for path in files.values()} == stamps
    assert baked(recipe, cache)


def test_older_bakings_go_and_strangers_stay(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    cache.mkdir()
    old = ["debian12-selinux-0123456789ab.box", "debian12-0123456789ab.vmlinuz", "debian12-0123456789ab.initrd"]
    strangers = ["debian13-0123456789ab.box", "debian12-selinux-mine.box", "notes.txt"]
    for name in old + strangers:
        (cache / name).touch()
    bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    left = left_in(cache)
    assert not set(old) & set(left)
    assert set(strangers) <= set(left)


@pytest.mark.parametrize("program", ["mmdebstrap", "mke2fs", "tar"])
def test_an_interrupted_bake_leaves_nothing(kitchen: Kitchen, recipe: Recipe, cache: Path, program: str) -> None:
    def interrupt(_: list[str]) -> tuple[int, bytes]:
        raise KeyboardInterrupt

    kitchen.answers[program] = interrupt
    with pytest.raises(KeyboardInterrupt):
        bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    assert left_in(cache) == []
    assert not baked(recipe, cache)


def test_what_a_killed_bake_left_is_unmounted_and_removed(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    stale = cache / "work-debian12"
    (stale / "root/proc").mkdir(parents=True)
    (stale / "debian12-selinux").mkdir()
    kitchen.answers["findmnt"] = lambda _: (0, f"/\n{stale}/root\n{stale}/root/proc\n{stale}x\n".encode())
    bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    unmounted = [words[-1] for words in kitchen.asked if words[0] == "umount"]
    assert unmounted[:2] == [f"{stale}/root/proc", f"{stale}/root"]
    first_removal = kitchen.programs().index("rm")
    assert first_removal < kitchen.programs().index("mmdebstrap")
    assert kitchen.asked[first_removal] == ["rm", "-rf", "--one-file-system", str(stale)]


def test_a_missing_program_is_named(kitchen: Kitchen, recipe: Recipe, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "bin/mcopy").unlink()
    with pytest.raises(HostError, match="mcopy not installed") as caught:
        bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    assert caught.value.hint == "python -m lab setup"
    assert kitchen.asked == []


def test_too_little_space_is_said_before_anything_is_done(
    kitchen: Kitchen, recipe: Recipe, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbench, "NEEDED_MB", 10**12)
    with pytest.raises(HostError, match=rf"MB free at {cache}, 1000000000000 MB are necessary"):
        bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    assert kitchen.asked == []


def test_without_root_only_what_must_is_run_by_sudo(
    kitchen: Kitchen, recipe: Recipe, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    by_sudo = {program for program, words in zip(kitchen.programs(), kitchen.asked, strict=True) if words[0] == "sudo"}
    assert kitchen.asked[0] == ["sudo", "-n", "true"]
    for program in ("mmdebstrap", "mke2fs", "rm"):
        assert kitchen.words_of(program)[:3] == ["sudo", "-n", "env"]
    assert not by_sudo & {"qemu-img", "tar", "mcopy", "apt-get"}


def test_sudo_that_wants_a_password_is_said_with_the_way_out(
    kitchen: Kitchen, recipe: Recipe, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    kitchen.answers["sudo"] = lambda _: (1, b"sudo: a password is required\n")
    with pytest.raises(HostError, match="sudo asks for a password") as caught:
        bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    assert caught.value.hint == "run `sudo -v`, then the same command again"


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (b"W: Temporary failure resolving 'mirror.example'\n", HostError, "archive does not answer"),
        (b"E: Could not connect to mirror.example:80\n", HostError, "archive does not answer"),
        (b"tar: write error: No space left on device\n", HostError, "the disk is full"),
        (b"W: GPG error: http://mirror.example forky InRelease: NO_PUBKEY 78DBA3BC47EF2265\n", HostError, "the key"),
        (b"E: Unable to locate package sudoo\n", CommandError, "mmdebstrap's exit status 25"),
    ],
)
def test_a_tree_that_fails_says_why(
    kitchen: Kitchen, recipe: Recipe, cache: Path, said: bytes, error: type[HostError], message: str
) -> None:
    kitchen.answers["mmdebstrap"] = lambda _: (25, said)
    with pytest.raises(error, match=message) as caught:
        bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    assert caught.value.tail() == [said.decode().strip()]
    assert left_in(cache) == []


def test_a_step_that_fails_says_which(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    kitchen.answers["qemu-img"] = lambda _: (1, b"qemu-img: no idea\n")
    with pytest.raises(CommandError, match=r"cannot pack the box of debian12-\w+ on this machine"):
        bake(recipe, cache=cache, shell=kitchen, tell=quiet)
    assert left_in(cache) == []


def test_the_second_bake_of_one_recipe_waits_for_the_first(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    waits, made = threading.Event(), dict[str, Path]()

    def bake_too() -> None:
        made.update(bake(recipe, cache=cache, shell=kitchen, tell=quiet))

    with listening(lambda notice: waits.set() if notice.who == recipe.name else None):
        second = threading.Thread(target=bake_too)
        with hold(cache, [recipe.name], "bake"):
            second.start()
            assert waits.wait(120)
            assert kitchen.asked == []
        second.join()
    assert all(path.exists() for path in made.values())


def test_a_recipe_without_labels_needs_no_labelling(kitchen: Kitchen, recipe: Recipe, cache: Path) -> None:
    variants = {"debian12-apparmor": recipe.file.variants["debian12-apparmor"]}
    plain = dataclasses.replace(recipe, file=recipe.file.model_copy(update={"variants": variants}))
    assert list(bake(plain, cache=cache, shell=kitchen, tell=quiet)) == ["debian12-apparmor"]
    assert not any(word.endswith("label.sh") for words in kitchen.asked for word in words)


def test_one_box_of_a_recipe_is_sufficient_where_only_that_is_asked_for(tmp_path: Path) -> None:
    """As after `up --from` a pack that has one of them; every program that would bake is missing."""
    recipe = load_recipe(RECIPE)
    for path in files_of(recipe, tmp_path, ["debian12-selinux"]):
        path.touch()
    shell = ReplayBox("nothing", [])
    made = bake(recipe, cache=tmp_path, shell=shell, tell=lambda event: None, only=["debian12-selinux"])
    assert made == {"debian12-selinux": tmp_path / f"debian12-selinux-{recipe.digest}.box"}
    assert not baked(recipe, tmp_path)
    assert not baked(recipe, tmp_path, ["debian12-apparmor"])
