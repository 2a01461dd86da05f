"""The engines of a student's folder on a box: the folder is on this machine, and what a build needs is sent by ssh.

The engine is the one of the box, which runs use, too. The box is held while lab works on it.
"""

from __future__ import annotations

import hashlib
import io
import os
import shlex
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab import files
from lab.boxes.base import Box, Command, Tell, failure
from lab.boxes.kinds.table import open_box
from lab.boxes.notes import Notes
from lab.boxes.specs import BoxSpec
from lab.engines.pins import PINS
from lab.errors import UsageError
from lab.files import disk_error
from lab.lessons.engines import BASE, LessonEngine, empty, import_base, make_root
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.project import Project

FOLDER = "lab-lessons"  # in the home folder of the box's user
SENT = "sent"
SECONDS = 120
LABEL = "security.selinux"  # the box's own policy labels its files
# For sh on the box: replaces $1 by what the archive on the input has, or with a second word the file $1 by the input.
UNPACK = """\
rm -rf "$1" && mkdir -p "$1" && exec tar -C "$1" -x -f - -p --no-same-owner --xattrs --xattrs-include=* \\
  --warning=no-unknown-keyword --delay-directory-restore
"""
STORE = 'mkdir -p "$(dirname "$1")" && exec cat > "$1"'
REMOVE = 'rm -rf "$1" 2>/dev/null || sudo -n rm -rf "$1"'  # a client that needs root's rights leaves root's files
# For sh on this machine. A word that is a path in the student's folder becomes the same path on the box.
CLIENT = """\
#!/bin/sh
# Calls the Docker client of this lesson's engine, which is on the box {box}, after the exercise was copied there.
home={home} there={there}
folder=$there line=
case "$PWD/" in "$home"/*) folder=$there${{PWD#"$home"}} ;; esac
for word in "$@"; do
  case "$word/" in "$home"/*) word=$there${{word#"$home"}} ;; esac
  line="$line '$(printf %s "$word" | sed "s/'/'\\\\\\\\''/g")'"
done
copy="rm -rf '$there/exercise' && mkdir -p '$there' && tar -C '$there' -x -f - -p --no-same-owner"
tar -C "$home" -c -f - exercise | {ssh} "$copy" || exit
terminal=
test ! -t 0 || test ! -t 1 || terminal=-t
env="DOCKER_CONFIG={config} DOCKER_BUILDKIT='${{DOCKER_BUILDKIT:-1}}' BUILDX_NO_DEFAULT_ATTESTATIONS=1"
exec {ssh} $terminal "cd '$folder' && env $env {client}$line"
"""
VARIABLES = ("DOCKER_CONFIG", "DOCKER_BUILDKIT", "BUILDX_NO_DEFAULT_ATTESTATIONS")


@dataclass(frozen=True, slots=True)
class BoxEngine(LessonEngine):
    """An engine of a box. `there` is the folder of the student on the box, `student` the one on this machine."""

    there: PurePosixPath
    student: Path

    @property
    def config(self) -> PurePosixPath:
        """The folder of the client's settings on the box."""
        return self.there / "config"

    def place(self, path: Path) -> PurePosixPath:
        """Send a file or a folder of this machine; returns where it is on the box. CommandError if it is refused."""
        target = self.there / SENT / path.name
        try:
            script, content = (UNPACK, archive_of(path)) if path.is_dir() else (STORE, path.read_bytes())
        except OSError as error:
            raise disk_error(path, error) from error
        command = Command(("sh", "-c", script, "sh", str(target)), timeout=SECONDS)
        sent = self.box.feed(command, [content])
        if not sent.ok:
            raise failure(self.box.name, f"send {path.name}", sent, "free space on that box")
        return target

    def client_text(self) -> str:
        """The text of a program for sh that copies the exercise to the box and calls the client there."""
        return CLIENT.format(
            box=self.box.name,
            home=shlex.quote(str(self.student)),
            there=shlex.quote(str(self.there / SENT)),
            ssh=shlex.join(self.box.login().argv),
            config=shlex.quote(str(self.config)),
            client=shlex.join(self.engine.call((), VARIABLES)),
        )


