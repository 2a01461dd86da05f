"""Engines: an archive with another sum is never used, and no Docker is mistaken for another one."""

from __future__ import annotations

import hashlib
import http.server
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result, Tell
from lab.boxes.local import LocalBox
from lab.engines import download
from lab.engines.archive import place, read_contents
from lab.engines.engine import Engine
from lab.engines.ensure import ensure
from lab.engines.kinds.debian import DebianSpec
from lab.engines.kinds.distro import DistroSpec
from lab.engines.kinds.installed import InstalledSpec
from lab.engines.kinds.static import StaticSpec
from lab.engines.spec import EngineSpec, Needs
from lab.engines.stock import Stock
from lab.errors import EngineError, HostError, LabError
from lab.model import Progress
from lab.workers import each
from tests import archives

ARCHIVE = bytes(range(256)) * 4096  # one MiB: several reads
SUM = hashlib.sha256(ARCHIVE).hexdigest()
NAME = f"1.0-{SUM[:12]}.tgz"
VERSIONS = "{{.Client.Version}} {{.Server.Version}} {{.Server.GitCommit}}"


def quiet(event: Progress) -> None:
    pass


def fetch(url: str, cache: Path, tell: Tell) -> Path:
    """The archive of an engine with that address and the pinned sum."""
    return download.fetch("1.0", url, SUM, place(cache, "1.0", SUM), tell)


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """The URL of an archive on this machine."""
    path = tmp_path / "served" / "docker.tgz"
    path.parent.mkdir()
    path.write_bytes(ARCHIVE)
    return path.as_uri()


def stored(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "engines").glob("*"))


# --- archives


def test_an_archive_is_fetched_once(tmp_path: Path, archive: str) -> None:
    told: list[Progress] = []
    path = fetch(archive, tmp_path / "cache", told.append)
    assert path == tmp_path / "cache" / "engines" / NAME
    assert path.read_bytes() == ARCHIVE
    assert stored(tmp_path / "cache") == [NAME]
    assert (told[-1].what, told[-1].done) == ("downloaded, sum as pinned", True)
    (tmp_path / "served" / "docker.tgz").unlink()
    told.clear()
    assert fetch(archive, tmp_path / "cache", told.append) == path
    assert told == []


@pytest.mark.parametrize("content", [ARCHIVE[:-1], ARCHIVE + b"x", b"", b"<html>blocked</html>"])
def test_an_archive_of_another_sum_is_not_kept(tmp_path: Path, archive: str, content: bytes) -> None:
    (tmp_path / "served" / "docker.tgz").write_bytes(content)
    with pytest.raises(EngineError) as caught:
        fetch(archive, tmp_path / "cache", quiet)
    found = hashlib.sha256(content).hexdigest()
    assert caught.value.message == f"cannot use {archive}: its sha256 is {found}, the pinned one is {SUM}"
    assert stored(tmp_path / "cache") == []


def test_a_damaged_archive_in_the_cache_is_not_used(tmp_path: Path, archive: str) -> None:
    path = fetch(archive, tmp_path, quiet)
    path.write_bytes(ARCHIVE[:100])
    with pytest.raises(EngineError) as caught:
        fetch(archive, tmp_path, quiet)
    assert caught.value.message.startswith(f"cannot use {path}: its sha256 is ")
    assert caught.value.hint == f"remove {path}; lab then downloads it again"
    path.unlink()
    assert fetch(archive, tmp_path, quiet).read_bytes() == ARCHIVE


@pytest.mark.parametrize("url", ["file:///none/docker.tgz", "http://127.0.0.1:1/docker.tgz", "gopher://x/y", "docker"])
def test_an_archive_that_cannot_be_had_says_how_to_bring_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(HostError) as caught:
        fetch(url, tmp_path, quiet)
    assert caught.value.message.startswith(f"cannot download {url}: ")
    assert caught.value.hint and "python -m lab engines add FILE.tgz" in caught.value.hint


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that lets `talk` answer each request in a thread; yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(peer: socket.socket) -> None:
            with peer:
                peer.recv(65536)
                talk(peer)

        def run() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(peer,), daemon=True).start()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/docker.tgz"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {len(ARCHIVE)}\r\nConnection: close\r\n\r\n".encode()


def cut(peer: socket.socket) -> None:
    peer.sendall(HEAD + ARCHIVE[:1000])


