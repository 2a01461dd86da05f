"""Stand-ins for engines and records: candidates are judged without Docker. No trial of these tests is a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.contenthash.entry import Entry, Kind, walk_key
from lab.errors import LabError
from lab.model import Outcome
from lab.results.contexts import pack
from lab.results.run import Run, load
from lab.run.changes.table import NamedChange
from lab.run.minimise.bench import Seen
from lab.run.minimise.candidate import Candidate, File
from lab.run.minimise.model import Model
from lab.run.minimise.parts import part, paths_of, value_of
from lab.run.minimise.start import _candidate
from lab.run.random_trials.case import BASE
from tests.conftest import ROOT
from tests.vectors import BOOK

HIT, RAN = Outcome.HIT, Outcome.RAN
STORED: Run = load(ROOT / "tests" / "data" / "runs" / "explained")
ENGINE = "26.1.5"
DOCKERFILE = """\
FROM {{base}}
ENV A=1 B=2
RUN install everything
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install
COPY src ./src
COPY . .
RUN make
LABEL x=y
CMD ["./app"]
"""
GUILTY = "src/m3/deep/f7.txt"


def project(count: int = 300, dockerfile: str = DOCKERFILE, guilty: str = GUILTY) -> Candidate:
    """A project of so many files in folders, of which one has an attribute on the consumer alone."""
    files = {name: File(b"{}\n") for name in ("package.json", "package-lock.json", "README.md")}
    for number in range(count - len(files) - 1):
        folder = ("src", "docs", "test")[number % 3]
        name = f"{folder}/m{number // 3 % 9}/{'deep/' if number % 2 else ''}f{number}.txt"
        files[name] = File(f"{number}\n".encode(), number % 20 == 0)
    files[guilty] = File(b"guilty\n", executable=True)
    modes = [part("mode", {name: "0600"}) for name in list(files)[5:40]]
    changes = [part("attribute", {guilty: {"user.lab": "1"}})]
    return _candidate("project", "user-xattr", dockerfile, files, modes, changes, None)


def entries(candidate: Candidate, changes: Sequence[NamedChange]) -> list[Entry]:
    """The records of a context, as gathered on a box with the usual umask."""
    found = {"Dockerfile": Entry("Dockerfile", content=candidate.build.dockerfile.encode())}
    for path, file in candidate.files.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            found[folder] = Entry(folder, Kind.DIR, 0o755)
        found[path] = Entry(
            path, mode=0o755 if file.executable else 0o644, size=len(file.content), content=file.content
        )
    for item in changes:
        for path in paths_of(item) & set(found):
            value = value_of(item)[path]
            if item.kind == "mode":
                found[path] = found[path].but(mode=int(value, 8))
            if item.kind == "append":
                found[path] = found[path].but(content=candidate.files[path].content + value.encode())
            if item.kind == "attribute":
                found[path] = found[path].but(xattrs={name: text.encode() for name, text in value.items()})
    return sorted(found.values(), key=walk_key)


def start_run(candidate: Candidate, changes: Sequence[NamedChange] | None = None) -> Run:
    """The run of the start with made-up records: its trials are without and with the change, or with other changes."""
    base = next(trial for trial in STORED.trials if trial.engine == ENGINE)
    made = next(item for item in STORED.productions if item.engine == ENGINE)
    contexts = {}
    keys, contents = [], {}
    more = candidate.build.change if changes is None else changes
    for made_changes in (candidate.build.prepare, (*candidate.build.prepare, *more)):
        packed = pack(entries(candidate, made_changes), None, list(BOOK.rule_sets.values()))
        contexts[packed.key] = packed.context
        contents.update(packed.contents)
        keys.append(packed.key)
    reference = base.model_copy(update={"variation": "none", "context": keys[0]})
    other = base.model_copy(update={"variation": candidate.variation, "context": keys[1]})
    assert STORED.base
    return STORED.model_copy(
        update={
            "dockerfile": candidate.build.dockerfile.replace(BASE, STORED.base.reference),
            "productions": (made.model_copy(update={"context": keys[0]}),),
            "trials": (reference, other),
            "contexts": contexts,
            "contents": contents,
        }
    )


class Engine:
    """Stands in for an engine, with rules of its own: a COPY misses if one of its sources has the changed file.

    `needs` are files without which the build has no difference, and `broken` is a text that makes the build fail.
    """

    def __init__(self, needs: Sequence[str] = (), broken: str | None = None) -> None:
        self.needs = needs
        self.broken = broken
        self.built: list[Candidate] = []

    def make(self, candidate: Candidate) -> Seen:
        self.built.append(candidate)
        try:
            parsed = parse(candidate.build.dockerfile)
        except LabError as error:
            return Seen(problem=error.message)
        changed = {path for item in candidate.build.change for path in paths_of(item)}
        if self.broken and self.broken not in candidate.build.dockerfile:
            return Seen(problem="the build failed")
        steps, outcomes, missed = [], [], False
        for item in parsed.stages[-1].instructions:
            if item.word not in ("RUN", "COPY"):
                continue
            steps.append(item.text)
            if item.word == "COPY":
                sources = item.rest.split()[:-1]
                taken = [self._taken(candidate, source) for source in sources]
                if not sources or not all(taken):
                    return Seen(problem="a source is missing")
                hurt = any(path in changed for paths in taken for path in paths)
                missed = missed or (hurt and set(self.needs) <= set(candidate.files))
            outcomes.append(RAN if missed else HIT)
        return Seen(steps=tuple(steps), reference=(HIT,) * len(steps), subject=tuple(outcomes), seconds=1.0)

    def _taken(self, candidate: Candidate, source: str) -> list[str]:
        clean = source.removeprefix("./").rstrip("/")
        if clean in ("", "."):
            return ["Dockerfile", *candidate.files]
        return [path for path in candidate.files if path == clean or path.startswith(f"{clean}/")]


class ModelEngine:
    """Stands in for an engine by the model of the cache itself, for Dockerfiles of several stages.

    With `stages_run`, a RUN of the first of several stages runs where another step does.
    """

    def __init__(self, model: Model, *, stages_run: bool = False) -> None:
        self.model = model
        self.stages_run = stages_run

    def make(self, candidate: Candidate) -> Seen:
        found = self.model.difference(candidate)
        if found is None:
            return Seen(steps=("COPY x y",), reference=(HIT,), subject=(HIT,))
        steps: tuple[str, ...] = (f"{found.word} x y",)
        if self.stages_run and len(candidate.build.stages) > 1:
            steps = ("RUN x", *steps)
        count = len(steps)
        return Seen(steps=steps, reference=(found.reference,) * count, subject=(found.subject,) * count)


def replaced(candidate: Candidate, **fields: object) -> Candidate:
    return replace(candidate, **fields)  # type: ignore[arg-type]
