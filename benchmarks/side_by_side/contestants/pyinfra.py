"""pyinfra: one shell operation for each command."""

from __future__ import annotations

from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.workload import Workload, as_json

INVENTORY = """\
import json
from pathlib import Path

plan = json.loads(Path("plan.json").read_text())
hosts = [
    (
        one["host"],
        {
            "ssh_user": one["user"],
            "ssh_port": one["port"],
            "ssh_key": one["key"],
            "ssh_strict_host_key_checking": "no",
            "phases": [phase[one["name"]] for phase in plan["phases"]],
        },
    )
    for one in plan["targets"]
]
"""
DEPLOY = """\
from pyinfra import host
from pyinfra.operations import server

for number, lines in enumerate(host.data.phases):
    for place, line in enumerate(lines):
        server.shell(name=f"phase {number} command {place}", commands=[line])
"""


class Pyinfra(Contestant):
    """Its operations begin once the one before has ended on all hosts."""

    name = "pyinfra"
    packages = ("pyinfra",)

    def call(self, workload: Workload, setting: Setting) -> Call:
        """An inventory and a deploy that read the plan."""
        setting.write("plan.json", as_json(workload, setting.targets))
        setting.write("inventory.py", INVENTORY)
        setting.write("deploy.py", DEPLOY)
        argv = (str(setting.programs / "pyinfra"), "-y", "inventory.py", "deploy.py")
        return Call(argv, cwd=setting.folder)
