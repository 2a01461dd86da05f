"""The builds of a check, on the engines of the student's folder; every one is made once, when a condition needs it."""

from __future__ import annotations

import importlib
import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lab.boxes.base import Result, Tell, failure
from lab.boxes.local import LocalBox
from lab.errors import LabError, ReadError, UsageError, reason
from lab.lessons.client import SECONDS, SILENCE, Logins, run_client
from lab.lessons.dockerfiles import read_dockerfile
from lab.lessons.engines import BASE, EMPTYING, LessonEngine, import_base, write_unlike
from lab.lessons.evidence import FOLDER, START, Made
from lab.lessons.folder import StudentFolder, copy_start
from lab.lessons.lesson_file import CheckBuild
from lab.lessons.library import Lesson
from lab.model import Outcome
from lab.run.builders.caching import Caching
from lab.run.builders.copying import path_in_image
from lab.run.changes.inside import is_inside, need_inside
from lab.run.changes.table import NamedChange
from lab.workers import Background

if TYPE_CHECKING:
    from lab.buildkit.contenthash.rules import Rules
    from lab.registry.image_entry import ImagePath
    from lab.registry.server import Registry

SECOND = "second"
REPOSITORY = "lesson-check"
# What a build needs before and after the engine has made it. It is imported while the engine works.
WANTED = ("lab.run.own_project.rewriting", "lab.buildkit.progress.reader")
LATEST = 1 << 31  # seconds: a time in an archive


