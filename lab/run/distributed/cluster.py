"""The connection to a Dask scheduler: one that runs elsewhere, or one of this process with this machine's boxes."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lab import files
from lab.errors import HostError, UsageError, reason

if TYPE_CHECKING:
    from distributed import Client

    from lab.project import Project
    from lab.run.distributed.bench import Bench

LOCAL = "local"
SCHEMES = ("tcp", "tls")
CONNECTED = 30  # seconds in which a scheduler answers
EXTRA = "pip install 'docker-cache-lab[distributed]' installs it"
PAGES = "127.0.0.1:0"  # where Dask offers web pages: at a free port of the loopback
SPARE = 1  # threads of a worker beside one for each box, for the tasks that remove files


def check_address(address: str) -> None:
    """Raise UsageError for what is no scheduler of a run, HostError if the extra is not installed."""
    if address == LOCAL:
        need_distributed()
    else:
        check_remote_address(address, f"tcp://HOST:PORT, tls://HOST:PORT or {LOCAL}")


def check_remote_address(address: str, expected: str = "tcp://HOST:PORT or tls://HOST:PORT") -> None:
    """Raise UsageError for what is no address of a scheduler, HostError if the extra is not installed."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in SCHEMES and bool(parts.hostname and parts.port) and not parts.path.strip("/")
    except ValueError:
        good = False
    if not good:
        raise UsageError(
            f"cannot use the scheduler {address!r}: expected {expected}",
            hint="`dask scheduler` starts one and prints its address",
        )
    need_distributed()


def need_distributed() -> None:
    """Raise HostError if the extra is not installed; quieten the log of Dask, whose errors lab reports itself."""
    if importlib.util.find_spec("distributed") is None:
        raise HostError("cannot use a scheduler: the Python package distributed is not installed", hint=EXTRA)
    import distributed  # noqa: F401  # it sets up its log, which is changed after that

    for name in ["distributed", *logging.root.manager.loggerDict]:  # Dask sets a level of its own for some of them
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def cannot_reach(address: str, error: BaseException) -> HostError:
    """The error for a scheduler that does not answer, or does not accept this machine."""
    return HostError(
        f"cannot reach the scheduler {address}: {reason(error)}",
        hint="`dask scheduler` starts one; tls:// needs the certificates in Dask's settings `distributed.comm.tls`",
    )


def check_certificates(address: str) -> None:
    """Raise HostError for an address of TLS without certificates: Dask itself fails late, and not in order."""
    from distributed.security import Security

    try:
        found = Security().get_connection_args("client").get("ssl_context")
    except (OSError, ValueError) as error:  # a file that does not exist, or that is no certificate
        raise cannot_reach(address, error) from error
    if urlsplit(address).scheme == "tls" and found is None:
        raise cannot_reach(address, ValueError("no certificates are set for TLS"))


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at this address; HostError if it does not answer, or has another certificate."""
    from distributed import Client

    check_certificates(address)
    try:
        client = Client(address, timeout=CONNECTED, set_as_default=False)
    except (OSError, TimeoutError, ValueError, RuntimeError, TypeError) as error:
        raise cannot_reach(address, error) from error
    try:
        yield client
    finally:
        with suppress(OSError, TimeoutError):
            client.close(timeout=CONNECTED)


def check_reachable(address: str) -> None:
    """Raise HostError for a scheduler that does not answer, or has another certificate: before boxes are brought up."""
    with connected(address):
        pass


@contextmanager
def settings(project: Project) -> Iterator[None]:
    """Dask's settings for a worker: its files are in a private folder of the workplace, and its web pages are off."""
    import dask

    folder = project.state / "dask"
    files.private_folder(folder)
    routes: dict[str, list[str]] = {f"distributed.{part}.http.routes": [] for part in ("scheduler", "worker")}
    with dask.config.set({"temporary-directory": str(folder), **routes}):
        yield


@contextmanager
def of_this_process(bench: Bench) -> Iterator[Client]:
    """A client of a LocalCluster with one worker, a thread for each box of the bench; it has no port but on loopback.

    Dask opens a port for web pages in any case.
    """
    from distributed import Client, LocalCluster

    from lab.run.distributed import resources

    with (
        settings(bench.project),
        LocalCluster(
            n_workers=1,
            processes=False,
            threads_per_worker=len(bench.items) + SPARE,
            resources=resources.offered(bench.items.values()),
            plugins=(bench,),
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": PAGES},
            worker_dashboard_address=PAGES,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
