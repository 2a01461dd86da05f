"""Run a plan with Fabric alone: one connection and one thread for each host."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fabric import Connection


def main(plan: dict[str, Any]) -> None:
    """Run each phase on all hosts at once."""
    links = {
        one["name"]: Connection(
            one["host"],
            user=one["user"],
            port=one["port"],
            connect_kwargs={"key_filename": one["key"], "look_for_keys": False, "allow_agent": False},
        )
        for one in plan["targets"]
    }

    def run(item: tuple[str, list[str]]) -> None:
        host, lines = item
        for line in lines:
            links[host].run(line, hide=True, in_stream=False)

    with ThreadPoolExecutor(len(links)) as threads:
        for phase in plan["phases"]:
            list(threads.map(run, phase.items()))


main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
