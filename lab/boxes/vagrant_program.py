"""The program `vagrant` through python-vagrant, which starts it itself: how it is called, and lab's own images."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.errors import HostError
from lab.project import Project

# At its import, python-vagrant warns of a missing Vagrant also where none is needed; the verbs that need it say so.
logging.getLogger("vagrant").addHandler(logging.NullHandler())
import vagrant  # noqa: E402


class _Vagrant(vagrant.Vagrant):
    """python-vagrant, whose `up` has no option to keep a machine that does not boot.

    Its verbs of snapshots name no machine, so that Vagrant would use all of them.
    """

    def snapshot(self, verb: str, *words: str) -> str:
        """Call `vagrant snapshot` with these words, and return what it prints."""
        return str(self._run_vagrant_command(["snapshot", verb, *words]))  # type: ignore[no-untyped-call]

    def _make_vagrant_command(self, args: list[str]) -> Any:
        more = ["--no-destroy-on-error"] if args[:1] == ["up"] else []
        return super()._make_vagrant_command([*args[:1], *more, *args[1:]])  # type: ignore[no-untyped-call]


def vagrant_for(project: Project, *, variables: Mapping[str, str] | None = None, **streams: Any) -> Any:
    """python-vagrant for the Vagrantfile of the project; `variables` are added to its environment."""
    project.prepare_vagrant()
    env = {**os.environ, **project.vagrant_variables, **(variables or {})}
    return _Vagrant(str(project.root), env=env, **streams)  # type: ignore[no-untyped-call]  # it has no types


def add_box(project: Project, name: str, file: Path) -> None:
    """Give a baked image to Vagrant under that name unless it has it; older images of the same box are removed."""
    machine = vagrant_for(project)
    try:
        have = {box.name for box in machine.box_list()}
        if name not in have:
            machine.box_add(name, str(file), provider="libvirt")
        stem = name.rpartition("-")[0]
        for old in have - {name}:
            if old.rpartition("-")[0] == stem:
                machine.box_remove(old, "libvirt")
    except (subprocess.CalledProcessError, RuntimeError) as error:
        raise HostError(
            f"cannot add {file.name} to Vagrant: {error}", hint="python -m lab doctor names what is missing"
        ) from error
