"""What a reader has to know of a run of a user's own project: how its files were sent, and what was replaced."""

from __future__ import annotations

from lab.counting import counted
from lab.results.run import Run

STUBS = "the command of each RUN was replaced by one that touches a file of its own (--stub-runs)"


def project_lines(run: Run) -> list[str]:
    """One sentence a line, the way of the context first; none for a run of a scenario."""
    project = run.project
    if project is None:
        return []
    commit = f", commit {project.commit[:12]}" if project.commit else ""
    lines = [
        f"context {project.folder}{commit}: {counted(project.objects, 'object')}, {size_in_words(project.bytes)}",
        f"sent by {project.sent}",
        "expected of each box: what the producer's rebuild of its own image did",
    ]
    lines += [STUBS] if project.stubs else []
    if project.bases:
        replaced = ", ".join(f"{image} for {name}" for name, image in project.bases.items())
        lines.append(f"base images replaced: {replaced}")
    lines += [f"target {project.target}"] if project.target else []
    lines += [f"named contexts: {', '.join(project.contexts)}"] if project.contexts else []
    lines += [f"secrets, which no record holds: {', '.join(project.private)}"] if project.private else []
    return [*lines, *project.notes]


def size_in_words(size: int) -> str:
    """A number of bytes for people: 12 kB, 210 MB."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}" if size < 10 * factor else f"{size // factor:,} {unit}"
    return f"{size} B"
