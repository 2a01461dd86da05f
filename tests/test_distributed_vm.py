"""Several workers in network namespaces, as on machines of their own; some are killed or frozen during their cells."""

from __future__ import annotations

import os
import queue
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from distributed import Client

from lab.boxes.transcript import read
from lab.model import Verdict
from lab.run.distributed import tasks
from lab.run.distributed.experiment import Spread, perform
from tests.conftest import HANGS, ROOT, Lab
from tests.run.distributed.replaying import ready
from tests.run.distributed.workplace import project, quiet, wish
from tests.test_private_engines import FIXED, archives, workplace  # noqa: F401  # fixtures

pytestmark = pytest.mark.vm
PORT = 8786
BUILD, DEADLINE = 1.0, 15.0  # seconds
KILLED, FROZEN, ALONE = "b", "c", "d"  # boxes whose worker is killed or frozen; ALONE has no second one
BOXES = ("a", KILLED, FROZEN, ALONE)


def call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@dataclass
class Network:
    """Network namespaces on one bridge, whose first address is this machine's."""

    stack: ExitStack
    name: str = field(default_factory=lambda: f"ld{secrets.token_hex(3)}")
    number: int = field(default_factory=lambda: secrets.randbelow(200) + 20)
    count: int = 1

    def __post_init__(self) -> None:
        call("ip", "link", "add", self.name, "type", "bridge")
        self.stack.callback(call, "ip", "link", "del", self.name)
        call("ip", "addr", "add", f"{self.host}/24", "dev", self.name)
        call("ip", "link", "set", self.name, "up")

    @property
    def host(self) -> str:
        return f"10.213.{self.number}.1"

    def add(self) -> str:
        """A new namespace; its name."""
        self.count += 1
        own, end = f"{self.name}-{self.count}", f"{self.name}{self.count}"
        call("ip", "netns", "add", own)
        self.stack.callback(call, "ip", "netns", "del", own)
        call("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", own)
        call("ip", "link", "set", end, "master", self.name, "up")
        inside = ("ip", "netns", "exec", own, "ip")
        call(*inside, "addr", "add", f"10.213.{self.number}.{self.count}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            call(*inside, "link", "set", link, "up")
        return own


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def started(stack: ExitStack, *words: str) -> subprocess.Popen[str]:
    """Start a program that ends with the test."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def end() -> None:
        for number in (signal.SIGCONT, signal.SIGKILL):
            child.send_signal(number)
        child.communicate()

    stack.callback(end)
    return child


def first_line(child: subprocess.Popen[str]) -> str:
    """What a program prints once it serves."""
    assert child.stdout
    return child.stdout.readline().strip()


def scheduler(stack: ExitStack, host: str, port: int = PORT) -> str:
    """Start Dask's own scheduler; its address."""
    return first_line(started(stack, sys.executable, "-c", SCHEDULER, host, str(port)))


SCHEDULER = """
import asyncio, sys
from distributed import Scheduler
async def main():
    pages = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    async with Scheduler(host=sys.argv[1], port=int(sys.argv[2]), **pages) as made:
        print(made.address, flush=True)
        await made.finished()
asyncio.run(main())
"""


def test_cells_of_killed_and_frozen_workers_run_elsewhere_or_are_marked(tmp_path: Path, stack: ExitStack) -> None:
    network = Network(stack)
    address = scheduler(stack, network.host)
    children = []
    for number, box in enumerate((*BOXES, KILLED, FROZEN)):
        inside = ("ip", "netns", "exec", network.add(), sys.executable, "-m", "tests.run.distributed.worker")
        children.append(started(stack, *inside, address, str(tmp_path / str(number)), str(BUILD), box))
    workers = {first_line(child): child.pid for child in children}
    began: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
    watcher = stack.enter_context(Client(address, set_as_default=False))
    lost: dict[str, str] = {}

    def harm(event: tuple[float, dict[str, str]]) -> None:
        """End or freeze the worker of the first trial of a box, while it makes it."""
        box, worker = event[1]["box"], event[1]["worker"]
        if event[1]["state"] == "begun" and ">" in event[1]["cell"] and box != "a" and box not in lost:
            lost[box] = worker
            os.kill(workers[worker], signal.SIGSTOP if box == FROZEN else signal.SIGKILL)
        began.put(event[1])

    watcher.subscribe_topic(tasks.TOPIC, harm)
    where = project(tmp_path / "client")
    boxes = [ready(name) for name in BOXES]  # what the run expects of the workers; it sends nothing to these
    folder, run = perform(Spread(address, DEADLINE), wish(where), boxes, where, quiet())
    assert set(lost) == {KILLED, FROZEN, ALONE}
    assert len(run.trials) == len(BOXES) ** 2 and run.complete
    good = [trial for trial in run.trials if trial.consumer != ALONE]
    assert {trial.verdict for trial in good} == {Verdict.AS_EXPECTED}
    for trial in run.trials:
        if trial.consumer == ALONE:
            assert (trial.verdict, trial.broken_by) == (Verdict.BROKEN, "box")
            assert "no worker offers box:d" in (trial.problem or "")
    entries = read(folder / "transcript.jsonl")[1]
    builds = [item["about"] for item in entries if "--cache-from" in item["argv"]]
    assert sorted(builds) == sorted(trial.name for trial in good)  # each exactly once
    pushed = {item["box"]: item["stdout"] for item in entries if "push" in item["argv"]}
    assert pushed == dict.fromkeys(BOXES, "401\n")  # the registry of this machine answers, and asks who that is
    again = [event for event in iter_of(began) if event["box"] == FROZEN and event["state"] == "begun"]
    assert {event["worker"] for event in again if ">" in event["cell"]} > {lost[FROZEN]}


def iter_of(events: queue.SimpleQueue[dict[str, str]]) -> list[dict[str, str]]:
    found = []
    while not events.empty():
        found.append(events.get())
    return found


def test_a_worker_offers_real_engines_of_this_machine(
    workplace: Lab,  # noqa: F811
    stack: ExitStack,
    tmp_path: Path,
) -> None:
    address = scheduler(stack, "127.0.0.1", 0)
    engine = ("--lineup", "local", "--engine", FIXED)
    worker = workplace.start("worker", "--scheduler", address, *engine)
    stack.callback(worker.kill)
    assert worker.stderr
    offer = next(line for line in worker.stderr if "offers 1 box" in line)
    assert f"local ({FIXED})" in offer
    run = workplace.ok("repro", *engine, "--variation", "none", "--scheduler", address, "--json").json
    assert [(trial["engine"], trial["verdict"]) for trial in run["trials"]] == [(FIXED, "as expected")]
    assert run["trials"][0]["predicted"] == ["hit"] * 3
    assert run["complete"]
    own = tmp_path / "own"
    own.mkdir()
    (own / "Dockerfile").write_text("FROM alpine\nCOPY . /all\nRUN cat /all/file\n")
    (own / "file").write_text("read here\n")
    words = ("--context", str(own), "--base", "*=busybox", "--scheduler", address, "--json")
    run = workplace.ok("repro", *engine, *words).json
    assert [(trial["predicted"], trial["verdict"]) for trial in run["trials"]] == [(["hit"] * 2, "as expected")]
    assert run["project"]["objects"] == 2
    worker.send_signal(signal.SIGTERM)
    out, err = worker.communicate(timeout=HANGS)
    assert worker.returncode == 130, (out, err)
    assert workplace.engines() == []
    assert list((workplace.root / "home").glob("lab-runs/*")) == []