def reset(peer: socket.socket) -> None:
    peer.sendall(HEAD + ARCHIVE[:1000])
    time.sleep(0.2)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing then sends RST


def babble(peer: socket.socket) -> None:
    peer.sendall(b"SSH-2.0-OpenSSH\r\n")


def missing(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("talk", [cut, reset, babble, missing])
def test_a_download_that_fails_is_not_taken_for_a_full_disk(
    tmp_path: Path, talk: Callable[[socket.socket], None]
) -> None:
    with server(talk) as url, pytest.raises(LabError) as caught:
        fetch(url, tmp_path, quiet)
    assert isinstance(caught.value, EngineError if talk is missing else HostError)
    assert url in caught.value.message
    assert stored(tmp_path) == []


def test_two_boxes_fetch_one_archive_at_the_same_time(tmp_path: Path) -> None:
    # the bug report's lineup: two boxes side by side, one engine
    asked = []

    def slowly(peer: socket.socket) -> None:
        asked.append(peer)
        peer.sendall(HEAD)
        for start in range(0, len(ARCHIVE), 1 << 18):
            peer.sendall(ARCHIVE[start : start + (1 << 18)])
            time.sleep(0.1)

    def job(name: str) -> Path:
        time.sleep(0.15 if name == "late" else 0)
        return fetch(url, tmp_path, quiet)

    with server(slowly) as url:
        values, errors = each(["early", "late"], job)
    assert errors == {}
    assert values["early"] == values["late"]
    assert values["early"].read_bytes() == ARCHIVE
    assert len(asked) == 1


def test_the_loopback_server_of_these_tests_serves(tmp_path: Path, archive: str) -> None:
    # against a real web server once, so that the sockets above prove what they seem to
    folder = str(tmp_path / "served")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=folder)  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        told: list[Progress] = []
        url = f"http://127.0.0.1:{made.server_port}/docker.tgz"
        assert fetch(url, tmp_path / "cache", told.append).read_bytes() == ARCHIVE
        made.shutdown()
    assert "downloading 1 of 1 MB" in [event.what for event in told]


# --- proving an engine


class Told(Box):
    """A box that answers as the test says; a command that the test does not name ends with status 127.

    `package` is the state and the version of its docker.io as dpkg-query says them; `control_groups` their version.
    """

    def __init__(self, package: str = "", control_groups: str = "v1", **answers: tuple[int, str]) -> None:
        self.name = "guest"
        self.package = package
        self.control_groups = control_groups
        self.answers = answers
        self.asked: list[str] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.asked.append(command.line())
        ways = {"plain": ("docker",), "sudo": ("sudo", "-n", "docker")}
        for way, words in ways.items():
            rest = command.argv[len(words) :]
            if command.argv[: len(words)] != words or way not in self.answers:
                continue
            status, text = self.answers[way]
            server = text.split()[1] if len(text.split()) > 1 else ""
            said: dict[tuple[str, ...], str] = {
                ("version", "--format", VERSIONS): text,
                ("version", "--format", "{{.Server.Version}}"): server,
                ("buildx", "version"): "github.com/docker/buildx v0.29.1 a32761a",
            }
            return self._result(command, status, said.get(rest, "Client: Docker Engine"))
        if command.argv[0] == "dpkg-query" and self.package:
            assert command.argv[1:] == ("--show", "--showformat=${db:Status-Status} ${Version}", "docker.io")
            return self._result(command, 0, self.package)
        if command.argv == ("test", "-e", "/sys/fs/cgroup/cgroup.controllers"):
            return self._result(command, 0 if self.control_groups == "v2" else 1, "")
        return self._result(command, 127, "")

    def _result(self, command: Command, status: int, text: str) -> Result:
        out, err = (b"", text.encode()) if status else (text.encode(), b"")
        return Result(command, status, out, err, datetime.now(UTC), 0.0)

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("nothing is to be put here")


def stock(folder: Path) -> Stock:
    return Stock({}, folder / "recipes", folder / "cache", LocalBox())


DISTRO = DistroSpec(name="20.10.24", version="20.10.24")
TRIXIE = DebianSpec(name="26.1.5", version="26.1.5", suite="trixie", packages=("docker.io",))
BOOKWORM = DistroSpec(name="20.10.24", version="20.10.24", suite="bookworm", packages=("docker.io",))
INSTALLED = InstalledSpec(name="installed")


