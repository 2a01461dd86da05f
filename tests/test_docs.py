"""The README and the pages in docs: what they show is real, what they link to exists, the site needs no network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import click
import pytest
import yaml

from lab import errors
from lab.boxes.kinds.ssh import SshSpec
from lab.cli.main import lab as program
from lab.report.prediction import Prediction
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MANUAL = (ROOT / "docs" / "manual.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
SAMPLE = ROOT / "results" / "sample" / "table.txt"


def block(marker: str, text: str = README) -> str:
    """The fenced block that follows a marker."""
    found = re.search(rf"<!-- {marker} -->\n```\w*\n(.*?)```", text, re.DOTALL)
    assert found, f"there is no block after <!-- {marker} -->"
    return found[1]


def between(marker: str) -> str:
    """The part of the manual between two markers."""
    found = re.search(rf"<!-- {marker} -->(.*?)<!-- /{marker} -->", MANUAL, re.DOTALL)
    assert found, f"docs/manual.md has no part {marker}"
    return found[1]


def words(text: str) -> list[str]:
    """The text without regard to how wide its columns are."""
    return text.split()


# --- the README


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 115


def test_the_readme_shows_rows_of_the_sample() -> None:
    shown, real = block("table: results/sample").splitlines(), iter(SAMPLE.read_text(encoding="utf-8").splitlines())
    assert [line for line in shown if line not in real] == []  # in the sample's order
    outcomes = " ".join(shown).split()
    assert {"hit", "ran"} <= set(outcomes)


def lab(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "100"}  # the pages show this width, whatever the terminal of the tests is
    argv = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_readme_shows_what_lab_read_prints() -> None:
    command, _, output = block("output: lab read").partition("\n")
    assert command.startswith("$ lab read tests/")
    done = lab(*command.removeprefix("$ lab ").split(), cwd=ROOT)
    assert done.returncode == 0
    assert words(done.stdout) == words(output)


def clone(folder: Path) -> Path:
    """A clone that holds the example, with the modes that umask 022 gives it."""
    shutil.copytree(ROOT / "templates" / "example", folder / "templates" / "example")
    for path in (folder / "templates" / "example").rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.name == "start.sh" else 0o644)
    shutil.copy(ROOT / ".gitattributes", folder)
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=folder, check=True, timeout=60)
    return folder


@contextmanager
def serving(command: str, folder: Path, *words: str) -> Iterator[str]:
    """The first command of the README while it runs in the background: the line that it prints when it serves.

    It serves on a free port, because the README's own may be taken on this machine, by somebody who tries the README.
    """
    assert command.startswith("$ python3 templates/") and command.endswith(" &")
    argv = [sys.executable, *command.removeprefix("$ python3 ").removesuffix(" &").split(), *(words or ("0",))]
    with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout and server.stderr
        try:
            yield (server.stdout.readline() or server.stderr.readline()).rstrip("\n")
        finally:
            server.terminate()


def example() -> tuple[str, str, str, str]:
    """The README's first block: the command that serves, what it prints, the command of lab, and its output."""
    serve, printed, command, output = block("output: lab why").split("\n", 3)
    return serve, printed, command.removeprefix("$ lab "), output


def port_of(line: str) -> str:
    """The port on which the example says that it serves."""
    found = re.fullmatch(r"serving the cache as 127\.0\.0\.1:(\d+)/app:cache", line)
    assert found, line
    return found[1]


def test_the_readme_shows_what_lab_why_prints_of_the_example_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    serve, printed, command, output = example()
    folder = clone(tmp_path)
    assert f'PORT = "127.0.0.1", {port_of(printed)}\n' in (folder / serve.split()[2]).read_text(encoding="utf-8")
    with serving(serve, folder) as line:
        port = port_of(line)
        done = lab(*command.replace(port_of(printed), port).split(), cwd=folder)
    assert done.returncode == 4  # a step would run
    assert timeless(done.stdout) == timeless(output.replace(port_of(printed), port))


def test_the_example_is_the_readmes_first_and_comes_with_a_workplace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel has no other files than a workplace: templates/ and boxes/."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    serve, printed, command, _ = example()
    first = next(line for line in README.splitlines() if line.startswith("$ "))
    assert first == serve
    assert command.startswith("why --cache-from type=registry,ref=127.0.0.1:")
    assert lab("init", "mine", cwd=tmp_path).returncode == 0
    with serving(serve, tmp_path / "mine") as line:
        here = command.replace(port_of(printed), port_of(line))
        done = lab(*here.split(), "--json", cwd=tmp_path / "mine")
    assert done.returncode == 4, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"][found["cause"]]["instruction"] == "COPY package.json ./"


