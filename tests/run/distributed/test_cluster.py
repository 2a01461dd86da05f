"""Schedulers: which addresses are taken, and what is said where none answers or the extra is not installed."""

from __future__ import annotations

import importlib.util
import logging
import socket
from pathlib import Path

import dask
import pytest

from lab.errors import HostError, UsageError
from lab.run.distributed import cluster
from lab.run.distributed.bench import Bench
from lab.run.distributed.cluster import (
    check_address,
    check_remote_address,
    connected,
    need_distributed,
    of_this_process,
)
from tests.run.distributed.replaying import ready
from tests.run.distributed.workplace import project, quiet

BAD = ["", "http://a:1", "tcp://", "tcp://a", "tcp://a:0x1", "a:1", "tcp://a:1/b", "tcp://:1", "tcp://[::1"]


@pytest.mark.parametrize("address", [*BAD, "local"])
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="cannot use the scheduler"):
        check_remote_address(address)


@pytest.mark.parametrize("address", ["local", "tcp://10.0.0.1:8786", "tls://[::1]:8786"])
def test_a_scheduler_is_local_or_has_an_address_of_dask(address: str) -> None:
    check_address(address)


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # patched: the package is installed where tests run
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(HostError) as caught:
        check_address("local")
    assert "pip install 'docker-cache-lab[distributed]'" in (caught.value.hint or "")


def test_a_scheduler_that_does_not_answer_is_an_error_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECTED", 0.2)  # half a minute otherwise
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound, and nothing listens
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(HostError, match="cannot reach the scheduler"), connected(address):
            pass


def test_dask_logs_no_error_that_lab_reports_itself() -> None:
    import distributed.client

    logging.getLogger("distributed.client").setLevel(logging.WARNING)  # as Dask's settings have it
    need_distributed()
    assert not distributed.client.logger.isEnabledFor(logging.ERROR)


def test_tls_without_certificates_is_an_error_before_anything_starts() -> None:
    with pytest.raises(HostError, match="no certificates are set for TLS") as caught, connected("tls://127.0.0.1:9"):
        pass
    assert "distributed.comm.tls" in (caught.value.hint or "")


def test_a_certificate_that_does_not_exist_is_an_error_in_words(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    names = ("ca-file", "client.key", "client.cert")
    with (
        dask.config.set({f"distributed.comm.tls.{name}": missing for name in names}),
        pytest.raises(HostError, match="cannot reach the scheduler tls://127"),
        connected("tls://127.0.0.1:9"),
    ):
        pass


def test_a_cluster_of_this_process_offers_the_boxes_and_listens_nowhere(tmp_path: Path) -> None:
    bench = Bench([ready("a"), ready("b")], project(tmp_path), quiet())
    with of_this_process(bench) as client:
        [(address, worker)] = client.scheduler_info()["workers"].items()
        assert address.startswith("inproc://")
        assert {"box:a", "box:b"} <= set(worker["resources"])
        assert worker["nthreads"] == 3
