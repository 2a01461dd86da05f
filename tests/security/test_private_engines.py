"""Who can reach an engine of this machine: what the scripts that start it do, and a real engine at the end."""

from __future__ import annotations

import re
import stat
import subprocess
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.engines import host
from lab.engines.buildkitd import BuildkitDaemon, ShownDaemon
from lab.engines.daemon import Daemon
from lab.engines.home import Home
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.project import find

HERE = LocalBox("this machine")


@pytest.mark.parametrize("kind", [Daemon, BuildkitDaemon, ShownDaemon])
def test_only_root_enters_the_folder_of_a_private_engines_sockets(tmp_path: Path, kind: type[Daemon]) -> None:
    """The script runs as far as the daemon, whose place a program takes that shows what it finds."""
    name = "buildkit-0.25.2" if issubclass(kind, BuildkitDaemon) else "26.1.5"
    places = {"home": tmp_path / "home", "var": tmp_path / "var", "run": tmp_path / "run"}
    home, var, run = (PurePosixPath(places[word]) for word in ("home", "var", "run"))
    daemon = kind(name, containerd=False, home=home, var=var, run=run, private=True)
    programs = Path(daemon.programs)
    programs.mkdir(parents=True)
    for word in ("dockerd", "docker", "buildkitd", "buildctl", "ip", "iptables"):
        show = f'stat -c %a "{daemon.state}"' if word in ("dockerd", "buildkitd") else "exit 0"
        (programs / word).write_text(f"#!/bin/sh\n{show}\n", encoding="utf-8")
        (programs / word).chmod(0o755)
    done = subprocess.run(["sh", "-c", f"umask 022\n{daemon.script()}"], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["700"], done.stderr


def test_no_engine_listens_on_a_port_of_its_own() -> None:
    for daemon in (Daemon("26.1.5", True), BuildkitDaemon("buildkit-0.25.2", False)):
        assert not re.search(r"tcp://|127\.0\.0\.1|0\.0\.0\.0", daemon.script())
    assert "debugAddress" not in tomllib.loads(BuildkitDaemon("buildkit-0.25.2", False).settings())["grpc"]


@pytest.mark.vm
def test_a_real_private_engine_is_out_of_reach_of_other_users(tmp_path: Path) -> None:
    project = find()
    stock = Stock(Catalog(project.boxes).engines, project.boxes / "engines", project.cache, HERE)
    spec, state = stock.engines["26.1.5"], tmp_path / "state"
    try:
        engine = host.start(HERE, spec, stock.archives(spec, lambda event: None), state, lambda event: None)
        home = Home(state, spec.home, spec.version)
        assert HERE.run(engine.ping).ok
        for folder in (Path(home.daemon.state), home.folder):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
        for words in (["ls", str(home.daemon.state)], ["test", "-S", str(home.daemon.socket_file)]):
            assert not HERE.run([*drop, *words]).ok
        listening = HERE.run(["ss", "-Hltnp"]).text
        assert "dockerd" not in listening and "containerd" not in listening
    finally:
        host.stop(HERE, spec.name, state)
