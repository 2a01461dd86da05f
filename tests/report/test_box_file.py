"""The file of a box in a redacted bundle: whatever its form is, it does not name the host, its user and its key."""

from __future__ import annotations

import time

import pytest

from lab.report.box_file import UNREADABLE, without_address
from tests.conftest import ROOT

PRIVATE = (b"build.corp", b"bsmith", b"work_key", b"2222")


@pytest.mark.parametrize(
    "text",
    [
        "name: x\nkind: ssh\nhost: build.corp.example\nuser: bsmith\nkey: ~/.ssh/work_key\nport: 2222\n",
        "{name: x, kind: ssh, host: build.corp.example, user: bsmith, port: 2222}\n",
        "{name: x, host: build.corp.example,\n user: bsmith}",
        '{"name":"x","host":"build.corp.example","user":"bsmith","key":"~/.ssh/work_key"}',
        'name: x\nhost:\n  build.corp.example\n"user": bsmith\n? key\n: ~/.ssh/work_key\n',
        "'host': 'build.corp.example'\n!!str user : \"bsm\\x69th\"\nname: x\n",
        "host: >-\n  build.corp.example\nuser: |\n  bsmith\nname: x\n",
        "host: &a build.corp.example\nsummary: *a\nname: x\n",
        "summary: &a build.corp.example\nhost: *a\nname: x\n",
        "# bsmith's own: ssh bsmith@BUILD.corp.example:/srv\nname: x\nhost: build.corp.example\nuser: bsmith\n",
        "summary: the key of BSmith_\nname: x\nuser: bsmith\n",
        "name: x\nmore:\n- [{host: [build.corp.example, {user: bsmith}]}]\n",
        "name: x\nbase: &b {host: build.corp.example}\n<<: *b\n",
        "\ufeffname: x\nsummary: \U0001f433 b\u00fcro\nhost: build.corp.example\n",
        "name: x\r\nhost: build.corp.example\r\nuser: bsmith\r\n",
    ],
)
def test_no_form_of_a_file_shows_its_address(text: str) -> None:
    content = text.encode()
    assert any(word in content for word in PRIVATE)
    clean = without_address(content)
    assert not [word for word in PRIVATE if word in clean.lower()]
    assert b"[host]" in clean and b"name" in clean


def test_what_is_no_address_stays() -> None:
    text = "# a box\nname: x  # bsmithy\nhost: h1\nport: 22\nuser: me\nkey: ~\nsummary: some 22 of h12, h1.\n"
    assert without_address(text.encode()).decode() == (
        "# a box\nname: x  # bsmithy\nhost: [host]\nport: [host]\nuser: [host]\nkey: [host]\n"
        "summary: some 22 of h12, [host].\n"
    )
    assert without_address(b"name: x\nhost:\n") == b"name: x\nhost:\n"


@pytest.mark.parametrize(
    "content",
    [b"host: build.corp\n\tuser: [", b"host: b\xfcild.corp", b"- host: build.corp", b"host: a\nhost: b\n", b""],
)
def test_a_file_that_is_no_yaml_is_replaced_as_a_whole(content: bytes) -> None:
    assert without_address(content) == UNREADABLE


def test_the_files_of_lab_itself_have_no_address_and_stay_as_they_are() -> None:
    for path in sorted((ROOT / "boxes").rglob("*.yaml")):
        assert without_address(path.read_bytes()) == path.read_bytes(), path


def test_no_text_makes_it_slow() -> None:
    clock = time.monotonic()
    without_address(b"host: " + b"a." * 100_000 + b"\nsummary: " + b"a." * 100_000)
    without_address(b"a: &a [" + b"x, " * 100 + b"]\nhost: [" + b"*a, " * 5000 + b"]\n")
    assert time.monotonic() - clock < 60
