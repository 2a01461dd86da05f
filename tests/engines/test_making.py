"""Archives from Debian's packages and from its source: a failure is reported, and it leaves no files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

import pytest

from lab.boxes.baking import workbench
from lab.boxes.base import Box, Command, OnOutput, Result
from lab.engines import packages
from lab.engines.kinds import reverted
from lab.engines.kinds.debian import DebianSpec
from lab.engines.kinds.distro import DistroSpec
from lab.engines.kinds.reverted import RevertedSpec
from lab.engines.spec import EngineSpec
from lab.errors import CommandError, ConfigError, EngineError, HostError, Interrupted, LabError
from lab.machines.catalog import Catalog
from lab.model import Progress
from tests.archives import program
from tests.conftest import ROOT

BOXES = ROOT / "boxes"
ENGINES = Catalog(BOXES).engines
S = TypeVar("S", bound=EngineSpec)


def pinned(name: str, schema: type[S]) -> S:
    spec = ENGINES[name]
    assert isinstance(spec, schema)
    return spec


UNFIXED = pinned("20.10.24-unfixed", RevertedSpec)
BOOKWORM = pinned("20.10.24", DistroSpec)
TRIXIE = pinned("26.1.5", DebianSpec)
(EDIT,) = reverted.recipe_of(UNFIXED, BOXES / "engines").edits
Answer = Callable[[list[str], Path | None], tuple[int, bytes]]


def quiet(event: Progress) -> None:
    pass


class Machine(Box):
    """A machine that does what apt, dpkg-deb and the scripts do, in small; `answers` overrules it by program."""

    def __init__(self) -> None:
        self.name = "this machine"
        self.asked: list[list[str]] = []
        self.answers: dict[str, Answer] = {}
        self.docker = "20.10.24+dfsg1-1+deb12u1+b6"
        self.lacking: tuple[str, ...] = ()
        self.source = EDIT.find

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = list(command.argv)
        self.asked.append(words)
        known: dict[str, Answer] = {
            "dpkg-source": self._extract,
            "unpack-root.sh": self._unpack,
            "apt-get": self._apt,
            "apt-config": lambda _w, _c: (0, b'Acquire::http::Proxy "http://proxy.example:3128";\n'),
            "dpkg-deb": self._deb,
            "findmnt": lambda _w, _c: (0, b""),
            "cp": lambda w, _c: (0, self._copy(w)),
            "rm": lambda w, _c: (0, self._drop(w)),
            "chroot": self._compile,
        }
        known |= self.answers
        text = " ".join(words)
        names = [PurePosixPath(word).name for word in words]
        name = next(name for name in known if name in names or f" {name} " in text)
        status, said = known[name](words, Path(command.cwd) if command.cwd else None)
        return Result(command, status, said, b"", datetime.now(UTC), 0.0)

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("nothing is put anywhere")

    def _copy(self, words: list[str]) -> bytes:
        shutil.copyfile(words[-2], words[-1])
        return b""

    def _drop(self, words: list[str]) -> bytes:
        shutil.rmtree(words[-1])
        return b""

    def _unpack(self, words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        (Path(words[2]) / "build").mkdir(parents=True)
        return 0, b""

    def _extract(self, words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        build = Path(words[words.index("chroot") + 1]) / "build"
        assert [path.name for path in build.iterdir()] == ["docker.io.dsc"]
        source = build / "source"
        (source / "debian").mkdir(parents=True)
        (source / "debian" / "changelog").write_text(f"docker.io ({self.docker}) bookworm; urgency=medium\n\n  * x\n")
        path = source / EDIT.files
        path.parent.mkdir(parents=True)
        path.write_text(f"if {self.source} {{\n")
        return 0, b""

    def _compile(self, words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        root = next(Path(word) for word in words if word.endswith("/root"))
        (root / "build" / "dockerd").write_bytes(program())
        return 0, b""

    def _apt(self, words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        if "indextargets" in words:
            return 0, b"Debian|bookworm|main|http://mirror.example/debian/\n"
        if "source" in words:
            assert cwd
            (cwd / "docker.io.dsc").touch()
        if "download" in words:
            assert cwd
            for name in words[words.index("download") + 1 :]:
                (cwd / f"{name.partition('/')[0]}.deb").touch()
        return 0, b""

    def _deb(self, words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        package = Path(words[2]).stem
        if words[1] == "-f":
            version = self.docker if package.startswith("docker") else "1:1.2-3"
            return 0, f"Package: {package}\nVersion: {version}\n".encode()
        for path in FILES.get(package, ()):
            if path not in self.lacking:
                (Path(words[3]) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(words[3]) / path).write_bytes(program())
        return 0, b""


FILES = {
    "docker.io": ("usr/sbin/dockerd", "usr/sbin/docker-proxy", "usr/bin/docker"),
    "docker-buildx": ("usr/libexec/docker/cli-plugins/docker-buildx",),
    "containerd": ("usr/bin/containerd", "usr/bin/containerd-shim-runc-v2"),
    "runc": ("usr/sbin/runc",),
    "tini": ("usr/bin/tini-static",),
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that has every program, whatever this one has: they are looked for, and never run."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in {*packages.TOOLS, *reverted.PROGRAMS}:
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    for name in ("LAB_MIRROR", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(workbench, "SBIN", ())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return Machine()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def left_in(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "engines").glob("*"))


def names(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return [entry.name for entry in tar if entry.isfile()]


# --- from packages


def test_an_archive_is_made_of_packages(machine: Machine, cache: Path) -> None:
    archive = packages.build(BOOKWORM, cache, machine, quiet)
    programs = ["containerd", "containerd-shim-runc-v2", "docker", "docker-init", "docker-proxy", "dockerd", "runc"]
    assert names(archive.path) == [f"docker/{name}" for name in programs]
    assert archive.contents.packages["docker.io"] == "20.10.24+dfsg1-1+deb12u1+b6"
    assert archive.contents.packages["runc"] == "1.2-3"
    assert left_in(cache) == [archive.path.with_suffix(".json").name, archive.path.name]
    assert archive.path == packages.target_of(BOOKWORM, cache)


def test_apt_works_in_folders_of_its_own(machine: Machine, cache: Path) -> None:
    seen: dict[str, str] = {}

    def apt(words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        if "update" in words:
            settings = Path(words[1].removeprefix("APT_CONFIG="))
            seen["settings"] = settings.read_text()
            seen["sources"] = (settings.parent / "sources.list").read_text()
        return machine._apt(words, cwd)

    machine.answers["apt-get"] = apt
    machine.docker = "26.1.5+dfsg1-9"
    archive = packages.build(TRIXIE, cache, machine, quiet)
    assert "docker/cli-plugins/docker-buildx" in names(archive.path)
    assert 'Acquire::http::Proxy "http://proxy.example:3128";' in seen["settings"]
    places = [line.split('"')[1] for line in seen["settings"].splitlines() if line.startswith("Dir::")]
    assert all(place == "/dev/null" or place.startswith(str(cache)) for place in places)
    # the host is of bookworm: it lends its mirror for the other suite
    lines = [
        line.replace("[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ", "")
        for line in seen["sources"].splitlines()
    ]
    assert lines == [
        "deb http://mirror.example/debian/ trixie main",
        "deb http://mirror.example/debian/ bookworm main",
    ]
    assert not any(words[0] == "sudo" for words in machine.asked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("docker", "20.10.25+dfsg1-1"),
            "cannot use docker.io of bookworm: it is 20.10.25+dfsg1-1, the pin is 20.10.24",
        ),
        (("lacking", ("usr/sbin/runc",)), "cannot make Docker 20.10.24: no package has runc"),
        (("lacking", ("usr/sbin/dockerd",)), "cannot make Docker 20.10.24: no package has dockerd"),
    ],
)
def test_packages_that_are_not_what_was_pinned_are_refused(
    machine: Machine, cache: Path, change: tuple[str, object], said: str
) -> None:
    setattr(machine, *change)
    with pytest.raises(EngineError) as caught:
        packages.build(BOOKWORM, cache, machine, quiet)
    assert caught.value.message == said
    assert left_in(cache) == []


def test_a_library_that_no_package_brings_is_named(machine: Machine, cache: Path) -> None:
    own = Path(shutil.which("ls", path="/bin:/usr/bin") or "/bin/ls").read_bytes()  # it needs libselinux on Debian

    def deb(words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        answer = machine._deb(words, cwd)
        if words[1] == "-x" and Path(words[2]).stem == "runc":
            (Path(words[3]) / "usr/sbin/runc").write_bytes(own)
        return answer

    if b"libselinux.so.1" not in own:
        pytest.skip("this machine's ls needs no library but the C library")
    machine.answers["dpkg-deb"] = deb
    with pytest.raises(EngineError, match=r"runc needs libselinux\.so\.1, and no listed package has it"):
        packages.build(BOOKWORM, cache, machine, quiet)


SAID = [
    (b"E: Could not connect to mirror.example:80\n", HostError, "Debian's archive does not answer"),
    (b"W: Temporary failure resolving 'mirror.example'\n", HostError, "Debian's archive does not answer"),
    (b"E: write error - write (28: No space left on device)\n", HostError, "the disk is full"),
    (b"E: Unable to locate package docker.io\n", CommandError, "exit status 100"),
]


@pytest.mark.parametrize(("text", "error", "message"), SAID)
def test_apt_that_fails_says_why(
    machine: Machine, cache: Path, text: bytes, error: type[LabError], message: str
) -> None:
    machine.answers["apt-get"] = lambda words, cwd: (100, text) if "update" in words else machine._apt(words, cwd)
    with pytest.raises(error, match=message) as caught:
        packages.build(BOOKWORM, cache, machine, quiet)
    assert caught.value.tail() == [text.decode().strip()]
    assert left_in(cache) == []


def test_an_interrupted_fetch_leaves_nothing(machine: Machine, cache: Path) -> None:
    def stop(words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        raise Interrupted("stopped")

    machine.answers["dpkg-deb"] = stop
    with pytest.raises(Interrupted):
        packages.build(BOOKWORM, cache, machine, quiet)
    assert left_in(cache) == []


# --- from source


def test_a_reverted_engine_is_dockerd_alone(machine: Machine, cache: Path) -> None:
    seen: list[str] = []

    def compile_it(words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        root = next(Path(word) for word in words if word.endswith("/root"))
        seen.append((root / "build" / "source" / EDIT.files).read_text())
        seen.append(words[-1])
        return machine._compile(words, cwd)

    machine.answers["chroot"] = compile_it
    archive = reverted.build(UNFIXED, BOXES / "engines", cache, machine, quiet)
    assert names(archive.path) == ["docker/dockerd"]
    assert seen == [f"if {EDIT.replace} {{\n", "unfixed"]
    assert archive.path == reverted.target_of(UNFIXED, BOXES / "engines", cache)
    assert left_in(cache) == [archive.path.with_suffix(".json").name, archive.path.name]
    entered = [words for words in machine.asked if "chroot" in " ".join(words)]
    assert len(entered) == 2
    for words in entered:
        assert words[: len(workbench.IN_NAMESPACE)] == list(workbench.IN_NAMESPACE)


def test_sources_are_trusted_as_packages_are(
    machine: Machine, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, seen = tmp_path / "keys.gpg", list[str]()
    keys.touch()
    monkeypatch.setattr("lab.boxes.baking.apt.KEYRINGS", (keys,))

    def apt(words: list[str], cwd: Path | None) -> tuple[int, bytes]:
        if "update" in words:
            settings = Path(words[1].removeprefix("APT_CONFIG="))
            seen.extend((settings.parent / "sources.list").read_text().splitlines())
        return machine._apt(words, cwd)

    machine.answers["apt-get"] = apt
    reverted.build(UNFIXED, BOXES / "engines", cache, machine, quiet)
    assert seen == [
        f"{kind} [signed-by={keys}] http://mirror.example/debian/ bookworm main" for kind in ("deb", "deb-src")
    ]


@pytest.mark.parametrize(("source", "times"), [("true", "0 times"), (f"{EDIT.find} || {EDIT.find}", "2 times")])
def test_a_source_that_is_another_one_is_refused(machine: Machine, cache: Path, source: str, times: str) -> None:
    machine.source = source
    with pytest.raises(
        EngineError, match=f"cannot take the fix back: .* must contain this text once and contain it {times}"
    ):
        reverted.build(UNFIXED, BOXES / "engines", cache, machine, quiet)
    assert left_in(cache) == []
    assert not any("exec chroot" in " ".join(words) for words in machine.asked)


def test_a_source_of_another_version_is_refused(machine: Machine, cache: Path) -> None:
    machine.docker = "20.10.25+dfsg1-1"
    with pytest.raises(
        EngineError, match=r"Debian's archive has the source of 20\.10\.25\+dfsg1-1, the pin is 20\.10\.24"
    ):
        reverted.build(UNFIXED, BOXES / "engines", cache, machine, quiet)


@pytest.mark.parametrize(
    ("program", "text", "error", "message"),
    [("apt-get", *said) for said in SAID]
    + [(step, *said) for step in ("unpack-root.sh", "dpkg-source", "chroot") for said in SAID[2:]],  # without a network
)
def test_a_build_that_fails_says_why(
    machine: Machine, cache: Path, program: str, text: bytes, error: type[LabError], message: str
) -> None:
    machine.answers[program] = lambda words, cwd: (100, text)
    with pytest.raises(error, match=message) as caught:
        reverted.build(UNFIXED, BOXES / "engines", cache, machine, quiet)
    assert caught.value.tail() == [text.decode().strip()]
    assert str(cache) not in caught.value.message  # the command is not told
    assert left_in(cache) == []


def test_a_build_without_end_is_said(machine: Machine, cache: Path) -> None:
    machine.answers["chroot"] = lambda words, cwd: (124, b"")
    with pytest.raises(CommandError, match="could not compile it: it did not end within 7200 s"):
        reverted.build(UNFIXED, BOXES / "engines", cache, machine, quiet)


def test_a_build_without_space_is_not_begun(machine: Machine, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverted, "NEEDED_MB", 10**12)
    with pytest.raises(HostError, match=r"cannot build Docker 20\.10\.24-unfixed: .* MB are necessary"):
        reverted.build(UNFIXED, BOXES / "engines", cache, machine, quiet)
    assert machine.asked == []


def test_a_machine_that_cannot_build_is_told_what_lacks(machine: Machine, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "dpkg-deb").unlink()
    with pytest.raises(HostError, match="dpkg-deb not installed") as caught:
        reverted.build(UNFIXED, BOXES / "engines", cache, machine, quiet)
    assert caught.value.hint == "python -m lab setup"


def test_the_recipe_decides_the_archives_name(cache: Path, tmp_path: Path) -> None:
    recipes = tmp_path / "recipes"
    shutil.copytree(BOXES / "engines", recipes)
    before = reverted.target_of(UNFIXED, recipes, cache)
    path = recipes / f"{UNFIXED.name}.yaml"
    path.write_text("# another comment\n" + path.read_text())
    assert reverted.target_of(UNFIXED, recipes, cache) == before
    path.write_text(path.read_text().replace("/* lab:", "/* now:"))
    assert reverted.target_of(UNFIXED, recipes, cache) != before
    script = recipes / "build-dockerd.sh"
    script.write_text(script.read_text() + "true\n")
    assert len({before, reverted.target_of(UNFIXED, recipes, cache)}) == 2
    script.unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*build-dockerd\.sh"):
        reverted.target_of(UNFIXED, recipes, cache)
    path.write_text(path.read_text().replace(UNFIXED.name, "other"))
    with pytest.raises(ConfigError, match='its name is "other", but the file'):
        reverted.recipe_of(UNFIXED, recipes)


def test_the_scripts_are_sound() -> None:
    for path in (BOXES / "engines").glob("*.sh"):
        subprocess.run(["/bin/sh", "-n", path], check=True)
