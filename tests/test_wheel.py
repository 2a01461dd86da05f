"""The built wheel, installed into a fresh environment: each verb works from an empty folder, without the checkout.

Building and installing need a package index. Where CI=true the tests fail without one; elsewhere they are skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab import __version__
from lab.project import cache_folder
from lab.results.run import load
from tests.cli.test_digest import BAR
from tests.cli.test_why import image, producers_context
from tests.conftest import ROOT
from tests.reporting import RUNS

pytestmark = pytest.mark.slow

SOURCES = ("lab", "boxes", "templates", "Vagrantfile", "setup.cfg", "setup.py", "pyproject.toml", "MANIFEST.in")
DATA = ("boxes", "templates", "Vagrantfile")
PAGES = ("docs/glossary.md",)  # `lab help` reads it
SAMPLE = ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"


def run(argv: Sequence[str | Path], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, argv)], capture_output=True, text=True, timeout=600, check=False, **more)


def clean_environment(home: Path) -> dict[str, str]:
    """This user's variables without those that lead lab or Python anywhere."""
    leading = ("LAB_", "XDG_", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(leading)} | {"HOME": str(home)}


def built(argv: Sequence[str | Path], tools: Path | None = None) -> None:
    """Run a module of this Python. PYTHONPATH would show pip a package that it then takes for installed.

    `tools` is a folder with the packages that build, for a build that installs none.
    """
    env = clean_environment(Path.home()) | ({"PYTHONPATH": str(tools)} if tools else {})
    done = run([sys.executable, "-m", *argv], env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def files_below(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The bytes of every file below these names by its path."""
    paths = [path for name in names for path in (folder / name, *(folder / name).rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if "__pycache__" not in path.parts}


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` has filled, in the one of all workers of this run that needed it first."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / f"once-{name}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made := folder.with_suffix(".made")).exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with setuptools, from a package index that answers."""
    return made_once(tmp_path_factory, "index", download) / "tools"


def download(folder: Path) -> None:
    done = run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "setuptools>=68"])
    if done.returncode != 0:
        assert os.environ.get("CI") != "true", f"the package index does not answer: {done.stderr}"
        pytest.skip("the package index does not answer")
    [packed] = folder.glob("*.whl")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder / "tools")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that a build reads, of this worker alone: a build writes there."""
    folder = tmp_path_factory.mktemp("source")
    for name in (*SOURCES, "README.md"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    for name in PAGES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(index: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that `pip install .` makes."""
    words = ("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir")
    [path] = made_once(tmp_path_factory, "wheel", lambda folder: built([*words, folder, source])).glob("*.whl")
    return path


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel and what it requires, a user's empty home, and an empty current folder."""

    python: Path
    home: Path
    current: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return clean_environment(self.home) | self.more

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "lab"

    def lab(self, *words: str | Path, code: int = 0) -> str:
        """What `lab` prints; its exit code must be `code`."""
        done = run([self.python.with_name("lab"), *words], cwd=self.current, env=self.env)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout if code in (0, 4) else done.stderr


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment in which the wheel is installed."""

    def install(folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        built(["pip", "--python", folder / "bin" / "python", "install", "--quiet", wheel])

    return made_once(tmp_path_factory, "environment", install) / "bin" / "python"


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installation:
    found = Installation(environment, tmp_path / "home", tmp_path / "empty")
    found.home.mkdir()
    found.current.mkdir()
    return found


@pytest.fixture
def bundle(installed: Installation, tmp_path: Path) -> Path:
    """A bundle of the run that comes with the checkout."""
    installed.lab("bundle", SAMPLE, "--output", tmp_path / "sample.tar.gz")
    return tmp_path / "sample.tar.gz"


# --- what is in it


def test_the_wheel_holds_every_module_and_all_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    data = {f"lab/_data/{name}": content for name, content in files_below(ROOT, (*DATA, *PAGES)).items()}
    modules = {name: content for name, content in files_below(ROOT, ["lab"]).items() if name.endswith(".py")}
    assert "lab/_data/templates/scenarios/truth-whole/context/.dockerignore" in data
    assert found == data | modules


def test_a_wheel_of_the_source_distribution_is_the_same(index: Path, source: Path, wheel: Path, tmp_path: Path) -> None:
    # the source distribution, then the wheel out of it
    built(["build", "--no-isolation", "--outdir", tmp_path, source], index)
    [packed], [second] = tmp_path.glob("*.tar.gz"), tmp_path.glob("*.whl")
    with tarfile.open(packed) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert set(files_below(ROOT, DATA)) <= inside
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(second) as other:
        assert {info.filename: info.CRC for info in other.infolist()} == {
            info.filename: info.CRC for info in one.infolist()
        }


def test_a_build_leaves_nothing_that_the_next_one_takes(index: Path, source: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(source, tmp_path / "mine")
    before = {path.name for path in mine.iterdir() if path.suffix != ".egg-info"}
    (mine / "lab" / "gone.py").write_text("")
    (mine / "boxes" / "gone.yaml").write_text("")
    words = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    built([*words, tmp_path / "first", mine], index)
    assert {path.name for path in mine.iterdir() if path.suffix != ".egg-info"} == before
    (mine / "lab" / "gone.py").unlink()
    (mine / "boxes" / "gone.yaml").unlink()
    built([*words, tmp_path / "second", mine], index)
    gone = {}
    for name in ("first", "second"):
        [path] = (tmp_path / name).glob("*.whl")
        with zipfile.ZipFile(path) as archive:
            gone[name] = [entry for entry in archive.namelist() if "gone" in entry]
    assert gone == {"first": ["lab/gone.py", "lab/_data/boxes/gone.yaml"], "second": []}


def test_git_ignores_what_a_build_writes_and_no_module(tmp_path: Path) -> None:
    run(["git", "init", "--quiet", tmp_path])
    shutil.copy(ROOT / ".gitignore", tmp_path)
    modules = [name for name in files_below(ROOT, ["lab", "boxes", "templates"]) if not name.endswith(".pyc")]
    asked = ["build/lib/lab/model.py", "dist/a.whl", "docker_cache_lab.egg-info/PKG-INFO", *modules]
    done = run(["git", "check-ignore", "--stdin"], cwd=tmp_path, input="\n".join([*asked, "lab/engines/build/x.py"]))
    assert done.stdout.splitlines() == asked[:3]


def test_an_editable_installation_uses_the_checkouts_own_files(index: Path, source: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(source, tmp_path / "mine")
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    words = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable"]
    built(["pip", "--python", python, *words, mine], index)
    ask = "from lab.project import find; found = find(); print(found.boxes, found.results, sep='\\n')"
    done = run([python, "-c", ask], cwd=tmp_path, env=clean_environment(tmp_path))
    assert done.stdout.splitlines() == [str(mine / "boxes"), str(mine / "results")], done.stderr
    assert not (mine / "lab" / "_data").exists()


def test_make_repro_installs_no_development_tools(tmp_path: Path) -> None:
    for target, tools in (("repro", False), ("venv", False), ("check", True), ("test", True), ("bench", True)):
        done = run(["make", "--dry-run", "--file", ROOT / "Makefile", f"VENV={tmp_path}/none", target], cwd=ROOT)
        installs = [line for line in done.stdout.splitlines() if "pip install" in line]
        assert installs
        assert any("[dev]" in line for line in installs) is tools, installs


# --- each verb, from an empty folder


def test_the_program_and_the_module_start(installed: Installation) -> None:
    assert __version__ in installed.lab("--version")
    done = run([installed.python, "-m", "lab", "boxes"], cwd=installed.current, env=installed.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == installed.lab("boxes")
    assert "debian12-selinux" in done.stdout
    assert list(installed.current.iterdir()) == []


def test_no_development_tool_is_required(installed: Installation) -> None:
    ask = "import importlib.util as u, sys; print(*(name for name in sys.argv if u.find_spec(name)))"
    done = run([installed.python, "-c", ask, "click", "pytest", "mypy", "selenium"], env=installed.env)
    assert done.stdout.split() == ["click"], done.stderr


def test_read(installed: Installation) -> None:
    log = ROOT / "tests" / "data" / "progress" / "20.10.24" / "gist.plain.txt"
    of_checkout = run([sys.executable, "-m", "lab", "read", log], cwd=ROOT, env=installed.env)
    assert "COPY bar bar" in of_checkout.stdout
    assert installed.lab("read", log) == of_checkout.stdout


def test_why(installed: Installation, tmp_path: Path) -> None:
    context, packed = producers_context(tmp_path / "context"), image(tmp_path)
    words = ("why", "--cache-from", packed, context, "--engine", "20.10.24", "--json")
    assert [step["outcome"] for step in json.loads(installed.lab(*words))["steps"]] == ["hit", "hit", "hit"]
    (context / "bar").chmod(0o664)
    step = json.loads(installed.lab(*words, code=4))["steps"][1]
    [difference] = step["search"]["found"]["differences"]  # the usual values are data
    assert (difference["path"], difference["field"], difference["producer"]) == ("bar", "mode", "0644")


def test_digest(installed: Installation, tmp_path: Path) -> None:
    context = producers_context(tmp_path / "context")
    assert installed.lab("digest", "--context", context, "bar").splitlines()[0] == f"{BAR}  bar"


def test_explain_and_report(installed: Installation, bundle: Path) -> None:
    assert installed.lab("report", bundle) == installed.lab("report", SAMPLE)
    assert "debian12-selinux" in installed.lab("report", bundle)
    assert "<!DOCTYPE html>" in installed.lab("report", bundle, "--format", "html")[:100]
    assert "COPY bar bar" in installed.lab("report", bundle, "--format", "md")
    said = installed.lab("explain", bundle)
    assert "COPY bar bar" in said and "security.selinux" in said
    assert installed.lab("explain", RUNS / "explained")


def test_compare_and_replay(installed: Installation, bundle: Path) -> None:
    number = len(load(SAMPLE).trials)
    assert installed.lab("compare", bundle, SAMPLE) == f"0 trials changed, {number} did not\n"
    said = installed.lab("replay", bundle)
    assert "judged again by the scenario of this version of lab" in said  # a scenario of the package


def test_a_bundle_holds_the_packages_templates_under_their_own_names(bundle: Path) -> None:
    with tarfile.open(bundle) as archive:
        names = set(archive.getnames())
    assert {"boxes/engines.yaml", "boxes/debian12-selinux.yaml", "templates/scenarios/copy-bust/scenario.yaml"} <= names
    assert [name for name in names if "_data" in name or name.startswith("/")] == []


def test_sides_and_pages_need_no_checkout(installed: Installation) -> None:
    for topic in ("trial", "R7", "buildkit#1330", "exit-12", "diff"):  # the words of the glossary travel in the wheel
        assert installed.lab("help", topic)
    (installed.current / "app").mkdir()
    (installed.current / "app" / "a").write_text("1")
    (installed.current / "side.json").write_text(installed.lab("record", "app"))
    assert "nothing differs" in installed.lab("diff", "app", "side.json")
    shutil.rmtree(installed.current / "app")
    (installed.current / "side.json").unlink()
    assert installed.lab("record", "--script").startswith("#!/bin/sh")


def test_schema_and_engines(installed: Installation) -> None:
    assert json.loads(installed.lab("schema", "run"))["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "20.10.24-unfixed" in installed.lab("engines")


def test_runs_are_those_of_the_current_folder(installed: Installation) -> None:
    assert "no run is stored" in installed.lab("runs")
    assert list(installed.current.iterdir()) == []
    shutil.copytree(SAMPLE, installed.current / "results" / "20261123T180000Z-copy-bust")
    assert "20261123T180000Z-copy-bust" in installed.lab("runs")
    assert installed.lab("report") == installed.lab("report", SAMPLE)


def test_doctor(installed: Installation) -> None:
    done = run([installed.python.with_name("lab"), "doctor", "--json"], cwd=installed.current, env=installed.env)
    checks = json.loads(done.stdout)["checks"]
    assert {"programs", "registry", "disk", "memory"} <= {check["name"] for check in checks}, done.stderr
    # a problem of this machine is 5, and is not the installation's
    assert done.returncode == (5 if any(check["level"] == "problem" for check in checks) else 0)


def test_init_writes_a_workplace_that_is_used_in_its_folder(installed: Installation) -> None:
    installed.lab("init", "mine")
    mine = Installation(installed.python, installed.home, installed.current / "mine")
    assert files_below(mine.current, DATA) == files_below(ROOT, DATA)
    (mine.current / "boxes" / "engines.yaml").rename(mine.current / "boxes" / "engines.away")
    assert "debian12-selinux" in mine.lab("boxes")  # not a workplace any more: the package's boxes
    (mine.current / "boxes" / "engines.away").rename(mine.current / "boxes" / "engines.yaml")
    (mine.current / "boxes" / "debian11.yaml").unlink()
    (mine.current / "boxes" / "lineups" / "releases.yaml").unlink()
    assert "debian11 " in installed.lab("boxes")
    assert "debian11 " not in mine.lab("boxes")


def test_the_packages_scenarios_get_no_golden_table(installed: Installation) -> None:
    assert "it is part of the installed lab" in installed.lab("expect", "save", SAMPLE, code=2)


def test_a_new_case_is_no_part_of_the_package(installed: Installation) -> None:
    words = ("--template", "file", "--summary", "s", "--mechanism", "m", "--expect", "hit ran ran")
    change = ("--change", 'mode: {app.txt: "0664"}')
    assert "it is part of the installed lab" in installed.lab("cases", "new", "mine", *words, *change, code=2)
    installed.lab("cases", "new", "mine", *words, *change, "--into", installed.current)
    assert (installed.current / "mine" / "scenario.yaml").is_file()


def test_without_home_the_users_own_is_found(installed: Installation) -> None:
    env = {name: value for name, value in installed.env.items() if name != "HOME"}
    done = run([installed.python.with_name("lab"), "boxes"], cwd=installed.current, env=env)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_is_read_only_is_refused_before_anything_starts(installed: Installation) -> None:
    inner = f"mount -t tmpfs -o ro none '{installed.current}' && cd '{installed.current}' && exec \"$@\""
    lab = [str(installed.python.with_name("lab")), "repro", "--lineup", "local"]
    alone = ["unshare", "--user", "--map-root-user", "--mount"] if os.geteuid() else ["unshare", "--mount"]
    if run([*alone, "sh", "-c", inner, "sh", "true"]).returncode != 0:
        assert os.environ.get("CI") != "true", "a mount namespace is needed"
        pytest.skip("this user may make no mount namespace")
    done = run([*alone, "sh", "-c", inner, "sh", *lab, "--allow-prune"], env=installed.env)
    assert done.returncode == 5, done.stdout + done.stderr
    assert f"cannot store a run in {installed.current}/results: " in done.stderr
    assert "hint: run lab in a folder that you may write to" in done.stderr
    assert not installed.state.exists()


# --- with engines and Vagrant


@pytest.mark.vm
def test_repro_on_this_machine_stores_its_run_in_the_current_folder(installed: Installation) -> None:
    here = Installation(installed.python, installed.home, installed.current, {"LAB_CACHE": str(cache_folder())})
    words = ("--variation", "none", "--variation", "selinux-label", "--json")
    found = json.loads(here.lab("repro", "--lineup", "local", *words))
    seen = {
        (trial["engine"], trial["variation"]): [step["outcome"] for step in trial["build"]["steps"]]
        for trial in found["trials"]
    }
    assert seen == {
        ("20.10.24", "none"): ["hit", "hit", "hit"],
        ("20.10.24-unfixed", "none"): ["hit", "hit", "hit"],
        ("20.10.24", "selinux-label"): ["hit", "hit", "hit"],
        ("20.10.24-unfixed", "selinux-label"): ["hit", "ran", "ran"],
    }
    assert [path.name for path in here.current.iterdir()] == ["results"]
    assert [path.name for path in (here.current / "results").iterdir()] == [found["name"]]
    assert found["name"] in here.lab("runs")
    assert "security.selinux" in here.lab("explain")
    assert list((here.state / "engines").glob("*")) == []


@pytest.mark.vm
@pytest.mark.machines
def test_vagrant_itself_finds_the_packages_machines_in_the_state_folder(installed: Installation) -> None:
    ask = """\