def test_the_example_registry_answers_only_for_its_own_cache() -> None:
    serve, _, _, _ = example()
    with serving(serve, ROOT) as line:
        base = f"http://{line.rpartition(' ')[2].partition('/')[0]}/v2/app"
        with urlopen(f"{base}/manifests/cache", timeout=60) as answer:
            manifest = answer.read()
        index = json.loads((ROOT / "templates/example/cache/index.json").read_bytes())
        assert f"sha256:{sha256(manifest).hexdigest()}" == index["manifests"][0]["digest"]
        for path in ("blobs/sha256:" + "0" * 64, "manifests/other", "blobs/../../index.json", "blobs/sha256:../x"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"{base}/{path}", timeout=60)


def test_an_example_registry_that_cannot_serve_says_why_and_what_next() -> None:
    serve, _, _, _ = example()
    with serving(serve, ROOT) as line, serving(serve, ROOT, port_of(line)) as refused:
        assert f"cannot serve on 127.0.0.1:{port_of(line)}: " in refused
        assert "name another port: python3 templates/example/registry.py 5956" in refused
    for words in (["x"], ["1", "2"], ["-1"], ["²"]):
        with serving(serve, ROOT, *words) as refused:
            assert refused.startswith(f"cannot use {' '.join(words)!r}: the only argument is a port")
    with serving(serve, ROOT, "70000") as refused:
        assert "cannot serve on 127.0.0.1:70000: " in refused


def timeless(text: str) -> list[str]:
    return words(re.sub(r"in [\d.]+ s", "in some seconds", text))


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "docs" / "manual.md"], ids=lambda path: path.name)
def test_the_box_of_the_example_is_a_box(path: Path) -> None:
    text = re.search(r"```yaml\n(name: build7.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    assert text
    box = SshSpec.model_validate(yaml.safe_load(text[1]), strict=False)
    assert (box.host, box.engines) == ("build7.example.org", ("installed",))


# --- links


def targets(path: Path) -> list[str]:
    """What a page links to or shows, but addresses of the web."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in found if not urlsplit(target).scheme]


def anchors(path: Path) -> set[str]:
    """The anchors that a forge gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for target in targets(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


# --- the manual and the glossary


def test_the_manual_lists_every_verb() -> None:
    named = re.findall(r"^\|[^|]*\| `(\w+)", between("verbs"), re.MULTILINE)
    assert set(named) == set(program.list_commands(click.Context(program)))


def kinds(base: type[errors.LabError]) -> list[type[errors.LabError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


def test_the_manual_lists_every_exit_code_in_order() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", between("exit codes"), re.MULTILINE)]
    assert listed == sorted({0, 4, 12, 14, *(kind.exit_code for kind in kinds(errors.LabError))})


def test_the_glossary_has_at_most_15_words_each_once() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([a-z ]+) \|", text, re.MULTILINE)[1:]
    assert 8 <= len(listed) <= 15
    assert len(set(listed)) == len(listed)
    assert {"box", "lineup", "engine", "scenario", "variation", "trial", "producer", "consumer"} <= set(listed)


# --- the site


class Loads(HTMLParser):
    """Collects what a page loads, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.loaded += [value for key in ("src", "srcset", "data", "poster") if (value := values.get(key))]
        if (href := values.get("href")) is not None:
            (self.loaded if tag == "link" else self.linked).append(href)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as `make docs` makes it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(folder / "trees"), "docs"]
    done = subprocess.run(
        [sys.executable, *command, str(folder / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "site"


def test_the_site_has_every_page_and_loads_nothing_from_the_network(site: Path) -> None:
    pages = {path.stem: path for path in site.glob("*.html")}
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} <= pages.keys()
    for path in pages.values():
        loads = Loads()
        loads.feed(path.read_text(encoding="utf-8"))
        assert loads.loaded
        local = [urlsplit(target) for target in loads.loaded if not target.startswith("data:")]
        assert [target.geturl() for target in local if target.scheme or target.netloc] == []
        assert [target.geturl() for target in local if not (path.parent / unquote(target.path)).exists()] == []
    for style in site.rglob("*.css"):
        assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style.name


def test_links_of_the_site_open_from_a_folder(site: Path) -> None:
    """A link to a folder, as in `manual/`, would need a server."""
    for path in site.glob("*.html"):
        loads = Loads()
        loads.feed(path.read_text(encoding="utf-8"))
        local = [urlsplit(target) for target in loads.linked if not urlsplit(target).scheme]
        files = {unquote(target.path) for target in local if target.path}
        assert [name for name in files if not (path.parent / name).is_file()] == []


def test_the_manual_has_every_word_of_the_column_predicted() -> None:
    row = next(line for line in MANUAL.splitlines() if line.startswith("| `predicted` |"))
    assert [word.value for word in Prediction if f"`{word.value}`" not in row] == []
