"""The network of an engine's bridge, made by the script's own lines in a network namespace of the test."""

from __future__ import annotations

import subprocess
from pathlib import PurePosixPath

import pytest

from lab.engines.daemon import NETWORKS, Daemon

pytestmark = pytest.mark.vm  # it needs root, ip and iptables
SHOW = "ip -o -4 addr show | sed -n 's/.*\\(lab[0-9a-f]*\\) *inet \\([0-9.]*\\).*/\\1 \\2/p'"


def daemon(name: str) -> Daemon:
    return Daemon(name, containerd=True, home=PurePosixPath("/nowhere"))


def clashing() -> tuple[Daemon, Daemon]:
    """Two engines whose search for a network begins at the same one."""
    first: dict[str, Daemon] = {}
    for number in range(10 * NETWORKS):
        made = daemon(f"engine-{number}")
        other = first.setdefault(start(made), made)
        if other is not made:
            return other, made
    raise AssertionError("no two of so many names give the same number")


def start(made: Daemon) -> str:
    """The number at which the search for its network begins."""
    (line,) = (line for line in made.script().splitlines() if line.startswith("bridge="))
    return line.split("number=")[1]


def script(*made: Daemon) -> str:
    return "\n".join(f"({item._bridge()}\n)" for item in made)


def own(lines: str) -> list[str]:
    """What the lines print as root, in a namespace of their own that ends with them."""
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", f"mount -t tmpfs none /run\n{lines}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_engines_whose_names_lead_to_one_network_get_two() -> None:
    one, two = clashing()
    number = int(start(one))
    rows = dict(line.split() for line in own(f"{script(one, two)}\n{SHOW}"))
    nets = [f"198.{18 + item % NETWORKS // 256}.{item % 256}.1" for item in (number, number + 1)]
    assert rows == {one.bridge: nets[0], two.bridge: nets[1]}


def test_two_that_start_at_once_get_two() -> None:
    one, two = clashing()
    rows = dict(line.split() for line in own(f"({script(one)}) & ({script(two)}) & wait\n{SHOW}"))
    assert set(rows) == {one.bridge, two.bridge}
    assert len(set(rows.values())) == 2


def test_an_engine_keeps_its_network_when_it_is_started_again() -> None:
    one, two = clashing()
    before, *after = own(f"{script(two)}\n{SHOW}\n{script(one)}\n{script(two)}\n{SHOW}")
    assert before in after
    assert len(after) == 2


def test_a_bridge_that_lost_its_address_gets_one() -> None:
    made = daemon("26.1.5")
    rows = own(f"ip link add {made.bridge} type bridge\n{script(made)}\n{SHOW}")
    assert [row.split()[0] for row in rows] == [made.bridge]


def test_rules_name_the_network_and_go_with_the_bridge() -> None:
    one, two = clashing()
    rules = "iptables-save | grep ' lab'"
    lines = own(f"{script(one, two)}\n{rules}\necho --\n{one.remove_network()}\n{rules}\necho --\n{SHOW}")
    there, kept, rows = "\n".join(lines).split("--\n")
    assert len(there.splitlines()) == 6
    assert sorted(kept.splitlines()) == sorted(line for line in there.splitlines() if two.bridge in line)
    (row,) = rows.splitlines()
    name, address = row.split()
    assert name == two.bridge
    assert f"-s {address.rpartition('.')[0]}.0/24 ! -o {name} -j MASQUERADE" in kept


def test_the_network_of_another_program_is_left_to_it() -> None:
    made = daemon("26.1.5")
    number = int(start(made))
    net = f"198.{18 + number // 256}.{number % 256}"
    (row,) = own(f"ip link add other0 type bridge\nip addr add {net}.7/28 dev other0\n{script(made)}\n{SHOW}")
    assert not row.split()[1].startswith(f"{net}.")
