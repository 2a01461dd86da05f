"""Cheap commands in place of those of RUN, with the same cache structure: each touches a file of its own."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator
from hashlib import sha256

from lab.buildkit.cachekeys.dockerfile import Dockerfile
from lab.buildkit.cachekeys.instruction import Instruction, json_words
from lab.buildkit.cachekeys.stages import Origin, Stages
from lab.buildkit.cachekeys.state import Options

SLUG = 24  # characters of a command that its file's name keeps, so that a table stays readable
WILD = re.compile(r"[*?]|\[[^]]*\]")
MAKE = "[ -e {path} ] || mkdir -p {folder} || busybox mkdir -p {folder}{touch}"
USER = "echo {name}:x:1000:1000::/:/bin/sh >>/etc/passwd; echo {name}:x:1000: >>/etc/group"


class Stubs:
    """The commands that replace those of one Dockerfile.

    The name of the file comes from the command, so that an edit of the command changes the step, and equal commands
    stay equal. The first stub of a stage makes the users that the Dockerfile names, the last one the paths that other
    stages copy from it.
    """

    def __init__(self, parsed: Dockerfile, options: Options) -> None:
        self._parsed = parsed
        self._stages = Stages(parsed, options)
        self._has_shell = any(item.word == "SHELL" for stage in parsed.stages for item in stage.instructions)

    def line(self, number: int, place: int, item: Instruction) -> str | None:
        """What follows RUN and its flags in place of an instruction of a stage; None for an instruction that stays."""
        if item.word == "ONBUILD":
            rest = item.rest.split(None, 1)
            return f"RUN {self._words([touch(item)])}" if rest and rest[0].upper() == "RUN" else None
        if item.word != "RUN":
            return None
        items = self._parsed.stages[number].instructions
        runs = [other for other, each in enumerate(items) if each.word == "RUN"]
        commands = [touch(item)]
        if place == runs[0] and isinstance(origin := self._stages.origin(number), Origin) and origin.stage is None:
            commands += [USER.format(name=name) for name in self._users()]
        if place == runs[-1]:
            copied = self._copied(number)[1]
            commands += [
                _make(path) for path in dict.fromkeys(self._taken(number)) if _absolute("/", path) not in copied
            ]
        return self._words(commands)

    def _words(self, commands: list[str]) -> str:
        """The commands for a shell; as a list where the Dockerfile sets a shell, which the base may not have.

        None of them makes the build fail: a user who is not root may write nothing.
        """
        text = f"{'; '.join(commands)} || true"
        return json.dumps(["/bin/sh", "-c", text], ensure_ascii=False) if self._has_shell else text

    def _users(self) -> list[str]:
        """The names after USER and --chown that are no numbers."""
        found = []
        for stage in self._parsed.stages:
            for item in stage.instructions:
                given = [item.rest] if item.word == "USER" else [value for name, value in item.flags if name == "chown"]
                found += [name for value in given for name in value.split(":")]
        return [name for name in dict.fromkeys(found) if re.fullmatch(r"[A-Za-z_][\w.-]*", name) and name != "root"]

    def _taken(self, number: int) -> Iterator[str]:
        """The paths that other stages copy or mount from a stage; one with a variable is not known."""
        for stage in self._parsed.stages:
            for item in stage.instructions:
                for name, value in item.flags:
                    if item.word == "COPY" and name == "from" and self._is(value, number, numbers=True):
                        words = json_words(item.rest) or item.rest.split()
                        yield from (word for word in words[:-1] if "$" not in word)
                    if item.word == "RUN" and name == "mount":
                        parts = dict(part.partition("=")[::2] for part in value.split(","))
                        if "source" in parts and self._is(parts.get("from", ""), number, numbers=False):
                            yield parts["source"]

    def _copied(self, number: int) -> tuple[str, set[str]]:
        """The working folder at the end of a stage, and the files that its COPYs surely make, by their names."""
        origin = self._stages.origin(number)
        folder, found = (
            self._copied(origin.stage) if isinstance(origin, Origin) and origin.stage is not None else ("/", set())
        )
        for item in self._parsed.stages[number].instructions:
            if item.word == "WORKDIR":
                folder = _absolute(folder, item.rest)
            if item.word in ("COPY", "ADD"):
                *sources, dest = json_words(item.rest) or item.rest.split() or [""]
                into = len(sources) > 1 or dest.endswith("/") or posixpath.basename(dest) in (".", "..")
                for name in map(posixpath.basename, sources):
                    if "." in name.lstrip(".") and not WILD.search(name):  # of a folder, only the content is copied
                        found.add(_absolute(folder, posixpath.join(dest, name) if into else dest))
        return folder, found

    def _is(self, name: str, number: int, *, numbers: bool) -> bool:
        found = self._stages.source(name, numbers=numbers) if name else None
        return isinstance(found, Origin) and found.stage == number


def touch(item: Instruction) -> str:
    """The command that touches the file of an instruction's own."""
    text = "\n".join([item.rest, *(heredoc.content for heredoc in item.heredocs)])
    words = " ".join(json_words(item.rest) or [item.rest if not item.heredocs else text.partition("\n")[2]])
    slug = re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-")[:SLUG].strip("-")
    return f"true >/.lab-{slug}-{sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"


def _absolute(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def _make(path: str) -> str:
    """A command that makes a path unless it exists: a file if it has a suffix or is in /etc, else a folder."""
    clean = posixpath.normpath("/" + WILD.sub("x", path).lstrip("/"))
    folder, name = posixpath.split(clean)
    if path.endswith("/") or ("." not in name.lstrip(".") and not clean.startswith("/etc/")):
        return MAKE.format(path=shlex.quote(clean), folder=shlex.quote(clean), touch="")
    return MAKE.format(path=shlex.quote(clean), folder=shlex.quote(folder), touch=f"; true >>{shlex.quote(clean)}")
