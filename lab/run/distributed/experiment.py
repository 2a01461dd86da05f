"""A run whose cells are made by Dask workers, from the wish to the stored result."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from distributed import Client
from distributed.comm.addressing import unparse_host_port
from distributed.utils import get_ip

from lab import __version__
from lab.boxes.base import Tell
from lab.errors import HostError, UsageError, reason
from lab.machines.ready import Ready
from lab.model import Progress
from lab.notices import listening_here
from lab.project import Project
from lab.registry.server import Registry
from lab.results.run import Run
from lab.run import web_address
from lab.run.agenda import Agenda
from lab.run.builders.table import clients_of
from lab.run.distributed import cluster, luggage, tunnel
from lab.run.distributed.bench import Bench
from lab.run.distributed.gathering import Gathering
from lab.run.distributed.parcels import Order
from lab.run.experiment import Cast, beginning, cast_of, recording, rulebook, serving, settle
from lab.run.recorder import Watch, unwatched
from lab.run.wish import Wish


@dataclass(frozen=True, slots=True)
class Spread:
    """How a run is spread: the scheduler's address or `local`, the deadline of a cell in seconds, and the address.

    `registry_address` is HOST or HOST:PORT of this machine, at which workers reach the registry of the run; None for
    the address from which this machine reaches the scheduler.
    """

    scheduler: str
    deadline: float
    registry_address: str | None = None

    @property
    def is_local(self) -> bool:
        """True if the workers are of this process, with the boxes of this machine."""
        return self.scheduler == cluster.LOCAL


def check_wish(wish: Wish, spread: Spread) -> None:
    """Raise UsageError for what a distributed run cannot do."""
    manner = wish.manner
    wrong = {
        "--debug": manner.stop is not None,
        "--keep": manner.keep,
        "--fresh snapshot": manner.fresh == "snapshot",
    }
    for option, given in wrong.items():
        if given:
            raise UsageError(f"cannot use {option} with --scheduler: it needs the boxes in the process of the run")
    if wish.project and not spread.is_local:
        luggage.check(wish.project)
    if not spread.is_local and wish.load("scratch").serves:
        raise UsageError(
            "cannot use --scheduler with a scenario that serves files: its address would be another machine's",
            hint="--scheduler local makes it on boxes of this machine",
        )


def perform(
    spread: Spread,
    wish: Wish,
    ready: Sequence[Ready],
    project: Project,
    tell: Tell,
    watch: Watch = unwatched,
    registry: Registry | None = None,
) -> tuple[Path, Run]:
    """Make the trials of the wish on workers, and return the run's folder and the run, as of a run of this process.

    `ready` are the boxes of this machine for a local scheduler, else those that workers are expected to have. A cell
    that no worker makes within the deadline is stored as broken. HostError if the scheduler cannot be reached.
    """
    if wish.project and not spread.is_local:
        wish = replace(wish, project=luggage.packed(wish.project))
    cast = cast_of(wish, ready)
    with ExitStack() as stack:
        client = stack.enter_context(_client(spread, cast, project, tell))
        boxes = [item.box for item in cast.ready] if spread.is_local else []
        folder, run, transcript = stack.enter_context(beginning(cast, project))
        store = stack.enter_context(serving(wish, project, tell, registry, boxes))
        recorder = stack.enter_context(recording(folder, run, store, watch, listening_here))
        door = stack.enter_context(_offered(client, spread, store))
        token = f"{folder.name}-{secrets.token_hex(4)}"
        order = Order(
            __version__, token, _without_results(recorder.ground), store, door, wish.base_image, wish.variations
        )
        book = rulebook(project.boxes)
        deadline, fail_fast = spread.deadline, wish.manner.fail_fast
        gathering = Gathering(client, order, recorder, transcript, book, tell, deadline=deadline, fail_fast=fail_fast)
        stack.enter_context(gathering)
        try:
            _gather(gathering, cast, project, store, stack)
        except OSError as error:  # of the scheduler's connection; those of files are errors of lab already
            raise HostError(f"cannot go on with the run: the scheduler is lost: {reason(error)}") from error
    return folder, recorder.run


def _gather(gathering: Gathering, cast: Cast, project: Project, store: Registry, stack: ExitStack) -> None:
    wish, recorder = cast.wish, gathering.recorder
    base = gathering.base(*_base_maker(cast.producers)) if wish.base_image else None
    web = stack.enter_context(web_address.reserved(project.state)) if cast.draft.serves else web_address.USUAL
    scenario = wish.load(base.reference if base else "scratch", web)
    settle(cast, recorder, scenario, base, store)
    agenda = Agenda(
        scenario,
        recorder,
        wish.course,
        [item.box.name for item in cast.used],
        thorough=bool(wish.variations),
        consumer_engines=wish.consumer_engines,
        producer_engines=wish.producer_engines,
    )
    agenda.producers = {item.box.name for item in cast.producers}
    agenda.consumers = {item.box.name for item in cast.consumers}
    agenda.vary(cast.draft.variations(wish.variations))
    gathering.trials(agenda, scenario, cast.used)
    if not agenda.missing():
        recorder.update(complete=True, finished=datetime.now(UTC))


def _without_results(run: Run) -> Run:
    """A run as it is when it begins; one that is resumed keeps its base image, and what it has stored stays here."""
    return run.model_copy(update={"boxes": (), "productions": (), "contexts": {}, "contents": {}})


def _base_maker(producers: Sequence[Ready]) -> tuple[str, str]:
    """The box and the engine that make the base image, as a run of this process chooses them."""
    clients = clients_of(producers)
    found = [(item.box.name, name) for item in producers for name in item.engine_names]
    return next((image for image in found if clients[image[1]] == "docker"), found[0])


@contextmanager
def _client(spread: Spread, cast: Cast, project: Project, tell: Tell) -> Iterator[Client]:
    if spread.is_local:
        with cluster.of_this_process(Bench(cast.used, project, tell)) as client:
            yield client
        return
    tell(Progress("scheduler", f"connecting to {spread.scheduler}"))
    with cluster.connected(spread.scheduler) as client:
        tell(Progress("scheduler", "connected", done=True))
        yield client


@contextmanager
def _offered(client: Client, spread: Spread, store: Registry) -> Iterator[str | None]:
    """Offer lab's own registry to workers for the time of the context; its address, None where none is needed."""
    if spread.is_local or store.port is None:
        yield None
        return
    scheduler = urlsplit(spread.scheduler)
    own = spread.registry_address or unparse_host_port(get_ip(scheduler.hostname or "", scheduler.port or 80), 0)
    address = f"{scheduler.scheme}://{own}"
    try:
        end = client.sync(tunnel.offer, address, store.port, client.security)
    except (OSError, ValueError) as error:
        raise HostError(
            f"cannot offer the registry of the run at {address}: {reason(error)}",
            hint="--registry-address names an address of this machine that workers can reach",
        ) from error
    try:
        yield str(end.address)
    finally:
        client.sync(end.close)