@dataclass
class Bench:
    """The evidence of one check. `scratch` holds the copies that are built, `nonce` is in no other check's images."""

    lesson: Lesson
    student: StudentFolder
    engines: Mapping[str, LessonEngine]
    boxes: Path
    scratch: Path
    registry: Registry | None
    nonce: str
    start: Path
    _made: dict[str, Made] = field(default_factory=dict)
    _errors: dict[str, LabError] = field(default_factory=dict)
    _jobs: dict[str, Background[None]] = field(default_factory=dict)
    _over: bool = False
    _bases: dict[str, str] = field(default_factory=dict)
    _images: list[tuple[LessonEngine, str]] = field(default_factory=list)

    @cached_property
    def _logins(self) -> Logins:
        return Logins(self.scratch, self.registry)

    @property
    def folder(self) -> Path:
        """The folder that the student edits."""
        return self.student.exercise

    @property
    def home(self) -> Path:
        """The student's folder of the lesson."""
        return self.student.home

    @property
    def rules(self) -> Sequence[Rules]:
        """The rule set of the lesson's engine."""
        from lab.buildkit.rulebook import Rulebook

        return (Rulebook(self.boxes).need(self.lesson.file.engine.partition("+")[0]).rules,)

    @property
    def engine(self) -> LessonEngine:
        """The engine that the student uses."""
        return self.engines[self.lesson.file.engine]

    def side(self, name: str) -> Path:
        """The folder that a name stands for."""
        places = {START: self.start, FOLDER: self.folder}
        return places[name] if name in places else self.made(name).context

    def expect(self, names: Collection[str]) -> None:
        """Begin with these builds, after all builds before them, while the caller does something else."""
        builds = self.lesson.file.exercise.builds
        last = max((number for number, build in enumerate(builds) if build.name in names), default=-1)
        before: Background[None] | None = None
        for build in builds[: last + 1]:
            if build.name not in self._jobs:
                self._jobs[build.name] = Background(f"build {build.name}", partial(self._make_after, before, build))
            before = self._jobs[build.name]
        for name in WANTED:
            importlib.import_module(name)

    def made(self, name: str) -> Made:
        """The build of this name, after all builds before it."""
        self.expect((name,))
        self._jobs[name].settle()
        if name in self._errors:
            raise self._errors[name]
        return self._made[name]

    def _make_after(self, before: Background[None] | None, build: CheckBuild) -> None:
        """Make one build when the one before it has ended; builds that nobody needs any more are left out."""
        if before:
            before.settle()
        if self._over:
            return
        try:
            self._made[build.name] = self._make(build)
        except LabError as error:
            self._errors[build.name] = error

    def has_image(self, tag: str) -> bool:
        """True if the student's engine has the image."""
        return self._run(self.engine, ["image", "inspect", "--format", "{{.Id}}", tag]).ok

    def read_image(self, reference: str, path: str) -> ImagePath | None:
        """What an image of the student's engine has at a path."""
        made = self.engine

        def docker(words: Sequence[str], doing: str) -> Result:
            return made.box.check(made.engine.call(words), doing=doing, timeout=SECONDS, silence=SILENCE)

        return path_in_image(docker, lambda words: self._run(made, words), reference, path)

    def clear(self) -> None:
        """Wait for a build that was begun, and remove the images of this check; a failure costs only space."""
        self._over = True
        for job in self._jobs.values():
            job.settle()
        for one in {id(engine): engine for engine, _ in self._images}.values():
            names = [name for engine, name in self._images if engine is one]
            self._run(one, ["rmi", "-f", *names])

    def _make(self, build: CheckBuild) -> Made:
        engine = self._engine_of(build)
        folder = self.scratch / build.name
        context = folder / "context"
        made = Made(context, self._reference(build.name), arguments=build.arguments)
        try:
            folder.mkdir()
            shutil.copytree(self.start if build.of == START else self.folder, context, symlinks=True)
            apply_changes(context, build.changes)
            self._write_dockerfile(build, context, folder, engine)
            there = engine.place(folder)
        except (OSError, shutil.Error) as error:
            return replace(made, problem=f"the folder cannot be copied: {reason(error)}")
        except UsageError:  # `rewritten` found no such image
            return replace(made, problem=f"the Dockerfile has no FROM {BASE}")
        except ReadError as error:
            return replace(made, problem=error.message)
        except LabError as error:  # a change that does not fit what the student has left of the files
            return replace(made, problem="; ".join([error.message, *error.tail()[-1:]]))
        result = self._run(engine, self._words(build, there), buildkit=build.builder == "buildkit")
        if result.ok and build.cache and self.registry:
            result = self._pushed(engine, made.reference, result)
        return _read(made, result)

    def _engine_of(self, build: CheckBuild) -> LessonEngine:
        """The engine of a build; the second one is emptied."""
        if build.where != SECOND:
            return self.engine
        engine = self.engines[str(self.lesson.file.second)]
        for words in EMPTYING:
            self._run(engine, list(words))
        self._bases.pop(engine.home, None)
        return engine

    def _reference(self, name: str) -> str:
        prefix = f"{self.registry.prefix}/" if self.registry else ""
        return f"{prefix}{REPOSITORY}/{name}:{self.nonce}"

    def _base(self, engine: LessonEngine) -> str:
        """A base image of this check on an engine: with a registry, the one that both engines pull by its digest."""
        if engine.home not in self._bases:
            if engine is not self.engine:
                self._bases[engine.home] = self._base(self.engine)
            else:
                reference = self._reference("base")
                archive = self.scratch / "base.tar"
                write_unlike(engine.root, archive, int(self.nonce, 16) % LATEST)
                import_base(engine, reference, archive)
                self._images.append((engine, reference))
                if self.registry:
                    pushed = self._run(engine, ["push", reference])
                    if not pushed.ok:
                        raise failure(engine.box.name, "push the base image", pushed)
                    repository, _, tag = reference.partition("/")[2].rpartition(":")
                    reference = f"{reference.rpartition(':')[0]}@{self.registry.digest(repository, tag)}"
                self._bases[engine.home] = reference
        return self._bases[engine.home]

    def _write_dockerfile(self, build: CheckBuild, context: Path, folder: Path, engine: LessonEngine) -> None:
        """Write the Dockerfile on this check's base image beside the context, with its own ignore file."""
        base = self._base(engine)  # first: `expect` imports what follows at the same time
        from lab.buildkit.cachekeys.state import Options
        from lab.run.own_project.rewriting import rewritten

        name = build.file or "Dockerfile"
        own = f"{name}.dockerignore"
        for path in (name, own):
            if not is_inside(context, path):
                raise ReadError(f"{path} leads out of the folder through a link")
        text = read_dockerfile(context / name, errors="replace")
        options = Options(build_args=dict(build.arguments))
        target = folder / "Dockerfile"
        target.write_text(rewritten(text, {BASE: base}, options, stubs=False), encoding="utf-8")
        if (context / own).is_file():
            shutil.copyfile(context / own, folder / "Dockerfile.dockerignore")

    def _words(self, build: CheckBuild, there: PurePosixPath) -> list[str]:
        words = ["build", *(["--progress=plain"] if build.builder == "buildkit" else [])]
        caching = Caching(build.cache or "inline", PurePosixPath(self.scratch))
        reference = self._reference(build.name)
        if build.cache == "inline":
            words += ["--build-arg", "BUILDKIT_INLINE_CACHE=1"]
        elif build.cache:
            words += ["--cache-to", caching.exported(reference)]
        for source in build.cache_from:
            kind = next(item.cache for item in self.lesson.file.exercise.builds if item.name == source) or "inline"
            name = self._reference(source)
            used = Caching(kind, PurePosixPath(self.scratch)).imported(name)
            words += ["--cache-from", name if kind == "inline" else used]
        words += [word for name, value in build.arguments.items() for word in ("--build-arg", f"{name}={value}")]
        words += ["--target", build.target] if build.target else []
        return [*words, "--file", str(there / "Dockerfile"), "--tag", reference, str(there / "context")]

    def _pushed(self, engine: LessonEngine, reference: str, result: Result) -> Result:
        pushed = self._run(engine, ["push", reference])
        return result if pushed.ok else pushed

    def _run(self, engine: LessonEngine, words: Sequence[str], *, buildkit: bool = True) -> Result:
        if "--tag" in words:
            self._images.append((engine, words[words.index("--tag") + 1]))
        return run_client(engine, words, buildkit=buildkit, config=self._logins.of(engine))


