"""The images that a Dockerfile names after FROM: which are read from here, and which are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.boxes.recording import RecordingBox
from lab.boxes.specs import BoxSpec
from lab.engines.engine import Engine
from lab.machines.catalog import Catalog
from lab.machines.ready import Ready
from lab.registry.server import Registry
from lab.run.experiment import base_maker, caches_of, other_bases
from lab.run.scenarios import Scenario, load_scenario
from lab.run.wish import Wish
from tests.conftest import ROOT

STORE = Registry("localhost:9", "docker-registry", 9)  # the discard port: nothing answers there
BOXES = Catalog(ROOT / "boxes")


def scenario(folder: Path, *bases: str) -> Scenario:
    stages = "".join(f"FROM {base} AS s{number}\n" for number, base in enumerate(bases))
    copies = [f"COPY --from=s{number} /a /a" for number, _ in enumerate(bases)]
    (folder / "Dockerfile.j2").write_text(stages + "FROM {{ base }}\n" + "\n".join(copies) + "\n")
    steps = "".join(f'  - {{instruction: "{copy}", expect: hit}}\n' for copy in copies)
    (folder / "scenario.yaml").write_text(f"name: tiny\nsummary: s\nsteps:\n{steps}")
    return load_scenario(folder, "alpine")


def ready(spec: BoxSpec) -> Ready:
    return Ready(LocalBox(spec.name), spec, (Engine("e", ("true",), "1", "1", "c"),))


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ("local", "the request to localhost:8 failed"),
        ("debian12-selinux", "it is in a registry on the box's own localhost, which this machine does not read"),
    ],
)
def test_localhost_is_another_registry_on_each_machine(tmp_path: Path, box: str, problem: str) -> None:
    made = scenario(tmp_path, "localhost:8/node:20", "localhost:9/kept")
    node, kept = other_bases(made, "alpine", STORE, [ready(BOXES.box(box))])
    assert (node.reference, kept.reference) == ("localhost:8/node:20", "localhost:9/kept")
    assert problem in (node.image.problem or "")
    assert "the request to 127.0.0.1:9 failed" in (kept.image.problem or "")  # the lab's own: the same from everywhere


def test_the_runs_own_base_is_no_other_one(tmp_path: Path) -> None:
    assert other_bases(scenario(tmp_path, "alpine"), "alpine", STORE, [ready(BOXES.box("local"))]) == ()


DOCKER = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "")
BUILDKIT = Engine("buildkit-0.25.2", ("buildctl",), "0.25.2", "0.25.2", "", program="buildctl")


def wish(*caches: str, used: tuple[str, ...] = (), made: tuple[str, ...] = ()) -> Wish:
    return Wish("local", Path(), consumer_engines=used, producer_engines=made, caches=caches)


def test_only_producers_with_engines_of_their_own_write_another_cache() -> None:
    names = ["26.1.5", "buildkit-0.25.2"]
    assert caches_of(wish(), names) == dict.fromkeys(names, ("inline",))
    assert caches_of(wish("local"), names) == dict.fromkeys(names, ("local",))
    made = ("buildkit-0.25.2",)
    assert caches_of(wish("local", used=("26.1.5",), made=made), names) == {
        "26.1.5": ("inline",),
        "buildkit-0.25.2": ("local",),
    }
    assert caches_of(wish("local", made=made), names)["buildkit-0.25.2"] == ("inline", "local")


@pytest.mark.parametrize(("engines", "maker"), [((BUILDKIT, DOCKER), DOCKER), ((BUILDKIT,), BUILDKIT)])
def test_a_docker_of_the_run_makes_the_base_image_if_there_is_one(engines: tuple[Engine, ...], maker: Engine) -> None:
    box = LocalBox("local")
    item = Ready(box, BOXES.box("local"), engines)
    recorded = RecordingBox(box, None)  # type: ignore[arg-type]  # nothing is run
    assert base_maker([item], {"local": recorded}) == (recorded, maker)
