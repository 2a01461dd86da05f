"""What lab reads in Vagrant's output."""

from __future__ import annotations

import pytest

from lab.boxes.address import Address
from lab.boxes.vagrant_output import SHORT, adding, address_of, verdict_and_console
from lab.boxes.vagrant_spec import Image

# vagrant ssh-config, 2.3.4
CONFIG = """\
Host debian12-selinux
  HostName 192.168.121.210
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  IdentityFile "/a folder/private_key"
  IdentitiesOnly yes
"""


def test_the_address_is_read_from_ssh_config() -> None:
    assert address_of(CONFIG) == Address(host="192.168.121.210", port=22, user="vagrant", key="/a folder/private_key")


def test_an_image_without_a_version_is_added_by_its_name() -> None:
    assert adding(Image(box="lab/a"), "libvirt") == "vagrant box add --name lab/a FILE"


@pytest.mark.parametrize(
    ("printed", "console", "shown"),
    [
        ("==> a: Starting\nno space\n", "", "==> a: Starting\nno space"),
        (
            "/v/a.rb:3:in `up': no network (Error)\n\tfrom /v/b.rb:2:in `call'\n",
            "",
            "/v/a.rb:3:in `up': no network (Error)",
        ),
        ("==> a: Starting\n    a: it waits\nno space\n", "panic\n", "no space\npanic"),
        ("==> a: Starting\n", "panic\n", "==> a: Starting\npanic"),
    ],
)
def test_the_reason_comes_before_the_console(printed: str, console: str, shown: str) -> None:
    assert verdict_and_console(printed, console) == shown


def test_neither_fills_the_screen() -> None:
    lines = "\n".join(map(str, range(100)))
    assert len(verdict_and_console(lines, lines).splitlines()) == 2 * SHORT