def test_the_engine_says_what_it_is(tmp_path: Path) -> None:
    told: list[Progress] = []
    box = Told(plain=(0, "20.10.24+dfsg1 20.10.24+dfsg1 5d6db84\n"))
    engine = ensure(box, DISTRO, stock(tmp_path), told.append)
    assert (engine.name, engine.docker) == ("20.10.24", ("docker",))
    assert (engine.client, engine.server, engine.commit) == ("20.10.24+dfsg1", "20.10.24+dfsg1", "5d6db84")
    assert "journalctl" in engine.log and "docker" in engine.log
    assert told[-1].what == "Docker 20.10.24+dfsg1 proven"


def test_a_daemon_that_only_root_reaches_is_asked_through_sudo(tmp_path: Path) -> None:
    box = Told(plain=(1, "permission denied"), sudo=(0, "29.1.0 29.0.0 abc"))
    engine = ensure(box, INSTALLED, stock(tmp_path), quiet)
    assert engine == Engine("installed", ("sudo", "-n", "docker"), "29.1.0", "29.0.0", "abc", buildx="v0.29.1")


@pytest.mark.parametrize("server", ["20.10.23", "20.10.2", "20.10.24.1", "26.1.5+dfsg1"])
def test_another_version_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(EngineError) as caught:
        ensure(Told(plain=(0, f"20.10.24 {server} abc")), DISTRO, stock(tmp_path), quiet)
    assert caught.value.message == f"cannot use guest: its Docker is {server}, the pinned engine is 20.10.24"
    assert caught.value.hint == "correct boxes/guest.yaml or boxes/engines.yaml, whichever is wrong"


@pytest.mark.parametrize("text", ["", "20.10.24"])
def test_a_docker_that_says_nothing_of_itself_is_not_the_pinned_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(EngineError, match="cannot use guest: "):
        ensure(Told(plain=(0, text)), DISTRO, stock(tmp_path), quiet)


def test_an_installed_engine_that_does_not_answer_is_left_as_it_is(tmp_path: Path) -> None:
    box = Told(plain=(1, "Cannot connect to the Docker daemon"))
    with pytest.raises(EngineError) as caught:
        ensure(box, INSTALLED, stock(tmp_path), quiet)
    assert caught.value.message == "cannot use the Docker of guest: it does not answer"
    assert caught.value.hint == "start it, or leave this box out"
    assert not [line for line in box.asked if "systemctl" in line]