def archive_of(folder: Path) -> bytes:
    """The folder as tar, with modes, times, links and attributes."""
    out = io.BytesIO()

    def with_attributes(member: tarfile.TarInfo) -> tarfile.TarInfo:
        path = folder / member.name
        names = os.listxattr(path, follow_symlinks=False) if hasattr(os, "listxattr") else []
        values = {name: os.getxattr(path, name, follow_symlinks=False) for name in names if name != LABEL}
        # tarfile writes a text that is no UTF-8 back as the bytes that it was decoded from
        records = {f"SCHILY.xattr.{name}": value.decode("utf-8", "surrogateescape") for name, value in values.items()}
        member.pax_headers = {**member.pax_headers, **records}
        return member

    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as made:
        made.add(folder, ".", filter=with_attributes)
    return out.getvalue()


class BoxEngines:
    """The engines of one student's folder on a box, which is brought up when they are opened."""

    def __init__(self, home: Path, project: Project, tell: Tell, box: str) -> None:
        self.home = home.absolute()
        self.project = project
        self.catalog = Catalog(project.boxes, project.cache / PINS)
        self.fleet = Fleet(project, self.catalog, tell)
        self.spec: BoxSpec = self.catalog.box(box)
        self.name = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        self._stack = ExitStack()
        self._opened: dict[str, LessonEngine] = {}

    def check(self, names: Iterable[str]) -> None:
        """Raise UsageError for an engine that nothing is known of, or a box that lab does not reach by ssh."""
        for name in names:
            self.catalog.engine(name)
        if self.spec.kind == "local":
            raise UsageError(f"cannot use {self.spec.name} as the box of a lesson: it is this machine")

    def open(self, names: Iterable[str], known: Mapping[str, str]) -> dict[str, LessonEngine]:
        """Bring the box up, start these engines and give them the base image; raises what `up` raises."""
        wanted = tuple(dict.fromkeys(names))
        if tuple(self._opened) != wanted:
            self.close()
            self._hold("lesson")
            lineup = self.catalog.lineup_of(self.spec.name, "auto")
            (ready,) = self.fleet.up(lineup, [self.spec], wanted=wanted)
            self._stack.callback(ready.box.close)
            there = self._there(ready.box)
            for name, engine in zip(wanted, ready.engines, strict=True):
                folder = self.project.state / "lessons" / self.name
                home = f"{name} on {self.spec.name}"
                self._opened[name] = BoxEngine(home, engine, ready.box, folder, there, self.home)
                _prepare(self._opened[name])
        return dict(self._opened)

    def reset(self, names: Iterable[str]) -> None:
        """Empty these engines but for the base image."""
        for made in self.open(names, {}).values():
            empty(made)

    def stop(self) -> list[str]:
        """Remove the folder on a box that runs, and return it as BOX:FOLDER. The engine stays as those of runs do."""
        self.close()
        box = open_box(self.spec, self.project)
        if box.state() != "running" or not Notes(self.project.state).known_hosts(self.spec.name).exists():
            return []
        self._hold("lesson stop")
        try:
            there = self._there(box)
            found = box.run(["test", "-e", str(there)], timeout=60).ok
            box.check(["sh", "-c", REMOVE, "sh", str(there)], doing=f"remove {there}", timeout=60)
            return [f"{self.spec.name}:{there}"] if found else []
        finally:
            box.close()
            self.close()

    def close(self) -> None:
        """Close the connection, and let other lab processes have the box."""
        self._opened = {}
        self._stack.close()

    def _hold(self, verb: str) -> None:
        self._stack.enter_context(files.hold(self.project.state, [self.spec.name], verb))

    def _there(self, box: Box) -> PurePosixPath:
        home = box.check(["printenv", "HOME"], doing="find the home folder", timeout=60).text
        return PurePosixPath(home, FOLDER, self.name)


def _prepare(made: LessonEngine) -> None:
    """Give the client its settings and the engine its base image, unless they are there: runs remove all images."""
    config = shlex.quote(str(made.config))
    script = f"mkdir -p {config}"
    if made.engine.plugins:
        script += f" && ln -sfn {shlex.quote(str(made.engine.plugins))} {config}/cli-plugins"
    made.box.check(["sh", "-c", script], doing="prepare the lesson", timeout=60)
    if not made.root.exists():
        make_root(made)
    if not made.box.run(made.engine.call(["image", "inspect", "--format", "{{.Id}}", BASE]), timeout=60).ok:
        import_base(made, BASE)
