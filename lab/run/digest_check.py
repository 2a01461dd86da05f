"""The digests that lab computes, held against those of a real BuildKit: one build for each case of a file of cases."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import Field

from lab.boxes.base import Box, Tell
from lab.buildkit.cachekeys.state import BaseImage
from lab.buildkit.context import read_context
from lab.buildkit.hashed import read
from lab.buildkit.rulebook import Known
from lab.engines import host
from lab.engines.buildkitd import DEBUG_SINCE, BuildkitDaemon, DebugPages, ShownDaemon, debug_pages
from lab.engines.engine import Engine
from lab.engines.kinds.table import kind_of
from lab.engines.spec import EngineSpec
from lab.engines.stock import Stock
from lab.errors import ConfigError, EngineError, Interrupted, LabError, UsageError
from lab.explain.digests import Checked, check, compute
from lab.model import Progress
from lab.registry.client import read_image
from lab.registry.server import Registry
from lab.report.digests import CheckedCase
from lab.run.client_login import logged_in
from lab.silence import OUTPUT
from lab.yamlfile import Strict, load

BUILD_SECONDS = 3600
NUMBER = 50  # of the instance that shows what it hashed: runs use those below, and lessons those above
ROOT = """\
mkdir -p root/bin root/etc
cp "$(command -v busybox)" root/bin/busybox
ln -s busybox root/bin/sh
printf 'root:x:0:0::/:/bin/sh\napp:x:5:6::/:/bin/sh\n' > root/etc/passwd
printf 'root:x:0:\napp:x:6:\n' > root/etc/group
printf 'FROM scratch\nCOPY root /\n' > Dockerfile
"""


class Case(Strict):
    """One build: a Dockerfile, in which {{ base }} is the base image, and a shell script that makes its context."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    summary: str
    dockerfile: str
    make: str = ""


class _File(Strict):
    cases: tuple[Case, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Bench:
    """What the builds use: this machine's shell, a running engine, its debug pages, its rules."""

    shell: Box
    engine: Engine
    pages: DebugPages
    known: Known
    base: BaseImage
    reference: str
    env: Mapping[str, str]  # with it a client can use the registry

    def run(self, case: Case) -> CheckedCase:
        """Build one case and look up its digests."""
        with _folder(case.name) as folder:
            try:
                return CheckedCase(case.name, case.summary, tuple(self._check(case, folder)))
            except Interrupted:
                raise
            except LabError as error:
                return CheckedCase(case.name, case.summary, problem="\n".join([error.message, *error.tail()]))

    def answers(self) -> bool:
        """True if the engine still answers."""
        return self.shell.run(self.engine.call(["debug", "info"]), timeout=60).ok

    def _check(self, case: Case, folder: Path) -> list[Checked]:
        dockerfile = case.dockerfile.replace("{{ base }}", self.reference).replace("{{ case }}", case.name)
        (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        here = PurePosixPath(folder)
        words = ["sh", "-ec", f"umask 022\n{case.make}"]
        self.shell.check(words, cwd=here, env={"CASE": case.name}, doing=f"make the context of {case.name}")
        # BuildKit keeps the last context, and does not notice that only an attribute of an object differs from it
        self.shell.check(self.engine.call(["prune", "--all"]), doing="prune")
        _build(self.shell, self.engine, folder, case.name, env=self.env)
        scratch = dockerfile.split()[1:2] == ["scratch"]
        base = BaseImage(scratch=True) if scratch else self.base
        steps = compute(dockerfile, read_context(folder), base, self.known)
        return check(steps, read(self.pages.texts()))


def read_cases(path: Path) -> list[Case]:
    """The cases of a file; ConfigError for one that is wrong, or for two of one name."""
    found = list(load(path, _File).cases)
    names = [case.name for case in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"cannot use {path}: the case {twice} is listed twice")
    return found


def check_engine(spec: EngineSpec) -> None:
    """Raise UsageError for an engine that cannot show what it hashed."""
    if kind_of(spec).client != "buildctl" or not BuildkitDaemon(spec.name, containerd=False).saves_texts:
        raise UsageError(
            f"cannot compare digests with those of {spec.name}: it does not show what it hashed",
            hint=f"a buildkitd from {'.'.join(map(str, DEBUG_SINCE))} on does: --engine buildkit-0.25.2",
        )


@contextmanager
def open_bench(
    shell: Box, spec: EngineSpec, known: Known, stock: Stock, state: Path, registry: Registry, tell: Tell
) -> Iterator[Bench]:
    """Run the engine on this machine for the time of the context, with a base image in the registry.

    Raises UsageError for an engine that cannot show what it hashed, EngineError if it does not start.
    """
    check_engine(spec)
    try:
        pin = spec.instance(NUMBER)
        host.check_host(pin, ())  # before any download
        engine = host.start(shell, pin, stock.archives(pin, tell), state, tell, ShownDaemon)
        pages = debug_pages(pin.home, state)
        reference = f"{registry.prefix}/digests/base"
        tell(Progress("base image", "making it of this machine's busybox"))
        with logged_in(shell, registry) as env:
            base = _base(shell, engine, reference, registry, env)
            yield Bench(shell, engine, pages, known, base, reference, env)
    finally:
        host.release(shell, state)


def _base(shell: Box, engine: Engine, reference: str, registry: Registry, env: Mapping[str, str]) -> BaseImage:
    """Build the base image and push it; LabError if its facts cannot be read."""
    with _folder("base") as folder:
        shell.check(["sh", "-ec", ROOT], cwd=PurePosixPath(folder), doing="make the base image's files")
        output = ("--output", f"type=image,name={reference},push=true")
        _build(shell, engine, folder, "base", *output, env=env)
    facts = read_image(reference, registry)
    if facts.problem:
        raise LabError(facts.problem)
    return BaseImage(diff_ids=facts.diff_ids, manifests=facts.manifests, env=facts.env)


def run(bench: Bench, cases: Sequence[Case], tell: Tell) -> list[CheckedCase]:
    """Build every case, one after the other."""
    found = []
    for number, case in enumerate(cases, 1):
        tell(Progress("digests", f"{case.name} ({number} of {len(cases)})"))
        found.append(bench.run(case))
        if found[-1].problem is not None and not bench.answers():
            raise EngineError(
                f"cannot build {case.name}: {bench.engine.name} has ended",
                hint="another program may have ended it; if it ends again, its last lines say why",
                output=bench.shell.run(bench.engine.log, timeout=60).output,
            )
    return found


def _build(shell: Box, engine: Engine, folder: Path, name: str, *more: str, env: Mapping[str, str]) -> None:
    locals_ = [word for kind in ("context", "dockerfile") for word in ("--local", f"{kind}={folder}")]
    words = engine.call(["build", "--frontend", "dockerfile.v0", "--progress", "plain", *locals_, *more])
    shell.check(words, env=env, doing=f"build {name}", timeout=BUILD_SECONDS, silence=OUTPUT)


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"lab-digests-{name}-") as folder:
        path = Path(folder, "context")
        path.mkdir()
        path.chmod(0o755)
        yield path
