"""How the login for a run's registry gets to a client on a box, and what nobody else can read."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import Transcript
from lab.errors import CommandError
from lab.registry.credentials import Credentials
from lab.registry.server import HIDDEN, Registry
from lab.run.client_login import adding_settings, logged_in, make_folders

OURS = Registry("localhost:5009", "docker-registry", 5009, credentials=Credentials.random())
EXTERNAL = Registry("docker.io/me", "external")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def made(home: Path, registry: Registry) -> Path:
    """The folder of one side of a trial, made below this home folder."""
    side = PurePosixPath(home, "lab-runs", "r", "e", "produce")
    make_folders(LocalBox("here"), registry, side / "config", side / "context")
    return Path(side)


def test_a_folder_of_runs_that_others_can_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "lab-runs").mkdir(mode=0o755)
    made(tmp_path, OURS)
    assert mode(tmp_path / "lab-runs") == 0o700


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_only_the_user_of_a_box_can_enter_the_folder_of_runs(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        side = made(tmp_path, OURS)
    finally:
        os.umask(before)
    assert mode(tmp_path / "lab-runs") == 0o700
    assert mode(side / "config" / "config.json") == 0o600
    assert mode(side / "context") == 0o777 & ~umask  # what BuildKit hashes stays as it was
    assert (side / "config" / "config.json").read_bytes() == OURS.client_config


def test_an_external_registry_gets_the_login_of_the_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not (made(tmp_path / "none", EXTERNAL) / "config" / "config.json").exists()
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"auths": {}}', encoding="utf-8")
    side = made(tmp_path / "one", EXTERNAL)
    assert (side / "config" / "config.json").read_text(encoding="utf-8") == '{"auths": {}}'
    assert mode(side / "config" / "config.json") == 0o600
    assert mode(tmp_path / "one" / "lab-runs") == 0o700


def test_no_record_of_a_box_has_the_password(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "transcript.jsonl", "r")
    box = RecordingBox(LocalBox("here"), transcript)
    OURS.hide([box])
    side = PurePosixPath(tmp_path, "lab-runs", "r", "e", "t")
    make_folders(box, OURS, side / "config", side / "context")
    printed = box.run(["cat", str(side / "config" / "config.json")])  # as a step of a scenario could
    with logged_in(box, OURS) as env:
        folder = Path(env["DOCKER_CONFIG"])
        assert (mode(folder), mode(folder / "config.json")) == (0o700, 0o600)
        assert json.loads((folder / "config.json").read_bytes())["auths"].keys() == {OURS.prefix}
    assert not folder.exists()
    transcript.close()
    recorded = (tmp_path / "transcript.jsonl").read_bytes()
    assert OURS.credentials and HIDDEN in printed.stdout
    for secret in OURS.credentials.secrets:
        assert secret not in recorded and secret not in printed.output


def test_a_client_of_another_registry_keeps_its_own_settings(tmp_path: Path) -> None:
    with logged_in(LocalBox("here"), EXTERNAL) as env:
        assert env == {}


def test_a_folder_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(CommandError, match="cannot make the context's folder on here"):
        made(Path("/proc/none"), OURS)


@pytest.mark.parametrize(
    "there", [None, "", "{}", "{\n}\n", '{"auths": {"a": {"auth": "eA=="}}}', '{\n\t"auths": {}\n}']
)
def test_settings_are_added_to_a_login(tmp_path: Path, there: str | None) -> None:
    context, config = tmp_path / "context", tmp_path / "config"
    context.mkdir()
    config.mkdir()
    if there is not None:
        (config / "config.json").write_text(there, encoding="utf-8")
        (config / "config.json").chmod(0o600)
    added = {"HttpHeaders": {"X": "1"}, "psFormat": "{{.ID}}"}
    subprocess.run(adding_settings(dict(added)), cwd=context, check=True)
    assert json.loads((config / "config.json").read_text()) == {**added, **json.loads(there or "{}")}
    assert there is None or mode(config / "config.json") == 0o600
