"""What a script needs for a user's own project: a Dockerfile beside the context, files that are too large for it."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.explain.build_values import flag
from lab.report.evidence import Evidence
from lab.report.project import size_in_words
from lab.report.script import shell
from lab.results.facts import Given, ProjectFacts

SHOWN = 5  # files that are too large, by name

# For runs of a user's own project.
PROJECT = r"""
take() { # what is missing, where it comes from: copy the project's files, of which the script sets the rest
    [ -n "${LAB_CONTEXT:-}" ] || fail "$1; set LAB_CONTEXT to a copy of $2"
    tar -C "$LAB_CONTEXT" -cf - . | tar -xpf -
}

same() { # sha256, file
    printf '%s  %s\n' "$1" "$2" | sha256sum -c - >/dev/null 2>&1 || fail "$2 of LAB_CONTEXT is not the file of the run"
}

own() { # kind, name, path beside the context: a secret, or a named folder, which are in no run
    [ -e "${LAB_OWN:-}/$2" ] || fail "the run had the $1 $2: set LAB_OWN to a folder with it"
    mkdir -p "${3%/*}"
    cp -R "$LAB_OWN/$2" "$3"
}
"""


def missing(objects: Sequence[Entry]) -> list[Entry]:
    """The files whose content no run stores, because it is too large."""
    return [item for item in objects if item.kind is Kind.FILE and item.chunks() is None]


def taken(project: ProjectFacts, objects: Sequence[Entry]) -> list[str]:
    """Commands that copy the project's files and check those that the script does not hold."""
    lost = missing(objects)
    if not lost:
        return []
    names = [f"{item.path} ({size_in_words(item.size)})" for item in sorted(lost, key=lambda item: -item.size)[:SHOWN]]
    names += [f"{len(lost) - SHOWN} more"] if len(lost) > SHOWN else []
    what = f"too large for a script: {', '.join(names)}"
    where = project.folder + (f" at commit {project.commit}" if project.commit else "")
    checks = [f"same {item.sha256} {shell.word('./' + item.path)}" for item in lost if item.sha256]
    return [f"take {shell.word(what)} {shell.word(where)}", *checks]


def beside(evidence: Evidence, given: Given, dockerfile: str | None = None) -> list[str]:
    """Commands that make what lies beside the context: the Dockerfile that was built, named folders, secrets.

    `dockerfile` is the text of that Dockerfile if it is another one than that of the run.
    """
    project = evidence.run.project
    if project is None:
        return []
    path = flag("file", given.flags) or "Dockerfile"
    lines = [f"recipe={shell.word(path)}"]
    if path.startswith("../"):
        lines.append(f"mkdir -p {shell.word(path.rpartition('/')[0])}")
        lines.append(_printed(evidence.run.dockerfile if dockerfile is None else dockerfile, path))
        lines += [_printed(project.ignore, f"{path}.dockerignore")] if project.ignore is not None else []
    lines += [f"own folder {shell.word(name)} ../contexts/{number}" for number, name in enumerate(project.contexts)]
    private = [(number, name) for number, name in enumerate(project.private) if f"../secrets/{number}" in _all(given)]
    return lines + [f"own secret {shell.word(name)} ../secrets/{number}" for number, name in private]


def _all(given: Given) -> str:
    return " ".join(given.flags)


def _printed(text: str, path: str) -> str:
    command = shell.printing(text.encode("utf-8", "surrogateescape"))
    first, _, rest = command.partition("\n") if command.startswith("base64") else (command, "", "")
    return f"{first} >{shell.word(path)}" + (f"\n{rest}" if rest else "")
