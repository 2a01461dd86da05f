"""Words of a stranger reach a program behind a real sshd as they are, and run nothing on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.boxes.ssh import SshBox
from tests.boxes.test_ssh import Sshd, sshd
from tests.security.hostile import MARK, arguments

__all__ = ["sshd"]  # the fixture


@pytest.fixture(scope="module")
def box(sshd: Sshd) -> Iterator[SshBox]:
    made = sshd.box("words")
    made.bring_up(lambda event: None)
    yield made
    made.close()


def utf8(text: str) -> str:
    """The text with what a command line of Python can hold."""
    return text.encode("utf-8", "replace").decode()


@settings(max_examples=25)
@given(words=st.lists(arguments.map(utf8), min_size=1, max_size=4), value=arguments.map(utf8))
def test_words_and_variables_arrive_as_they_are(
    box: SshBox, tmp_path_factory: pytest.TempPathFactory, words: list[str], value: str
) -> None:
    folder = tmp_path_factory.mktemp("a 'b' $(c)")
    show = ("sh", "-c", 'printf "%s\\0" "$VALUE" "$@"', "sh", *words)
    done = box.run(show, env={"VALUE": value}, cwd=PurePosixPath(folder))
    assert done.stdout == b"".join(word.encode() + b"\0" for word in (value, *words))
    assert list(folder.iterdir()) == [] and not Path(MARK).exists()