def test_a_box_without_docker_says_the_same(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot use the Docker of guest: it does not answer"):
        ensure(Told(), INSTALLED, stock(tmp_path), quiet)


@pytest.mark.parametrize("spec", [TRIXIE, BOOKWORM])
def test_the_boxs_own_package_is_used_where_it_is_of_that_version(tmp_path: Path, spec: EngineSpec) -> None:
    version = f"{spec.version}+dfsg1"
    box = Told(package=f"installed {version}-9+deb13u1+b1", plain=(0, f"{version} {version} 411e817"))
    engine = ensure(box, spec, stock(tmp_path), quiet)
    assert (engine.docker, engine.server, engine.plugins) == (("docker",), version, None)
    assert engine.buildx == ("v0.29.1" if spec is TRIXIE else "")


@pytest.mark.parametrize(
    "package", ["", "installed 20.10.5+dfsg1-1", "installed 26.1.5", "config-files 20.10.24+dfsg1-1"]
)
def test_another_package_or_none_is_left_alone_and_an_archive_is_brought(tmp_path: Path, package: str) -> None:
    # its own Docker answers, and a run would prune it: it is not even asked
    box = Told(package=package, plain=(0, "20.10.24+dfsg1 20.10.24+dfsg1 5d6db84"))
    made = stock(tmp_path)
    archive = made.target(BOOKWORM)
    assert archive
    archive.parent.mkdir(parents=True)
    archive.touch()  # so that none is made: this one is refused
    with pytest.raises(EngineError, match=f"cannot use {archive}: its note is missing or damaged"):
        ensure(box, BOOKWORM, made, quiet)
    assert not [line for line in box.asked if "docker version" in line]


def test_an_engine_that_knows_only_old_control_groups_is_not_brought_to_a_box_with_new_ones(tmp_path: Path) -> None:
    spec = StaticSpec(name="19.03.8", version="19.03.8", url=None, sha256=SUM, needs=Needs(cgroup="v1"))
    box = Told(control_groups="v2")
    with pytest.raises(EngineError) as caught:
        ensure(box, spec, stock(tmp_path), quiet)
    assert caught.value.message == "cannot run Docker 19.03.8 on guest: it supports only control groups of version 1"
    with pytest.raises(EngineError, match="its archive is not in the cache"):  # one that has old ones is gone on with
        ensure(Told(), spec, stock(tmp_path), quiet)


# --- an archive on a box


class Plain(Box):
    """A box without any Docker; its daemon runs from what was unpacked, with the programs that `sums` states."""

    def __init__(self, sums: dict[str, str]) -> None:
        self.name = "guest"
        self.sums = sums
        self.asked: list[str] = []
        self.files: dict[str, bytes] = {}
        self.unpacked = self.started = False

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        line, argv = command.line(), command.argv
        self.asked.append(line)
        if argv[0] == "sha256sum":
            return self._result(command, 0, f"{hashlib.sha256(self.files[argv[1]]).hexdigest()}  {argv[1]}")
        if argv == ("mktemp", "-d"):
            return self._result(command, 0, "/tmp/tmp.x")
        if argv[-3:] == ("version", "--format", VERSIONS):
            return self._result(command, 0 if self.started else 1, "1.0 1.0 abc" if self.started else "")
        if argv[:2] == ("sh", "-c") and "docker.sock" in line:
            return self._result(command, 0 if self.started else 1 if self.unpacked else 3, self._sums())
        self.unpacked |= "tar -xzf" in line
        self.started |= "systemd-run" in line
        if "systemd-run" in line or "tar -xzf" in line or "systemctl stop" in line:
            return self._result(command, 0, self._sums())
        return self._result(command, 1, "")

    def _sums(self) -> str:
        return "\n".join(f"{total}  /opt/lab/engines/1.0/bin/{name}" for name, total in self.sums.items())

    def _result(self, command: Command, status: int, text: str) -> Result:
        return Result(command, status, text.encode(), b"", datetime.now(UTC), 0.0)

    def put(self, source: Path, target: PurePosixPath) -> None:
        self.files[str(target)] = source.read_bytes()


def archived(folder: Path) -> tuple[StaticSpec, dict[str, str]]:
    """A pin whose archive is on this machine, and the sums of its programs."""
    file = archives.engine(folder / "docker-1.0.tgz")
    contents = read_contents(file)
    return StaticSpec(name="1.0", version="1.0", url=file.as_uri(), sha256=contents.sha256), contents.programs


def test_an_archive_is_brought_to_a_box_once_and_started_there(tmp_path: Path) -> None:
    spec, programs = archived(tmp_path)
    box = Plain(programs)
    engine = ensure(box, spec, stock(tmp_path), quiet)
    assert engine.docker == ("/opt/lab/engines/1.0/bin/docker", "-H", "unix:///run/lab-docker-1.0/docker.sock")
    assert (engine.server, engine.sums) == ("1.0", programs)
    assert list(box.files) == [f"/tmp/tmp.x/1.0-{str(spec.sha256)[:12]}.tgz"]  # in a folder that nobody else enters
    assert any("rm -rf /tmp/tmp.x" in line for line in box.asked)
    assert engine.log[-5:] == ("-u", "lab-docker-1.0", "-n", "30", "--no-pager")
    box.asked.clear()
    assert ensure(box, spec, stock(tmp_path), quiet) == engine
    assert not [line for line in box.asked if "tar -xzf" in line or "systemd-run" in line]


def test_a_program_that_is_not_the_archives_is_refused(tmp_path: Path) -> None:
    spec, programs = archived(tmp_path)
    with pytest.raises(EngineError) as caught:
        ensure(Plain({**programs, "dockerd": SUM}), spec, stock(tmp_path), quiet)
    assert caught.value.message == (
        f"cannot use Docker 1.0 on guest: its dockerd has sha256 {SUM}, the archive's {programs['dockerd']}"
    )
    assert caught.value.hint == "remove /opt/lab/engines/1.0 on guest; lab then unpacks it again"


def test_an_archive_that_arrives_damaged_is_not_unpacked(tmp_path: Path) -> None:
    class Lossy(Plain):
        def put(self, source: Path, target: PurePosixPath) -> None:
            self.files[str(target)] = source.read_bytes()[:-1]

    spec, programs = archived(tmp_path)
    box = Lossy(programs)
    with pytest.raises(EngineError, match="its archive arrived with sha256 "):
        ensure(box, spec, stock(tmp_path), quiet)
    assert not box.unpacked
