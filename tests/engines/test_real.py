"""Real engines on this machine: archives from Debian, one built with the fix taken back, and what they do to a cache.

What each has to do is the bug report's story (moby/buildkit#1330), seen before on engines put together by hand.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.baking.apt import private_root, source_lines
from lab.boxes.baking.workbench import Workbench
from lab.boxes.local import LocalBox
from lab.buildkit.progress.reader import read_builds
from lab.engines import host
from lab.engines.archive import Archive, Contents
from lab.engines.engine import Engine
from lab.engines.home import Home
from lab.engines.kinds.static import StaticSpec
from lab.engines.spec import Needs
from lab.engines.stock import Stock
from lab.errors import EngineError, HostError, LabError
from lab.machines.catalog import Catalog
from lab.model import Outcome, Progress
from lab.project import find
from lab.registry import server
from lab.registry.server import Registry
from lab.report.bundle import evidence_of
from lab.report.formats import FORMATS
from lab.workers import wait_for
from tests.archives import tgz
from tests.conftest import HANGS, ROOT

pytestmark = pytest.mark.vm
HERE = LocalBox("this machine")
NAMES = ("20.10.24", "20.10.24-unfixed", "26.1.5")
LABEL = b"unconfined_u:object_r:user_home_t:s0\0"  # as CentOS 7 gives a file in a home directory, 37 bytes
SAMPLE = ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"
STEPS = ("RUN echo foo", "COPY bar bar", "RUN echo baz")


def quiet(event: Progress) -> None:
    pass


@dataclass(frozen=True)
class World:
    """Engines that run, a registry on loopback, and a base image in it, pushed by the first engine."""

    engines: dict[str, Engine]
    store: Registry
    base: str
    folder: Path

    @property
    def prefix(self) -> str:
        return self.store.prefix

    def settings(self, name: str) -> Path:
        """A folder of a client's settings, with the login for the registry."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_bytes(self.store.client_config or b"")
        return folder

    def docker(self, name: str, *words: str, config: Path | None = None, cwd: Path | None = None) -> bytes:
        env = {"DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(config or self.settings("login"))}
        where = PurePosixPath(cwd) if cwd else None
        argv = [*self.engines[name].docker, *words]
        return HERE.check(argv, doing=f"call Docker {name}", env=env, cwd=where, timeout=300).output

    def build(self, name: str, *, label: bytes | None, cached: bool) -> tuple[int | None, dict[str, Outcome]]:
        """Build the bug report's image in a new context; the bytes of the context, and each step's outcome."""
        config = self.settings(f"{name}-{'consumer' if cached else 'producer'}-{label is not None}")
        context = config / "context"
        context.mkdir(parents=True)
        if plugins := self.engines[name].plugins:
            (config / "cli-plugins").symlink_to(plugins)
        text = "\n".join([f"FROM {self.base}", *STEPS, ""])
        (context / "Dockerfile").write_text(text)
        (context / "bar").write_text("bar\n")
        if label:
            os.setxattr(context / "bar", "security.selinux", label)
        reference = f"{self.prefix}/test:{name}"
        words = ["build", "--progress=plain", "--build-arg", "BUILDKIT_INLINE_CACHE=1", "--tag", reference]
        words += ["--cache-from", reference] if cached else []
        output = self.docker(name, *words, ".", config=config, cwd=context)
        if not cached:
            self.docker(name, "push", reference, config=config)
        self.docker(name, "system", "prune", "-a", "-f", config=config)
        (found,) = read_builds(output)
        return found.context_bytes, {
            step.instruction: step.outcome for step in found.steps if step.instruction in STEPS
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = find()
    stock = Stock(Catalog(project.boxes).engines, project.boxes / "engines", project.cache, HERE)
    folder = tmp_path_factory.mktemp("engines")
    with ExitStack() as stack:
        engines = {}
        for name in NAMES:
            spec = stock.engines[name]
            stack.callback(host.stop, HERE, name, folder / "state")
            engines[name] = host.start(HERE, spec, stock.archives(spec, quiet), folder / "state", quiet)
        store = stack.enter_context(server.serve(None, None, quiet))
        base = f"{store.prefix}/base"
        found = World(engines, store, base, folder)
        found.docker(NAMES[0], "import", str(base_image(folder / "base")), base)
        found.docker(NAMES[0], "push", base)
        yield found
    assert host.leftovers(folder / "state") == []
    assert sorted(path.name for path in (folder / "state" / "engines").iterdir()) == []


def base_image(folder: Path) -> Path:
    """A root with nothing but busybox, as a tar file."""
    (folder / "root" / "bin").mkdir(parents=True)
    program = shutil.which("busybox") or str(fetched_busybox(folder))
    shutil.copy(program, folder / "root" / "bin" / "busybox")
    (folder / "root" / "bin" / "sh").symlink_to("busybox")
    HERE.check(["tar", "-C", str(folder / "root"), "-cf", str(folder / "base.tar"), "bin"], doing="make a base image")
    return folder / "base.tar"


def fetched_busybox(folder: Path) -> Path:
    bench = Workbench(HERE)
    env = private_root(folder / "apt", source_lines("bookworm", ["main"], bench), bench)
    for words in (["update"], ["download", "busybox-static"]):
        bench.check("env", env, "apt-get", "-q", *words, cwd=folder, doing="fetch busybox")
    bench.check("dpkg-deb", "-x", next(folder.glob("*.deb")), folder / "tree", doing="unpack busybox")
    return next(path for path in folder.glob("tree/**/bin/busybox") if path.is_file())


def test_every_engine_is_the_one_it_is_named_after(world: World) -> None:
    said = {name: (engine.client, engine.server, engine.commit) for name, engine in world.engines.items()}
    assert said["20.10.24"] == ("20.10.24+dfsg1", "20.10.24+dfsg1", "5d6db84")
    # Debian's own build but for one condition: the commit is the same, and the version says what it is
    assert said["20.10.24-unfixed"] == ("20.10.24+dfsg1", "20.10.24+dfsg1-unfixed", "5d6db84")
    assert said["26.1.5"][:2] == ("26.1.5+dfsg1", "26.1.5+dfsg1")
    roots = {world.docker(name, "info", "--format", "{{.DockerRootDir}}") for name in NAMES}
    assert len(roots) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_label_busts_the_copy_only_where_the_fix_is_taken_back(world: World, name: str) -> None:
    hit, ran = Outcome.HIT, Outcome.RAN
    assert world.build(name, label=None, cached=False)[0] == 34
    assert world.build(name, label=None, cached=True) == (34, dict(zip(STEPS, (hit, hit, hit), strict=True)))
    expected = (hit, ran, ran) if name == "20.10.24-unfixed" else (hit, hit, hit)
    assert world.build(name, label=LABEL, cached=True) == (93, dict(zip(STEPS, expected, strict=True)))


@pytest.mark.parametrize(("name", "status", "said"), [
    ("20.10.24-unfixed", 0, "reproduced: all 6 steps have the outcome of the run"),
    ("20.10.24", 1, "NOT reproduced: 2 of 6 steps have another outcome"),
])  # fmt: skip
def test_a_runs_script_tells_the_engine_with_the_fault_from_the_other(
    world: World, tmp_path: Path, name: str, status: int, said: str
) -> None:
    # the sample's two boxes and the label on the one's files: made again on this machine, which labels nothing
    text = FORMATS["sh"].text([evidence_of(SAMPLE)], find())
    (tmp_path / "repro.sh").write_text(text)
    client = tmp_path / "docker"
    client.write_text(f'#!/bin/sh\nexec {shlex.join(world.engines[name].docker)} "$@"\n')
    client.chmod(0o755)
    env = {"DOCKER": str(client), "BASE": world.base, "LAB_WORK": str(tmp_path), "LAB_PRUNE": "yes"}
    env["DOCKER_CONFIG"] = str(world.settings("of-a-reader"))
    boxes = [f"{box}:20.10.24-unfixed" for box in ("debian12-apparmor", "debian12-selinux")]
    for phase in ("push", "rebuild"):
        ends = []
        for box in boxes:
            argv = ["sh", str(tmp_path / "repro.sh"), box, f"{world.prefix}/{name}", phase]
            ends.append(HERE.run(argv, env=env, timeout=600))
    rebuilt = b"".join(end.stdout for end in ends)
    assert {end.exit for end in ends} == {status}, rebuilt + ends[-1].stderr
    assert rebuilt.decode().count(said) == 2
    assert list(tmp_path.glob("lab-repro.*")) == []


# --- engines on this machine that go wrong


def broken(folder: Path, script: str) -> Archive:
    """An archive whose dockerd is a script; it was never checked, as none of these passes a check."""
    path = folder / "broken.tgz"
    files = {
        "docker/dockerd": script.encode(),
        "docker/docker": b"#!/bin/sh\nexit 1\n",
        "docker/containerd": b"#!/bin/sh\n",
    }
    tgz(path, files)
    programs = {name.removeprefix("docker/"): hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return Archive(path, Contents(sha256=hashlib.sha256(path.read_bytes()).hexdigest(), programs=programs))


def has_bridge(state: Path) -> bool:
    """True while the network bridge of the engine 1.0 is there; engines of others come and go meanwhile."""
    return Path("/sys/class/net", Home(state, "1.0").daemon.bridge).exists()


STATIC = StaticSpec(name="1.0", version="1.0", url=None, sha256="0" * 64)


def test_a_daemon_that_ends_at_once_shows_what_it_said(tmp_path: Path) -> None:
    archive = broken(tmp_path, "#!/bin/sh\necho failed to start daemon: no idea >&2\nexit 1\n")
    with pytest.raises(EngineError, match="it ended at once") as caught:
        host.start(HERE, STATIC, [archive], tmp_path / "state", quiet)
    assert caught.value.tail()[-1] == "failed to start daemon: no idea"
    assert host.leftovers(tmp_path / "state") == []
    assert not has_bridge(tmp_path / "state")


def test_a_program_that_is_not_the_archives_is_refused(tmp_path: Path) -> None:
    archive = broken(tmp_path, "#!/bin/sh\nsleep 60\n")
    other = replace(archive, contents=archive.contents.model_copy(update={"programs": {"dockerd": "0" * 64}}))
    with pytest.raises(EngineError, match="its dockerd has sha256 "):
        host.start(HERE, STATIC, [other], tmp_path / "state", quiet)
    assert host.leftovers(tmp_path / "state") == []


def test_what_a_killed_lab_left_is_removed_later(tmp_path: Path) -> None:
    archive = broken(tmp_path, "#!/bin/sh\nexec sleep 600\n")
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            host.start(HERE, STATIC, [archive], tmp_path / "state", quiet)
        os._exit(1)
    home = Home(tmp_path / "state", "1.0")
    wait_for("its bridge", lambda: has_bridge(tmp_path / "state") or "none", timeout=HANGS, error=LabError)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert host.leftovers(tmp_path / "state") == ["1.0"]
    assert host.processes(home)
    host.stop(HERE, "1.0", tmp_path / "state")
    assert (host.leftovers(tmp_path / "state"), host.processes(home)) == ([], [])
    assert not has_bridge(tmp_path / "state")
    assert not Path(home.daemon.run).exists()
    assert not home.folder.exists()


@pytest.mark.parametrize(
    ("glibc", "needs", "said"),
    [
        ("99.1", Needs(), r"its programs need glibc 99\.1, this machine has \d"),
        (None, Needs(cgroup="v1"), "it supports only control groups of version 1"),
    ],
)
def test_an_engine_that_cannot_run_here_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, glibc: str | None, needs: Needs, said: str
) -> None:
    archive = broken(tmp_path, "#!/bin/sh\n")
    archive = replace(archive, contents=archive.contents.model_copy(update={"glibc": glibc}))
    (tmp_path / "cgroup.controllers").touch()
    monkeypatch.setattr(host, "CGROUPS", tmp_path)  # this machine may have either version
    with pytest.raises(EngineError, match=said):
        host.start(HERE, STATIC.model_copy(update={"needs": needs}), [archive], tmp_path / "state", quiet)
    assert host.leftovers(tmp_path / "state") == []


def test_only_root_runs_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # the tests themselves run as root
    with pytest.raises(HostError, match="a private Docker daemon needs root"):
        host.start(HERE, STATIC, [broken(tmp_path, "")], tmp_path / "state", quiet)
