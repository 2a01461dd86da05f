"""tmt: one test for each command, on guests that it connects to."""

from __future__ import annotations

import yaml

from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.workload import Workload, portable


class Tmt(Contestant):
    """Each phase of a host is a discover phase whose tests run on that guest alone."""

    name = "tmt"
    packages = ("tmt",)

    def call(self, workload: Workload, setting: Setting) -> Call:
        """A plan with the guests and the tests."""
        guests = [
            {"name": one.name, "how": "connect", "guest": one.host, "user": one.user, "port": one.port, "key": one.key}
            for one in setting.targets
        ]
        tests = [
            {
                "name": f"phase{number}-{host}",
                "how": "shell",
                "where": [host],
                "order": 10 * (number + 1),
                "tests": [
                    {"name": f"/{number}/{host}/{place:02}", "test": portable(line), "framework": "shell"}
                    for place, line in enumerate(lines)
                ],
            }
            for number, phase in enumerate(workload.phases)
            for host, lines in phase.items()
        ]
        plan = {"provision": guests, "discover": tests, "execute": {"how": "tmt"}}
        setting.write(".fmf/version", "1\n")
        setting.write("plan.fmf", yaml.safe_dump(plan, width=10_000))
        results = setting.folder.with_name(f"{setting.folder.name}-run")  # tmt refuses a folder within the plan's
        steps = ("discover", "provision", "execute", "report")  # its step `prepare` installs packages on the guests
        argv = (str(setting.programs / "tmt"), "run", "--id", str(results), *steps)
        return Call(argv, {"TMT_CONFIG_DIR": str(setting.folder / "config")}, setting.folder)
