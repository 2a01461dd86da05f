"""`lab worker` before it serves; tests/test_distributed_vm.py has one that serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.cli import worker as module
from lab.cli.conduct import Conductor
from lab.errors import HostError
from lab.machines.catalog import Catalog
from lab.run.distributed import cluster
from tests.cli.program import Place
from tests.conftest import ROOT
from tests.run.distributed.workplace import project


@pytest.mark.parametrize("address", ["local", "10.0.0.1:8786", "http://10.0.0.1:8786"])
def test_another_address_is_refused(place: Place, address: str) -> None:
    done = place.lab("worker", "--scheduler", address)
    assert done.returncode == 2
    assert "expected tcp://HOST:PORT or tls://HOST:PORT" in done.stderr


def test_a_scheduler_and_known_boxes_are_needed(place: Place) -> None:
    assert place.lab("worker").returncode == 2
    done = place.lab("worker", "--scheduler", "tcp://127.0.0.1:1", "--lineup", "gist", "--box", "centos8")
    assert done.returncode == 2
    assert 'cannot find the box "centos8" of lineup gist' in done.stderr


def test_no_box_is_brought_up_for_a_scheduler_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought: list[object] = []
    monkeypatch.setattr(Conductor, "bring_up", lambda *words, **more: brought.append(words))
    monkeypatch.setattr(cluster, "CONNECTED", 0.3)  # half a minute otherwise
    root = project(tmp_path).root
    (root / "Vagrantfile").touch()
    monkeypatch.setenv("LAB_ROOT", str(root))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    ended = CliRunner().invoke(module.worker, ["--scheduler", "tcp://127.0.0.1:1", "--lineup", "local"])
    assert isinstance(ended.exception, HostError)
    assert ended.exception.message.startswith("cannot reach the scheduler tcp://127.0.0.1:1: ")
    assert brought == []


def test_the_help_names_what_a_scheduler_is_trusted_with() -> None:
    text = " ".join((module.worker.help or "").split())
    assert "Whoever reaches the scheduler can run programs as the user who called this" in text


def test_a_worker_that_is_stopped_names_what_stays() -> None:
    catalog = Catalog(ROOT / "boxes")
    machine, local = catalog.box("debian12-apparmor"), catalog.box("local")
    assert "the boxes stay up" in module._what_stays([machine, local])
    assert "the boxes stay up" not in module._what_stays([local])
    assert "removed" in module._what_stays([local])
