"""The program `vagrant`: a verb that prints nothing is ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.boxes import vagrant as module
from lab.boxes.address import Address
from lab.errors import BoxError
from lab.notices import Notice, Silent, listening
from tests.boxes.test_vagrant import box
from tests.conftest import ROOT


def test_a_verb_without_a_word_of_vagrant_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = box(tmp_path, "centos7", monkeypatch, "echo suspending; while :; do sleep 0.1; done")
    note = guest.notes.read("centos7")
    assert note
    guest.notes.write(note.model_copy(update={"address": Address(host="127.0.0.1", port=1, user="vagrant")}))
    monkeypatch.setattr(module, "VERB_SECONDS", 2.0)  # it is five minutes
    heard: list[Notice] = []
    with listening(heard.append), pytest.raises(BoxError) as caught:
        guest.suspend()
    assert caught.value.message == "cannot suspend centos7: Vagrant printed nothing for 2 s"
    assert caught.value.tail() == ["suspending"]
    assert caught.value.hint and "LAB_SILENCE" in caught.value.hint
    assert [type(notice) for notice in heard] == [Silent]


def test_a_machine_without_vagrant_is_not_told_of_it_at_the_import() -> None:
    argv = [sys.executable, "-c", "import lab.boxes.vagrant_program"]
    done = subprocess.run(argv, cwd=ROOT, env={"PATH": "/nonexistent"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
