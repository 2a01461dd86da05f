"""The remedies for what one machine alone has in its folder: lines of the ignore file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lab.explain.remedies.ignore import patterns
from lab.run.vary.axes.contents import UNTRACKED as UNTRACKED_NAME
from lab.run.vary.bench import written
from lab.run.vary.remedies.candidate import Candidate, Ground

GIT = ("git",)
UNTRACKED = ("untracked", "untracked-below")
MOST = 40  # names that a list may have


def ignore(ground: Ground) -> Iterator[Candidate]:
    """Yield a line for .git, and a list of what is sent for files that nobody committed."""
    if axes := ground.among(GIT):
        yield _candidate(
            ground, "ignore-git", axes, "the line .git in the ignore file", ground.ignored + _end(ground) + ".git\n"
        )
    if axes := ground.among(UNTRACKED):
        tops = sorted({entry.path.partition("/")[0] for entry in ground.scene.objects} - {".git"})
        if len(tops) <= MOST:
            names = "".join(f"!{pattern}\n" for pattern in patterns(tops))
            text = f"*\n{names}{ground.ignored}"
            yield _candidate(
                ground, "ignore-untracked", axes, "an ignore file that lets only the names of this project pass", text
            )


def names(ground: Ground) -> Iterator[Candidate]:
    """Yield the names of the files that nobody committed, and the ignore file's own name."""
    if axes := ground.among(UNTRACKED):
        text = "the names of the untracked files in the ignore file; `git ls-files --others` lists yours"
        yield _candidate(ground, "ignore-names", axes, text, ground.ignored + _end(ground) + f"**/{UNTRACKED_NAME}\n")
    if (axes := ground.among(("dockerignore",))) and not ground.ignore_place.startswith(".."):
        text = ground.ignored + _end(ground) + f"{ground.ignore_place}\n"
        found = _candidate(ground, "ignore-itself", axes, "the ignore file excludes itself", text)
        yield replace(found, caution=f"An image that copies the whole context no longer has {ground.ignore_place}")


def _end(ground: Ground) -> str:
    return "" if not ground.ignored or ground.ignored.endswith("\n") else "\n"


def _candidate(ground: Ground, name: str, axes: tuple[str, ...], text: str, after: str) -> Candidate:
    return Candidate(
        name,
        text,
        axes,
        prepare=(written(ground.ignore_place, after),),
        file=ground.ignore_place.removeprefix("../recipe/"),
        before=ground.ignored,
        text_after=after,
    )
