"""The differences between two machines that change a step of a project, by lab's model of what BuildKit hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.dockerfile import parse, until
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import Options
from lab.buildkit.cachekeys.step import Step
from lab.buildkit.contenthash.entry import Entry, Kind, has_links, walk_key
from lab.buildkit.contenthash.query import content_part
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.context import ignore_matcher
from lab.explain.graph import ancestors
from lab.run.own_project.project import OwnProject

NEW = "lab-new-file"  # a file that no project has
TRIED = 40  # files of which the one that matters most is looked for
ADDED = "# changed by lab\n"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: its name, what it is, the change of a scenario that makes it, and the objects after it."""

    name: str
    summary: str
    change: dict[str, object]
    objects: tuple[Entry, ...]


def differences(project: OwnProject, file: Entry | None) -> Iterator[Difference]:
    """The differences that are tried: on one file, on the first folder of the context, and by a new file."""
    folder = next((entry for entry in project.objects if entry.kind is Kind.DIR), None)
    if file is not None:
        yield from _of_file(project, file)
    if folder is not None:
        yield Difference(
            "folder-mode",
            f"mode 0775 of the folder {folder.path}, as umask 0002 leaves it",
            {"mode": {folder.path: "0775"}},
            _with(project, folder, folder.but(mode=0o775)),
        )
    if not ignore_matcher(project.folder, project.file).match(NEW)[0]:
        new = Entry(NEW, mode=0o644, size=4, content=b"new\n")
        yield Difference(
            "new-file",
            "a file that is not in the repository",
            {"text": {NEW: "new\n"}},
            tuple(sorted((*project.objects, new), key=walk_key)),
        )


def best_file(project: OwnProject, model: Model, instructions: Sequence[str]) -> Entry | None:
    """The file of the context that changes most steps; None for a context without files. The first ones are tried."""
    files = [entry for entry in project.objects if entry.kind is Kind.FILE and not entry.is_hardlink][:TRIED]
    counts = [sum(model.runs(_with(project, file, file.but(mode=file.mode ^ 0o20)), instructions)) for file in files]
    return files[counts.index(max(counts))] if files else None


def _of_file(project: OwnProject, file: Entry) -> Iterator[Difference]:
    path, mode, content = file.path, 0o664 if file.mode != 0o664 else 0o644, file.whole()
    yield Difference(
        "mode",
        f"mode {mode:04o} of {path}, as another umask leaves it",
        {"mode": {path: f"{mode:04o}"}},
        _with(project, file, file.but(mode=mode)),
    )
    yield Difference(
        "user-xattr",
        f"a user.* attribute on {path}",
        {"attribute": {path: {"user.lab": "1"}}},
        _with(project, file, file.but(xattrs={**file.xattrs, "user.lab": b"1"})),
    )
    yield Difference(
        "content",
        f"another content of {path}",
        {"append": {path: ADDED}},
        _with(project, file, file.but(content=content + ADDED.encode())),
    )
    if b"\n" in content and b"\r" not in content and b"\0" not in content:
        yield Difference(
            "crlf",
            f"line ends of Windows in {path}",
            {"line_ends": {path: "crlf"}},
            _with(project, file, file.but(content=content.replace(b"\n", b"\r\n"))),
        )


def _with(project: OwnProject, before: Entry, after: Entry) -> tuple[Entry, ...]:
    return tuple(after if entry is before else entry for entry in project.objects)


def model_of(project: OwnProject, dockerfile: str, rules: Rules) -> Model:
    """Return the model of a project's own build."""
    return Model(project.objects, dockerfile, rules, project.options, project.request.target)


class Model:
    """What the steps of one Dockerfile take of the context, under one rule set."""

    def __init__(
        self, objects: Sequence[Entry], dockerfile: str, rules: Rules, options: Options, target: str | None = None
    ) -> None:
        self._parsed = parse(until(dockerfile, target))
        self._options = options
        self._rules = rules
        self._before = self._contents(objects)

    def runs(self, objects: Sequence[Entry], instructions: Sequence[str]) -> list[bool]:
        """For each instruction, whether it runs with these objects in place of those before."""
        after = self._contents(objects)
        steps = self._steps(lambda copy: None, objects)
        changed = {number for number, step in enumerate(steps) if after.get(number) != self._before.get(number)}
        running = {n for n in range(len(steps)) if n in changed or changed & set(ancestors(steps, n))}
        return [
            any(_is(step, text) and number in running for number, step in enumerate(steps)) for text in instructions
        ]

    def _contents(self, objects: Sequence[Entry]) -> dict[int, str]:
        """The digest of what each step takes of the context, by its number."""
        tree = Tree.read(objects, self._rules)

        def content(copy: Copy) -> str | None:
            part = None if copy.origin else content_part(tree, copy.queries, self._rules)
            return None if part is None else part.text

        return {number: step.content for number, step in enumerate(self._steps(content, objects)) if step.content}

    def _steps(self, content: Callable[[Copy], str | None], objects: Sequence[Entry]) -> tuple[Step, ...]:
        return plan(self._parsed, {}, None, content, self._options, linked=has_links(objects)).steps


def _is(step: Step, instruction: str) -> bool:
    return step.text.split() == instruction.split()
