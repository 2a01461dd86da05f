"""The remedy for modes and attributes: a stage of its own sets them, and the other stages copy from it.

BuildKit hashes what a COPY takes of the context with its modes and attributes, whatever `--chmod` says. A COPY from a
stage is found by the files of that stage, which are the same after the stage has set their modes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.buildkit.cachekeys.dockerfile import Dockerfile, parse
from lab.buildkit.cachekeys.instruction import Instruction
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.errors import ReadError
from lab.run.vary.dockerfiles import lines_of, with_lines
from lab.run.vary.remedies.candidate import Candidate, Ground

STAGE = "lab-files"
AXES = ("selinux", "umask-0002", "umask-0077", "user-xattr", "acl", "capability", "folder-mode", "setgid")
ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")  # names of what ADD may unpack
KEPT = ("chown", "chmod", "link")  # flags that the COPY from the stage has too
RUN = "RUN {tool}cp -RP /lab-in /lab-out && {tool}chmod -R u=rwX,go=rX,a-s /lab-out"


def normalise(ground: Ground) -> Iterator[Candidate]:
    """Yield the remedy where a COPY of the context misses because of modes or attributes."""
    axes = ground.among(AXES)
    scene = ground.scene
    built = normalised(scene.text, scene.objects, ground.tool) if axes else None
    shown = normalised(ground.user_text, scene.objects) if built else None
    if built and shown:
        yield Candidate(
            "normalise",
            f"the stage {STAGE} gives all files the modes 0644 and 0755 and no attributes, and COPY takes them from it",
            axes,
            dockerfile=built,
            own=STAGE,
            before=ground.user_text,
            text_after=shown,
            caution="The steps of that stage run again on such a machine; capabilities and other modes are lost",
        )


def normalised(text: str, objects: Sequence[Entry], tool: str = "") -> str | None:
    """Return the Dockerfile with that stage; None if a COPY of the context has a form that lab does not rewrite.

    `tool` comes before each command.
    """
    try:
        parsed = parse(text)
    except ReadError:
        return None
    if any(item.word == "ADD" and not _is_plain_add(item, objects) for item in _copies(parsed)):
        return None
    folders = {entry.path for entry in objects if entry.kind is Kind.DIR}
    changed: dict[tuple[int, int], str] = {}
    taking: list[str] = []
    for item in _copies(parsed):
        words = item.rest.split()
        if len(words) < 2 or any(mark in item.rest for mark in "$\"'\\[<"):
            return None
        if any(name not in KEPT for name, _ in item.flags):
            return None
        *sources, target = words
        place = f"/lab-out/{len(taking)}/"
        taking.append(f"COPY {' '.join(sources)} /lab-in/{len(taking)}/")
        if not target.endswith("/") and len(sources) == 1 and _is_file(sources[0], folders):
            place += sources[0].rpartition("/")[2]
        flags = " ".join(
            ["COPY", f"--from={STAGE}", *(f"--{name}={value}" if value else f"--{name}" for name, value in item.flags)]
        )
        changed[item.lines] = f"{flags} {place} {target}"
    base = parsed.stages[0].base
    if not taking or base == "scratch":
        return None
    first = parsed.stages[0].lines
    stage = "\n".join([f"FROM {base} AS {STAGE}", *taking, RUN.format(tool=tool)])
    return with_lines(text, {**changed, first: f"{stage}\n\n{lines_of(text, first)}"})


def _copies(parsed: Dockerfile) -> Iterator[Instruction]:
    """Yield each COPY and ADD of the context."""
    for stage in parsed.stages:
        for item in stage.instructions:
            if item.word in ("COPY", "ADD") and not item.heredocs and "from" not in dict(item.flags):
                yield item


def _is_plain_add(item: Instruction, objects: Sequence[Entry]) -> bool:
    """Return whether an ADD does what COPY does: it neither downloads anything nor unpacks an archive."""
    *sources, _ = item.rest.split() or [""]
    is_remote = any("://" in source or source.startswith("git@") for source in sources)
    return not is_remote and not any(entry.path.endswith(ARCHIVES) for entry in objects)


def _is_file(source: str, folders: set[str]) -> bool:
    path = source.strip("/").removeprefix("./")
    return path not in (".", "") and path not in folders and not any(mark in path for mark in "*?")
