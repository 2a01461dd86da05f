"""The axes of a build: each changes one word of it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.registry.credentials import Credentials
from lab.registry.server import Registry
from lab.run.station import Station
from lab.run.vary.axis import NotHereError
from tests.run.vary.axes.making import variant
from tests.run.vary.scenes import TEXT, scene
from tests.run.vary.standing import FACTS


def test_the_argument_gets_another_value() -> None:
    assert variant("build-arg", scene()).changes[0].options().arguments == {"VERSION": "2"}
    given = scene(arguments={"VERSION": "x"})
    assert variant("build-arg", given).changes[0].options().arguments == {"VERSION": "x-lab"}


def test_without_an_argument_one_is_given_that_nothing_declares() -> None:
    made = variant("build-arg", scene("FROM base:1\nRUN x\n"))
    assert made.changes[0].options().arguments == {"LAB_VARY": "1"}


@pytest.mark.parametrize(
    ("name", "flags", "word"),
    [
        ("network", (), "--network=host"),
        ("network", ("--network=host",), "--network=none"),
        ("platform", (), "--platform=linux/arm64"),
        ("platform", ("--platform=linux/arm64/v8",), "--platform=linux/amd64"),
    ],
)
def test_a_flag_gets_another_value(name: str, flags: tuple[str, ...], word: str) -> None:
    assert variant(name, scene(flags=flags)).changes[0].options().words == (word,)


def test_two_variables_change_places() -> None:
    made = variant("env-order", scene())
    assert made.dockerfile == TEXT.replace("ENV A=1\nENV B=2", "ENV B=2\nENV A=1")
    with pytest.raises(NotHereError, match="no two variables"):
        variant("env-order", scene("FROM base:1\nRUN x\n"))


@pytest.mark.parametrize("name", ["base-retagged", "base-reimported"])
def test_another_base_is_named_and_made(name: str) -> None:
    made = variant(name, scene())
    [new] = made.named
    assert new.startswith("localhost:1/") and made.images is not None
    assert made.dockerfile == TEXT.replace("base:1", new)


@pytest.mark.parametrize("name", ["base-retagged", "base-reimported"])
def test_a_client_has_the_login_for_the_registry_of_the_base(name: str, tmp_path: Path) -> None:
    """A docker that, as one with lab's own registry, pulls and pushes with the login alone."""
    client = tmp_path / "docker"
    client.write_text(f"""#!/bin/sh
case "$1" in
pull | push) grep -q auths "$DOCKER_CONFIG/config.json" || exit 1; echo "$DOCKER_CONFIG" >> {tmp_path}/folders ;;
esac
""")
    client.chmod(0o755)
    registry = Registry("localhost:1", "docker-registry", 1, credentials=Credentials.random())
    engine = Engine("20.10.24", (str(client),), "20.10.24", "20.10.24", "")
    make = variant(name, scene()).images
    assert make is not None
    make(Station(LocalBox("here"), lambda text: nullcontext(), engine, FACTS, PurePosixPath(tmp_path), registry))
    folders = (tmp_path / "folders").read_text().split()
    assert len(folders) == 2 and not any(Path(folder).exists() for folder in folders)


def test_a_base_whose_name_is_not_written_is_no_axis() -> None:
    with pytest.raises(NotHereError, match="not written after FROM"):
        variant("base-retagged", scene("ARG B=base:1\nFROM $B\nRUN x\n"))
    with pytest.raises(NotHereError, match="begins with no image"):
        variant("base-retagged", scene("FROM scratch\nCOPY src /\n", base=None))
