"""Two real machines to nothing: killed, removed, and stopped by Ctrl-C while they are made."""

from __future__ import annotations

import signal

import psutil
import pytest

from lab.machines import daemons
from lab.project import find
from tests.conftest import HANGS, Lab
from tests.two_boxes.conftest import leftovers
from tests.two_boxes.emulators import kill, machines, others

pytestmark = [pytest.mark.vm, pytest.mark.machines, pytest.mark.story, pytest.mark.timeout(2 * HANGS)]


def test_killed_machines_are_no_obstacle(checkout: Lab) -> None:
    """What a machine that lost power leaves of the boxes: domains that are shut off."""
    mine = machines(find())
    assert len(mine) == 2
    kill(mine)
    checkout.ok("up", "debian12-apparmor", "--lineup", "debian")
    assert checkout.ok("exec", "debian12-apparmor", "--", "docker", "version").code == 0


def test_killed_daemons_are_no_obstacle(checkout: Lab) -> None:
    """What it leaves of libvirt: stale sockets and pid files. Only daemons that this checkout started are killed.

    Machines of others, and daemons that others started, are as they were.
    """
    project = find()
    mine = daemons.started_daemons(project.state)
    theirs = others(project)
    kill([*machines(project), *(psutil.Process(process.pid) for process in mine.values())])
    checkout.ok("up", "debian12-apparmor", "--lineup", "debian")
    assert checkout.ok("exec", "debian12-apparmor", "--", "docker", "version").code == 0
    assert others(project) == theirs


def test_down_leaves_nothing(checkout: Lab, clean_world: set[str]) -> None:
    checkout.ok("down")
    assert leftovers(checkout) <= clean_world
    assert machines(find()) == []
    assert checkout.ok("status", "--json").json["boxes"] == []


def test_ctrl_c_during_up_names_the_command_that_cleans_up(checkout: Lab, clean_world: set[str]) -> None:
    process = checkout.start("up", "--lineup", "debian", "--verbose")
    assert process.stderr
    seen: list[str] = []
    for line in process.stderr:
        seen.append(line)
        if "Creating domain" in line or "Creating image" in line:
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=HANGS)
    assert process.returncode == 130, "".join(seen) + rest
    assert "python -m lab down --lineup debian" in rest
    checkout.ok("down", "--lineup", "debian")
    assert leftovers(checkout) <= clean_world
