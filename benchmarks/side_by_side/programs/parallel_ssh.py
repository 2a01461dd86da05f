"""Run a plan with parallel-ssh: each step is one command on all hosts at once."""

from __future__ import annotations

import json
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any

from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig


def main(plan: dict[str, Any]) -> None:
    """Run each phase step by step; a host with fewer commands runs `true` at the end."""
    targets = plan["targets"]
    client = ParallelSSHClient(
        [one["host"] for one in targets],
        host_config=[HostConfig(user=one["user"], port=one["port"], private_key=one["key"]) for one in targets],
        allow_agent=False,
    )
    for phase in plan["phases"]:
        for step in zip_longest(*(phase[one["name"]] for one in targets), fillvalue="true"):
            outputs = client.run_command("%s", host_args=[(line,) for line in step])
            client.join(outputs)
            for output in outputs:
                list(output.stdout)
                if output.exit_code:
                    raise SystemExit(f"{output.host} ended with {output.exit_code}: {list(output.stderr)}")


main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
