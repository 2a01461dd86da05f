"""Real engines on this machine: archives from Debian, one built with the fix taken back, and what they do to a cache.

What each has to do is the bug report's story (moby/buildkit#1330), seen before on engines put together by hand.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from lab import registry
from lab.apt import private_root, source_lines
from lab.boxes.local import LocalBox
from lab.engines import host
from lab.engines.engine import Engine
from lab.engines.stock import Stock
from lab.lineups import Catalog
from lab.model import Outcome, Progress
from lab.progress.reader import read_builds
from lab.project import find
from lab.workbench import Workbench

pytestmark = pytest.mark.vm
HERE = LocalBox("this machine")
NAMES = ("20.10.24", "20.10.24-unfixed", "26.1.5")
LABEL = b"unconfined_u:object_r:user_home_t:s0\0"  # as CentOS 7 gives a file in a home directory, 37 bytes
STEPS = ("RUN echo foo", "COPY bar bar", "RUN echo baz")


def quiet(event: Progress) -> None:
    pass


@dataclass(frozen=True)
class World:
    """Engines that run, a registry on loopback, and a base image in it, pushed by the first engine."""

    engines: dict[str, Engine]
    prefix: str
    base: str
    folder: Path

    def docker(self, name: str, *words: str, config: Path | None = None, cwd: Path | None = None) -> bytes:
        env = {"DOCKER_BUILDKIT": "1", **({"DOCKER_CONFIG": str(config)} if config else {})}
        where = PurePosixPath(cwd) if cwd else None
        argv = [*self.engines[name].docker, *words]
        return HERE.check(argv, doing=f"call Docker {name}", env=env, cwd=where, timeout=300).output

    def build(self, name: str, *, label: bytes | None, cached: bool) -> tuple[int | None, dict[str, Outcome]]:
        """Build the bug report's image in a new context; the bytes of the context, and each step's outcome."""
        config = self.folder / f"{name}-{'consumer' if cached else 'producer'}-{label is not None}"
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
            archives = host.archives_of(spec, stock, quiet)
            engines[name] = stack.enter_context(host.serve(HERE, spec, archives, folder / "state", quiet))
        store = stack.enter_context(registry.serve(None, None, quiet))
        base = f"{store.prefix}/base"
        found = World(engines, store.prefix, base, folder)
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
