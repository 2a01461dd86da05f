"""Requests for packs in tests: lab's own boxes, a cache of the test's own, and a shell that runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.machines.pack.gathering import Request
from lab.model import Progress
from lab.project import Project
from tests.conftest import ROOT


class Shell(ReplayBox):
    """A shell that writes down what it is asked, and answers by a function: exit status, output, errors."""

    def __init__(self, answer: Callable[[Command], tuple[int, str, str]] = lambda command: (0, "", "")) -> None:
        super().__init__("this machine", [])
        self.answer = answer
        self.asked: list[Command] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.asked.append(command)
        code, out, err = self.answer(command)
        return Result(command, code, out.encode(), err.encode(), datetime.now(UTC), 0.1)


def request(
    folder: Path,
    *boxes: str,
    root: Path = ROOT,
    shell: Box | None = None,
    heard: list[Progress] | None = None,
    **more: Sequence[str],
) -> Request:
    """A request for these boxes of lab's own, with the cache in `folder`."""
    catalog, runs = Catalog(ROOT / "boxes"), shell or Shell()
    tell: Any = (heard if heard is not None else []).append
    project = Project(root, folder / "cache")
    stock = Stock(catalog.engines, ROOT / "boxes" / "engines", project.cache, runs)
    return Request(project, catalog, stock, runs, tell, [catalog.box(name) for name in boxes], **more)
