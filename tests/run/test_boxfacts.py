"""What is stored of a box whose engine is a BuildKit without Docker, from what buildctl 0.25.2 printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.buildkit.rulebook import Rulebook
from lab.engines.engine import Engine
from lab.explain.rules_of_box import known_of
from lab.run.boxfacts import look, of_same_daemon
from lab.run.expectations import facts_of
from tests.conftest import ROOT

VERSION = "BuildKit: github.com/moby/buildkit v0.25.2+debian \n"
WORKERS = """\
ID:\t\tjm1x2yqio06ruy0i7sx3sgjll
Platforms:\tlinux/amd64,linux/amd64/v2,linux/386
BuildKit:\tgithub.com/moby/buildkit v0.25.2+debian
Labels:
\torg.mobyproject.buildkit.worker.executor:\t\toci
\torg.mobyproject.buildkit.worker.selinux.enabled:\tfalse
\torg.mobyproject.buildkit.worker.snapshotter:\t\toverlayfs
"""
SYSTEM = "6.1.0-42-amd64\nDebian GNU/Linux 12 (bookworm)\n"
BOOK = Rulebook(ROOT / "boxes")


class Answers(ReplayBox):
    """A box with a buildctl that answers."""

    def __init__(self) -> None:
        super().__init__("local", [])

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        texts = {"info": VERSION, "--verbose": WORKERS}
        text = texts.get(command.argv[-1], SYSTEM if command.argv[0] == "sh" else "")
        return Result(command, 0 if text else 1, text.encode(), b"", datetime.now(UTC), 0.1)


def engine(name: str, server: str, rules: str) -> Engine:
    words = ("buildctl", "--addr", "unix:///b.sock")
    return Engine(name, words, server, server, "", rules=rules, builder="buildctl", program="buildctl")


def test_the_facts_are_those_of_the_worker_and_the_system() -> None:
    facts = look(Answers(), engine("buildkit-0.25.2", "0.25.2+debian", "R8"), "this machine", "local")
    assert (facts.os, facts.kernel) == ("Debian GNU/Linux 12 (bookworm)", "6.1.0-42-amd64")
    assert (facts.storage, facts.security, facts.selinux) == ("overlayfs", (), "off")
    assert (facts.version.strip(), facts.info.strip()) == (VERSION.strip(), WORKERS.strip())
    assert (facts.builder, facts.is_docker, facts.title) == ("buildctl", False, "BuildKit 0.25.2+debian")


@pytest.mark.parametrize(
    ("name", "server", "rules", "wanted"),
    [
        ("buildkit-0.25.2", "0.25.2+debian", "R8", ("R8", "28.5")),
        ("buildkit-0.13.2", "0.13.2+debian", "R7", ("R7", "26")),
        ("buildkit-0.13.2-unfixed", "0.13.2+debian-unfixed", "R7, all attributes", ("R7+xattrs=all", "26")),
    ],
)
def test_its_rules_are_those_of_its_own_version(name: str, server: str, rules: str, wanted: tuple[str, str]) -> None:
    facts = look(Answers(), engine(name, server, rules), "this machine", "local")
    known = known_of(BOOK, facts)
    assert known is not None
    assert known.dialect is not None
    assert (known.rules.name, known.dialect.name) == wanted
    plain = BOOK.need(f"buildkit-{server.partition('+')[0]}").rules
    assert (known.rules.root_swallows, known.rules.links) == (plain.root_swallows, plain.links)


def test_its_version_is_no_version_of_docker() -> None:
    facts = look(Answers(), engine("buildkit-0.25.2", "0.25.2+debian", "R8"), "this machine", "local")
    found = facts_of(BOOK, facts, facts)
    assert (found.engine, found.producer_engine, found.builder) == (None, None, "buildctl")


def test_a_daemon_says_the_same_to_each_builder() -> None:
    first = engine("buildkit-0.25.2", "0.25.2+debian", "R8")
    again = replace(first, name="buildkit-0.25.2+buildx-remote", builder="buildx-remote", cache="local", buildx="v0.29")
    asked = look(Answers(), again, "this machine", "local")
    assert of_same_daemon(look(Answers(), first, "this machine", "local"), again) == asked