from lab.boxes.vagrant_program import vagrant_for
from lab.project import find
print(*sorted(status.name for status in vagrant_for(find()).status()))
"""
    env = installed.env | {"VAGRANT_HOME": os.environ.get("VAGRANT_HOME", str(Path.home() / ".vagrant.d"))}
    done = run([installed.python, "-c", ask], cwd=installed.current, env=env)
    listed = json.loads(installed.lab("boxes", "--json"))["boxes"]
    assert done.stdout.split() == sorted(row["name"] for row in listed if row["kind"] == "vagrant"), done.stderr
    assert (installed.state / "Vagrantfile").is_file()
    assert list(installed.current.iterdir()) == []


@pytest.mark.vm
@pytest.mark.machines
def test_a_machine_comes_up_and_goes_without_a_workplace(installed: Installation) -> None:
    homes = {
        "LAB_CACHE": str(cache_folder()),  # the image that was baked before
        "VAGRANT_HOME": os.environ.get("VAGRANT_HOME", str(Path.home() / ".vagrant.d")),
    }
    here = Installation(installed.python, installed.home, installed.current, homes)
    box = "debian12-apparmor"
    try:
        said = here.lab("up", box, "--engine", "20.10.24")
        assert said == f"{box}: up, Docker 20.10.24+dfsg1\n"
        assert here.lab("exec", box, "--", "hostname") == f"{box}\n"
        assert (here.state / "machines" / f"{box}.json").is_file()
    finally:
        here.lab("down")
    assert list((here.state / "machines").iterdir()) == []
    assert list(here.current.iterdir()) == []
