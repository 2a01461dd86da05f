"""lab: `lab repro` with full recording, or for commands that are no sequence its boxes and its transcript."""

from __future__ import annotations

import sys

from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.workload import Workload, as_json


class Lab(Contestant):
    """The whole program as a user starts it, or the boxes alone where there is no sequence."""

    name = "lab, everything recorded"
    has_registry = True

    def call(self, workload: Workload, setting: Setting) -> Call:
        """`lab repro` for the sequence; else a process that records each command of each box."""
        if workload.repro:
            return setting.repro
        plan = setting.write("plan.json", as_json(workload, setting.targets))
        module = "benchmarks.side_by_side.programs.recorded"
        return Call((sys.executable, "-m", module, str(plan), str(setting.folder)), setting.repro.env)
