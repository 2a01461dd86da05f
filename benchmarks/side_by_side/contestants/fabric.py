"""Fabric without lab: one connection and one thread for each host."""

from __future__ import annotations

from pathlib import Path

from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.workload import Workload, as_json

PROGRAMS = Path(__file__).parents[1] / "programs"


class Fabric(Contestant):
    """What a person writes who knows Fabric and Python's threads."""

    name = "Fabric with threads"
    packages = ("fabric",)
    program = "fabric_threads.py"

    def call(self, workload: Workload, setting: Setting) -> Call:
        """The program below `programs`, in the Python of the benchmark's packages."""
        plan = setting.write("plan.json", as_json(workload, setting.targets))
        return Call((str(setting.programs / "python"), str(PROGRAMS / self.program), str(plan)))
