"""Real runs on this machine: engines with the containerd image store, both kinds of buildx, and a static release."""

from __future__ import annotations

import functools
import hashlib
import http.server
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab.boxes.local import LocalBox
from lab.engines import host, own
from lab.engines.archive import TOP
from lab.engines.kinds.table import kind_of
from lab.engines.pins import PINS
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.model import Progress
from lab.project import find
from tests.conftest import HANGS, ROOT, Lab
from tests.test_buildctl_vm import HIT, LOCAL, RAN, outcomes

pytestmark = [pytest.mark.vm, pytest.mark.timeout(2 * HANGS)]  # the first run builds BuildKit, which takes minutes
STORES = "26.1.5,26.1.5+containerd"
VARIED = ("--variation", "none", "--variation", "user-xattr")


def quiet(event: Progress) -> None:
    pass


def test_the_containerd_store_writes_a_cache_beside_the_image_with_both_builders(workplace: Lab) -> None:
    words = ("--engine", "26.1.5+containerd", "--builder", "buildkit,buildx", "--cache", "local")
    found = outcomes(workplace.ok(*LOCAL, *words, *VARIED).out)
    assert found == {
        f"local>local:26.1.5+containerd{builder}+local/copy-bust:{variation}": steps
        for builder in ("", "+buildx")
        for variation, steps in (("none", [HIT, HIT, HIT]), ("user-xattr", [HIT, RAN, RAN]))
    }


def test_buildx_drives_a_docker_and_a_buildkit_without_docker(workplace: Lab) -> None:
    words = ("--engine", "28.5.2,buildkit-0.25.2", "--builder", "buildx,buildx-remote")
    found = outcomes(workplace.ok(*LOCAL, *words, *VARIED).out)
    assert found == {
        f"local>local:{engine}/copy-bust:{variation}": steps
        for engine in ("28.5.2+buildx", "buildkit-0.25.2+buildx-remote")
        for variation, steps in (("none", [HIT, HIT, HIT]), ("user-xattr", [HIT, RAN, RAN]))
    }


def test_cases_of_the_store_go_as_they_expect(workplace: Lab) -> None:
    said = workplace.ok("cases", "check", "local-only", "--lineup", "local", "--engine", STORES).out
    assert "2 trials: 2 as expected" in said


@pytest.fixture
def release(tmp_path: Path) -> Iterator[str]:
    """The address of an archive in the form of BuildKit's releases, with the programs of an engine that lab builds."""
    project = find()
    catalog = Catalog(ROOT / "boxes")
    stock = Stock(catalog.engines, ROOT / "boxes" / "engines", project.cache, LocalBox("this machine"))
    archive = stock.archive(catalog.engine("buildkit-0.25.2"), quiet)
    site = tmp_path / "site"
    site.mkdir()
    names = {"buildkitd": "buildkitd", "buildctl": "buildctl", "runc": "buildkit-runc"}
    with tarfile.open(archive.path) as source, tarfile.open(site / "release.tar.gz", "w:gz", compresslevel=1) as made:
        for ours, theirs in names.items():
            entry = source.getmember(f"{TOP}/{ours}")
            content = source.extractfile(entry)
            entry.name = f"bin/{theirs}"
            made.addfile(entry, content)
    handler = functools.partial(Silent, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/release.tar.gz"
        server.shutdown()


class Silent(http.server.SimpleHTTPRequestHandler):
    """A server that logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_static_release_is_pinned_brought_and_proven(tmp_path: Path, release: str) -> None:
    entry = {"name": "buildkit-0.25.2", "version": "0.25.2", "kind": "buildkit-release", "url": release, "sha256": None}
    (tmp_path / "engines.yaml").write_text(yaml.safe_dump({"engines": [entry]}))
    cache, state, box = tmp_path / "cache", tmp_path / "state", LocalBox("this machine")
    own.pin("buildkit-0.25.2", Catalog(tmp_path).engines, cache, quiet)
    catalog = Catalog(tmp_path, cache / PINS)
    spec = catalog.engine("buildkit-0.25.2")
    stock = Stock(catalog.engines, tmp_path, cache, box)
    try:
        engine = kind_of(spec).start_here(box, spec, stock, state, quiet)
        assert (engine.title, engine.program) == ("BuildKit 0.25.2+debian", "buildctl")
        pinned = hashlib.sha256((tmp_path / "site" / "release.tar.gz").read_bytes()).hexdigest()
        assert f"sha256: {pinned}" in (cache / PINS).read_text()
        assert box.run(engine.ping).ok
    finally:
        host.stop(box, spec.name, state)
