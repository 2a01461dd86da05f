"""What is removed of boxes, and what stays where a removal fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.boxes.notes import Machine, Note, Notes
from lab.errors import BoxError
from lab.machines import daemons
from lab.machines.catalog import Catalog
from lab.machines.kinds.handler import Site
from lab.machines.removal import Removal
from lab.project import Project
from tests.conftest import ROOT


def test_down_where_nothing_was_made_removes_nothing(tmp_path: Path) -> None:
    catalog = Catalog(ROOT / "boxes")
    site = Site.of(Project(tmp_path, tmp_path / "cache"), catalog, lambda event: None)
    assert Removal(site).remove(["local"]) == []


def test_a_machine_that_vagrant_could_not_remove_keeps_its_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {"vagrant": "echo 'VBoxManage died' >&2; exit 1", "virsh": "exit 0"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    # patched: this machine's own libvirt is not for a test to start
    monkeypatch.setattr(daemons, "start_daemons", lambda *words: None)
    project = Project(tmp_path, tmp_path / "cache")
    notes = Notes(project.state)
    machine = Machine(provider="virtualbox", prefix=project.prefix)
    notes.write(Note(box="centos7", lineup="gist", vagrant=machine))
    made = tmp_path / ".vagrant" / "machines" / "centos7" / "virtualbox" / "id"
    made.parent.mkdir(parents=True)
    made.write_text("1", encoding="utf-8")
    # libvirt answers and knows no such machine, which says nothing of VirtualBox's
    with pytest.raises(BoxError, match="cannot destroy centos7: Vagrant ended with status 1"):
        Removal(Site.of(project, Catalog(ROOT / "boxes"), lambda event: None)).remove(["centos7"])
    assert notes.boxes() == ["centos7"]
    assert made.exists()
