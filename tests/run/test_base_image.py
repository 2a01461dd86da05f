"""The base image of a run that has no Docker: what buildctl is told, and where its digest is read."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.errors import BoxError
from lab.registry.server import Registry
from lab.run import base_image

DIGEST = f"sha256:{'a' * 64}"
REGISTRY = Registry("localhost:9", "docker-registry", 9)  # the discard port: nothing answers there


class Answers(ReplayBox):
    """A box that makes every image, and prints this at the end."""

    def __init__(self, printed: str, *, has_busybox: bool = True) -> None:
        super().__init__("local", [])
        self.printed = printed
        self.has_busybox = has_busybox
        self.scripts: list[str] = []
        self.copied: dict[str, bytes] = {}

    def put(self, source: Path, target: PurePosixPath) -> None:
        self.copied[str(target)] = source.read_bytes()

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.scripts.append(command.argv[-1])
        looks = "sha256sum" in command.argv[-1]
        if looks and not self.has_busybox:
            return Result(command, 1, b"", b"sha256sum: '': No such file\n", datetime.now(UTC), 0.1)
        out, err = ("0123456789abcdef0123  /bin/busybox\n", "") if looks else ("", self.printed)
        if command.argv == ("mktemp", "-d"):
            out, err = "/tmp/tmp.a b\n", ""
        return Result(command, 0, out.encode(), err.encode(), datetime.now(UTC), 0.1)


@pytest.fixture(autouse=True)
def no_docker_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    # whether Docker Hub answers must not decide this test
    monkeypatch.setattr(base_image, "answers", lambda *words: False)


def make(printed: str, box: Answers | None = None) -> tuple[str, str]:
    box = box or Answers(printed)
    engine = Engine("buildkit-0.25.2", ("buildctl", "--addr", "unix:///b"), "1", "1", "", program="buildctl")
    made = base_image.choose(None, REGISTRY, box, engine, lambda event: None)
    return made.reference, box.scripts[-1]


def test_buildctl_builds_and_pushes_the_archive() -> None:
    reference, script = make(f"#7 exporting manifest {DIGEST} done\n#7 exporting config sha256:{'b' * 64} done\n")
    assert reference == f"localhost:9/lab-base@{DIGEST}"
    assert "FROM scratch\\nADD root.tar /\\n" in script
    assert "buildctl --addr unix:///b build --frontend dockerfile.v0" in script
    assert "type=image,name=localhost:9/lab-base:busybox-0123456789abcdef,push=true" in script


def test_an_output_without_a_digest_is_an_error() -> None:
    with pytest.raises(BoxError, match="cannot read the base image's digest on local"):
        make("#7 DONE 0.1s\n")


def test_a_box_without_busybox_gets_the_one_of_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "busybox").write_bytes(b"a static program")
    box = Answers(f"exporting manifest {DIGEST}\n", has_busybox=False)
    reference, _ = make("", box)
    assert reference == f"localhost:9/lab-base@{DIGEST}"
    assert box.copied == {"/tmp/tmp.a b/busybox": b"a static program"}
    script, removed = box.scripts[-2:]
    assert "busybox='/tmp/tmp.a b/busybox'\n" in script
    assert f":busybox-{sha256(b'a static program').hexdigest()[:16]}," in script
    assert removed == "/tmp/tmp.a b"


def test_without_any_busybox_the_error_names_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    with pytest.raises(BoxError, match="it has no busybox") as caught:
        make("", Answers("", has_busybox=False))
    assert "--base IMAGE" in (caught.value.hint or "") and "up --from PACK" in (caught.value.hint or "")
