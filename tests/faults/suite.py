"""One fault from the struck program to the row of the table: everything that the guarantees look at, in order."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.results.run import Run
from tests.conftest import ROOT
from tests.faults.fault import REPRO, Fault, NotMade
from tests.faults.guarantees import GUARANTEES, After, Checked
from tests.faults.hosts import Host
from tests.faults.left import left
from tests.faults.scene import Said, Scene
from tests.faults.strangers import Strangers
from tests.faults.workplace import Workplace

ROWS = Path(os.environ.get("LAB_FAULTS_ROWS") or ROOT / "build" / "faults")


@dataclass
class Suite:
    """The workplace, its hosts once a fault needs them, and what other people have on the machine."""

    place: Workplace
    strangers: Strangers
    seed: int
    hosts: Mapping[str, Host]

    def make(self, fault: Fault) -> dict[str, Checked]:
        """Make the fault and check every guarantee; the row is added to the file of this seed.

        Raises NotMade, with a row that states the reason, for a fault that this machine cannot have.
        """
        scene = Scene(fault, self.place, random.Random(f"{self.seed}/{fault.name}"))
        strangers, earlier, known = self.strangers.state(), self.stored(), self.place.runs()
        try:
            said = scene.run()
        finally:
            scene.heal()
        if not scene.struck.is_set():
            raise AssertionError(f"the fault did not strike: the program printed no line of its phase {fault.phase}")
        if scene.problem:
            if isinstance(scene.problem, NotMade):
                self.note(fault, scene, said, {}, str(scene.problem))
            raise scene.problem
        struck = next((path for path in self.place.runs() if path not in known), None)
        run = self.place.load(struck) if struck else None
        down = self.place.call("down")
        there = left(self.place)
        after = self.stored()
        self.repair()
        again, second = self.again(fault, scene)
        unfinished = tuple(map(str, self.place.pack.rglob("*.part")))
        checked = After(
            fault,
            scene.box,
            said,
            (earlier, {name: after.get(name, b"") for name in earlier}),
            run,
            there,
            down,
            again,
            second,
            unfinished,
            (strangers, self.strangers.state()),
        )
        found = {name: check(checked) for name, check in GUARANTEES.items()}
        self.clear(fault, known)
        self.note(fault, scene, said, found)
        return found

    def stored(self) -> dict[str, bytes]:
        """The bytes of the files of all stored runs, by their paths."""
        paths = [path for folder in self.place.runs() for path in folder.iterdir() if path.is_file()]
        return {str(path.relative_to(self.place.results)): path.read_bytes() for path in sorted(paths)}

    def repair(self) -> None:
        """Start what a fault ended on the hosts: it is the box's owner who does that, and not lab."""
        for host in self.hosts.values():
            host.start()
            host.start_engine()

    def again(self, fault: Fault, scene: Scene) -> tuple[tuple[int, str], Run | None]:
        """The same command a second time, and a run, if that command makes none."""
        known = self.place.runs()

        def filled(words: tuple[str, ...]) -> list[str]:
            return [word.format(lineup=fault.lineup, box=scene.box, root=self.place.root) for word in words]

        if not fault.makes_run:
            code, text = self.place.call(*filled(fault.words))
            if code:
                return (code, text), None
        again = self.place.call(*filled(REPRO))
        made = [path for path in self.place.runs() if path not in known]
        return again, self.place.load(made[-1]) if made else None

    def clear(self, fault: Fault, known: list[Path]) -> None:
        """Make the workplace what it was before the fault."""
        if not fault.makes_run and fault.lineup != "vm":  # the next fault can use the machine
            self.place.call("down")
            self.place.call("engines", "remove", "20.10.24-own")
        for path in self.place.runs():
            if path not in known:
                shutil.rmtree(path)
        shutil.rmtree(self.place.pack, ignore_errors=True)

    def note(
        self, fault: Fault, scene: Scene, said: Said, found: Mapping[str, Checked], not_made: str | None = None
    ) -> None:
        """Add the row to the file of this seed; `not_made` is the reason for which the fault was not made."""
        row = {
            "seed": self.seed,
            "name": fault.name,
            "what": fault.what,
            "when": fault.when,
            "lineup": fault.lineup,
            "box": scene.box,
            "code": said.code,
            "seconds": round(said.seconds, 1),
            **({"not made": not_made} if not_made else {}),
            "guarantees": {name: {"count": item.count, "problems": item.problems} for name, item in found.items()},
        }
        ROWS.mkdir(parents=True, exist_ok=True)
        with (ROWS / f"{self.seed}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        with (ROWS / f"{self.seed}.log").open("a", encoding="utf-8") as file:
            file.write(f"=== {fault.name} {scene.box} exit {said.code} in {said.seconds:.1f} s\n{said.text}\n")
