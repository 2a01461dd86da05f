"""What buildctl is told: the words of a build, what a push and a prune do, and which flags it cannot have."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.builders.buildctl import in_bytes, words_of
from lab.run.builders.caching import Caching
from lab.run.builders.kind import Order, Scope
from lab.run.changes.kind import BuildOptions
from lab.run.station import Station
from lab.run.steps.prune import Prune
from lab.run.steps.push import Push
from lab.run.steps.work import Recipe, Work
from tests.conftest import ROOT

REF = "localhost:1/x:t"
FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]
ADDRESS = ("buildctl", "--addr", "unix:///b.sock")


def words(*flags: str, push: bool = False, export: bool = True, kind: str = "inline", source: str = REF) -> str:
    options = BuildOptions({"A": "1 2"}, flags)
    caching = Caching(kind, PurePosixPath("/caches"))
    return " ".join(words_of(Order(REF, [source], frozenset(), export, ".", options, push, caching)))


def test_a_build_has_the_words_of_the_bug_report_before_its_change() -> None:
    assert words(push=True) == (
        "build --progress=plain --frontend dockerfile.v0 --local context=. --local dockerfile=. "
        f"--opt build-arg:A=1 2 --import-cache type=registry,ref={REF} --export-cache type=inline "
        f"--output type=image,name={REF},push=true"
    )
    assert "push=false" in words()
    assert "--export-cache" not in words(export=False)


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["--file", "sub/Dockerfile"], "--opt filename=sub/Dockerfile"),
        (["--target=first"], "--opt target=first"),
        (["--network=host"], "--allow network.host --opt force-network-mode=host"),
        (["--network=none"], "--opt force-network-mode=none"),
        (["--no-cache"], "--no-cache"),
        (["--no-cache-filter=a", "--no-cache-filter=b"], "--opt no-cache=a,b"),
        (["--add-host=a=1.2.3.4", "--add-host=b=1.2.3.5"], "--opt add-hosts=a=1.2.3.4,b=1.2.3.5"),
        (["--add-host=a:1.2.3.4", "--add-host", "b:::1"], "--opt add-hosts=a=1.2.3.4,b=::1"),
        (["--shm-size=64m"], "--opt shm-size=67108864"),
        (["--ulimit=nofile=1:2"], "--opt ulimit=nofile=1:2"),
        (["--label=a=b"], "--opt label:a=b"),
        (["--build-context=more=docker-image://a"], "--opt context:more=docker-image://a"),
        (["--secret=id=a,src=b"], "--secret id=a,src=b"),
        (["--pull", "--platform=linux/arm64"], "--opt platform=linux/arm64"),
    ],
)
def test_flags_of_docker_build_have_the_counterpart_of_buildctl(flags: list[str], found: str) -> None:
    assert f"--opt build-arg:A=1 2 {found} --import-cache" in words(*flags)


def test_a_flag_without_a_counterpart_is_refused_by_its_name() -> None:
    with pytest.raises(CommandError, match="cannot build with buildctl: it has no counterpart of --isolation"):
        words("--isolation=hyperv")


@pytest.mark.parametrize(
    ("text", "number"),
    [("64", 64), ("64b", 64), ("1k", 1024), ("1.5M", 1572864), ("2GiB", 2 << 30), ("1 gb", 1 << 30), ("1T", 1 << 40)],
)
def test_sizes_are_read_as_dockers_client_reads_them(text: str, number: int) -> None:
    assert in_bytes(text) == number


def test_what_is_no_size_is_refused() -> None:
    with pytest.raises(CommandError, match="a lot is no size"):
        words("--shm-size=a lot")


class Listening(ReplayBox):
    """A box that keeps the commands and answers each with success."""

    def __init__(self) -> None:
        super().__init__("local", [])
        self.commands: list[tuple[str, ...]] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.commands.append(command.argv)
        return Result(command, 0, b"", b"", datetime.now(UTC), 0.1)


def work_of(box: Listening, said: list[str]) -> Work:
    engine = Engine("buildkit-0.25.2", ADDRESS, "0.25.2", "0.25.2", "", builder="buildctl", program="buildctl")
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(box, lambda about: nullcontext(), engine, FACTS, PurePosixPath("/h"), registry)
    return Work(station, Recipe("FROM b\n", (), {}), "producer", "slug", REF, {"image": REF}, said.append)


def test_a_push_does_nothing_and_says_so() -> None:
    box, said = Listening(), list[str]()
    Push(side="producer").run(work_of(box, said))
    assert (box.commands, said) == ([], ["push: nothing to do, the build has pushed the image"])


@pytest.mark.parametrize(
    ("scope", "command"),
    [("all", ("prune", "--all")), ("builder-all", ("prune", "--all")), ("system", ("prune",)), ("builder", ("prune",))],
)
def test_a_prune_empties_the_cache(scope: Scope, command: tuple[str, ...]) -> None:
    box, said = Listening(), list[str]()
    Prune(scope=scope).run(work_of(box, said))
    assert (box.commands, said) == ([(*ADDRESS, *command)], ["prune"])


def test_images_are_not_pruned_because_there_are_none() -> None:
    box, said = Listening(), list[str]()
    Prune(scope="images").run(work_of(box, said))
    assert (box.commands, said) == ([], ["prune: nothing to do, a buildkitd has no images"])


def test_a_dockerfile_and_a_folder_beside_the_context() -> None:
    found = words("--file=../recipe/Dockerfile", "--build-context=more=../contexts/0", "--secret=id=t,src=../secrets/0")
    assert "--local context=. --local dockerfile=../recipe " in found and "--opt filename=Dockerfile" in found
    assert "--local more=../contexts/0 " in found and "--opt context:more=local:more" in found
    assert "--secret id=t,src=../secrets/0" in found