def apply_changes(folder: Path, changes: Sequence[NamedChange]) -> None:
    """Make changes in a folder of this machine; CommandError if one cannot be made, or if a link leads out of it."""
    shell = LocalBox("this machine")
    for item in changes:
        doing = f"make the change {item.kind}"
        for command in item.change.commands():
            need_inside(folder, command, doing)
            shell.check(list(command.argv), doing=doing, cwd=PurePosixPath(folder))


def _read(made: Made, result: Result) -> Made:
    """What the output of a build shows; a build that failed has the last line of it as its problem."""
    from lab.buildkit.progress.reader import read_builds

    output = result.stdout + result.stderr
    builds = [build for build in read_builds(output) if build.steps]
    steps = tuple(
        (step.instruction, step.outcome)
        for build in builds[-1:]
        for step in build.steps
        if step.outcome != Outcome.BASE
    )
    if result.ok:
        return replace(made, steps=steps)
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return replace(made, steps=steps, problem=lines[-1] if lines else "it printed nothing")


@contextmanager
def open_bench(
    lesson: Lesson, student: StudentFolder, engines: Mapping[str, LessonEngine], boxes: Path, state: Path, tell: Tell
) -> Iterator[Bench]:
    """The evidence of one check for the time of the context; its copies and images are removed afterwards."""
    needs_registry = any(build.cache or build.where == SECOND for build in lesson.file.exercise.builds)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-lesson-")))
        start = scratch / "start"
        copy_start(lesson.start, start)
        registry = None
        if needs_registry:
            from lab.registry import server

            used = list({id(engine.box): engine.box for engine in engines.values()}.values())
            registry = stack.enter_context(server.serve(None, None, tell, store=state, boxes=used))
            stack.enter_context(server.doors(registry, used))
        bench = Bench(lesson, student, engines, boxes, scratch / "builds", registry, secrets.token_hex(6), start)
        bench.scratch.mkdir()
        stack.callback(bench.clear)
        yield bench
