"""A variation that edits the Dockerfile: the script finds the step by its place, and only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.report.script.script import script
from lab.report.script.sides import edits_dockerfile
from tests.report.test_script import LOG, file, perform, recorded


@pytest.mark.parametrize(("edited", "status"), [(True, 0), (False, 1)])
def test_an_edited_instruction_is_found_by_its_place(tmp_path: Path, edited: bool, status: int) -> None:
    made = recorded()
    about = made.run.trials[0].name
    text = made.run.dockerfile.replace("COPY bar", "COPY ./bar") if edited else made.run.dockerfile
    made = replace(made, contexts={about: (file("Dockerfile", text.encode()), file("bar", b"bar\n"))})
    assert edits_dockerfile(made, about) is edited
    log = LOG.replace("COPY bar", "COPY ./bar")
    assert perform(tmp_path, made, "b", "ghcr.io/you", log=log, text=script(made)).returncode == status
