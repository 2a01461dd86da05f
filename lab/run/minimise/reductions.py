"""The kinds of reduction, in the order in which they are tried: each makes the smallest candidate of its kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.state import Options
from lab.errors import LabError
from lab.run.minimise.candidate import Candidate, File
from lab.run.minimise.ddmin import minimal_or_none
from lab.run.own_project.stubs import Stubs
from lab.run.random_trials.pieces import Piece, only, pieces_of, words_of

Holds = Callable[[Candidate], bool]
Reduce = Callable[[Candidate, Holds], Candidate]
TRUE = "RUN true"


@dataclass(frozen=True, slots=True)
class Reduction:
    """One kind of reduction: its name, what it does in words, and the function that makes it."""

    name: str
    doing: str
    reduce: Reduce


def commands(candidate: Candidate, holds: Holds) -> Candidate:
    """Replace the commands of RUN by ones that make only what other instructions need."""
    return _replaced(candidate, _stubs(candidate), holds)


def shortest(candidate: Candidate, holds: Holds) -> Candidate:
    """Replace each RUN that is left by `RUN true`."""
    places = _runs(candidate)
    return _replaced(candidate, {place: TRUE for place in places if _line(candidate, place) != TRUE}, holds)


def lines(candidate: Candidate, holds: Holds) -> Candidate:
    """Leave out stages, instructions and names of stages."""
    return _pieces(candidate, ("line", "start", "name", "before"), holds)


def change(candidate: Candidate, holds: Holds) -> Candidate:
    """Leave out parts of the difference itself."""
    return _pieces(candidate, ("change",), holds)


def options(candidate: Candidate, holds: Holds) -> Candidate:
    """Leave out build arguments and flags."""
    return _pieces(candidate, ("argument", "flag"), holds)


def words(candidate: Candidate, holds: Holds) -> Candidate:
    """Leave out words of instructions: sources and flags of COPY, variables."""
    every = [piece for piece in words_of(candidate.build) if not _is_run(candidate, piece)]
    return _without(candidate, every, holds)


def tree(candidate: Candidate, holds: Holds) -> Candidate:
    """Leave out folders and files of the context, level by level from its top."""
    level = 1
    while any(path.count("/") >= level - 1 for path in candidate.files):
        nodes = sorted({"/".join(path.split("/")[:level]) for path in candidate.files if path.count("/") >= level - 1})
        folders = [node for node in nodes if node not in candidate.files]
        nodes = [*folders, *(node for node in nodes if node in candidate.files)]
        whole = candidate

        def kept(left: Sequence[str], whole: Candidate = whole, nodes: Sequence[str] = nodes) -> Candidate:
            return _with_nodes(whole, set(nodes) - set(left))

        left = minimal_or_none(nodes, lambda left, kept=kept: holds(kept(left)))  # type: ignore[misc]
        candidate = kept(left)
        level += 1
    return candidate


def attributes(candidate: Candidate, holds: Holds) -> Candidate:
    """Leave out modes, attributes, links and times that both sides have, and make files not executable."""
    candidate = _pieces(candidate, ("prepare",), holds)
    paths = [path for path, file in candidate.files.items() if file.executable]
    return _with_files(candidate, paths, lambda file: replace(file, executable=False), holds)


def contents(candidate: Candidate, holds: Holds) -> Candidate:
    """Make files empty."""
    paths = [path for path, file in candidate.files.items() if file.content]
    return _with_files(candidate, paths, lambda file: replace(file, content=b""), holds)


REDUCTIONS = (
    Reduction("commands", "replacing the commands of RUN", commands),
    Reduction("change", "leaving out parts of the difference", change),
    Reduction("instructions", "leaving out stages and instructions", lines),
    Reduction("options", "leaving out build arguments and flags", options),
    Reduction("files", "leaving out folders and files", tree),
    Reduction("attributes", "leaving out modes and attributes", attributes),
    Reduction("contents", "emptying files", contents),
    Reduction("words", "leaving out words of instructions", words),
    Reduction("short commands", "shortening RUN", shortest),
)
AGAIN = ("instructions", "files", "words")  # tried until none of them finds anything


def _pieces(candidate: Candidate, kinds: Collection[str], holds: Holds) -> Candidate:
    return _without(candidate, [piece for piece in pieces_of(candidate.build) if piece.kind in kinds], holds)


def _without(candidate: Candidate, every: Sequence[Piece], holds: Holds) -> Candidate:
    """The candidate with as few of these pieces as possible."""

    def kept(left: Sequence[Piece]) -> Candidate | None:
        build = only(candidate.build, left, every)
        return None if build is None else candidate.with_build(build)

    def is_enough(left: Sequence[Piece]) -> bool:
        found = kept(left)
        return found is not None and holds(found)

    return kept(minimal_or_none(every, is_enough)) or candidate


def _with_nodes(candidate: Candidate, gone: set[str]) -> Candidate:
    """The candidate without these files and folders."""
    paths = [path for path in candidate.files if gone & set(_ways(path))]
    return candidate.without([*paths, *gone])


def _ways(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]


def _with_files(candidate: Candidate, paths: Sequence[str], make: Callable[[File], File], holds: Holds) -> Candidate:
    """The candidate with as few of these files as possible left as they are."""

    def changed(left: Sequence[str]) -> Candidate:
        gone = set(paths) - set(left)
        files = {path: make(file) if path in gone else file for path, file in candidate.files.items()}
        return replace(candidate, files=files)

    return changed(minimal_or_none(paths, lambda left: holds(changed(left))))


def _replaced(candidate: Candidate, texts: dict[tuple[int, int], str], holds: Holds) -> Candidate:
    """The candidate with as few as possible of these lines left as they are; `texts` has the others."""
    places = list(texts)

    def changed(left: Sequence[tuple[int, int]]) -> Candidate:
        new = {place: text for place, text in texts.items() if place not in left}
        stages = tuple(
            stage.model_copy(
                update={"lines": tuple(new.get((at, number), line) for number, line in enumerate(stage.lines))}
            )
            for at, stage in enumerate(candidate.build.stages)
        )
        return candidate.with_build(candidate.build.model_copy(update={"stages": stages}))

    return changed(minimal_or_none(places, lambda left: holds(changed(left))))


def _stubs(candidate: Candidate) -> dict[tuple[int, int], str]:
    """By the place of each RUN, one that only makes what other instructions need."""
    try:
        parsed = parse(candidate.build.dockerfile)
        stubs = Stubs(parsed, Options(build_args=dict(candidate.build.arguments)))
    except LabError:
        return {}
    found = {}
    for at, stage in enumerate(parsed.stages):
        for number, item in enumerate(stage.instructions):
            if (text := stubs.line(at, number, item)) is not None:
                found[at, number] = f"{item.word} {text}"
    return {place: text for place, text in found.items() if _line(candidate, place) != text}


def _runs(candidate: Candidate) -> list[tuple[int, int]]:
    return [
        (at, number)
        for at, stage in enumerate(candidate.build.stages)
        for number, line in enumerate(stage.lines)
        if line.split(None, 1)[0].upper() == "RUN"
    ]


def _line(candidate: Candidate, place: tuple[int, int]) -> str:
    return candidate.build.stages[place[0]].lines[place[1]]


def _is_run(candidate: Candidate, piece: Piece) -> bool:
    at, number, _ = piece.place
    return _line(candidate, (int(at), int(number))).split(None, 1)[0].upper() == "RUN"
