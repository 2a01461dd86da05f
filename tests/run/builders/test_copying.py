"""A path of an image is read by a container that is made, copied from and removed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from lab.boxes.base import Command, Result
from lab.errors import BoxError
from lab.run.builders.copying import path_in_image


def result(stdout: bytes, status: int = 0) -> Result:
    return Result(Command(("docker",)), status, stdout, b"", datetime.now(UTC), 0.1)


class Client:
    def __init__(self, copied: Result | BoxError) -> None:
        self.copied = copied
        self.calls: list[str] = []

    def docker(self, words: Sequence[str], doing: str) -> Result:
        self.calls.append(" ".join(words))
        return result(b"a warning\nc0ffee\n")

    def copy(self, words: Sequence[str]) -> Result:
        self.calls.append(" ".join(words))
        if isinstance(self.copied, BoxError):
            raise self.copied
        return self.copied


def packed() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        member = tarfile.TarInfo("x")
        member.mode = 0o600
        made.addfile(member, io.BytesIO())
    return out.getvalue()


def test_the_container_is_removed_whatever_happens() -> None:
    calls = ["create image true", "cp c0ffee:/x -", "rm c0ffee"]
    there, gone, lost = Client(result(packed())), Client(result(b"", 1)), Client(BoxError("lost"))
    found = path_in_image(there.docker, there.copy, "image", "/x")
    assert found and found.mode == 0o600
    assert path_in_image(gone.docker, gone.copy, "image", "/x") is None
    with pytest.raises(BoxError, match="lost"):
        path_in_image(lost.docker, lost.copy, "image", "/x")
    assert there.calls == gone.calls == lost.calls == calls
