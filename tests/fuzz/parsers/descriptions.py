"""Files that people write: scenarios, lessons, boxes, lineups, recipes, and lists in YAML."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.boxes.baking.recipes import load_recipe
from lab.buildkit.rulebook import Rulebook
from lab.explain.search.usual import load_usual
from lab.explain.upstream import Upstream
from lab.lessons.lesson_text import read_text
from lab.lessons.library import read_lesson
from lab.machines.catalog import Catalog
from lab.results.golden import Golden
from lab.run.digest_check import read_cases
from lab.run.scenarios import load_scenario
from lab.yamlfile import load, read
from tests.conftest import ROOT
from tests.fuzz.damage import as_bytes, as_yaml
from tests.fuzz.recorded import files, in_file, texts
from tests.fuzz.target import Target

SCENARIOS, LESSONS = ROOT / "templates" / "scenarios", ROOT / "templates" / "lessons"
YAML_WORDS = tuple(
    word.encode()
    for word in (
        "&a ",
        "*a",
        "<<: *a",
        "!!binary x",
        "!!python/object:x",
        "!!timestamp 2026-13-01",
        "2026-13-01",
        "0o9",
        "1:60:60",
        "? ",
        "- ",
        ": ",
        "|\n",
        ">-\n",
        "%YAML 9.9\n",
        "---\n",
        "...\n",
        "{{ base }}",
        "{% for x in y %}",
        "{{ 'a' * 999999999 }}",
        "{{ x.__class__ }}",
        "\t",
        "~",
        "null",
        ".inf",
        "name: a\n",
        "steps:\n",
        "expect: hit\n",
    )
)
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n".encode() for n in range(9)
)

GOLDEN = """\
golden: 1
scenario: a
lineup: b
steps: [RUN x]
trials:
- {producer: a, producer_engine: "1.2", consumer: b, engine: "1.2", variation: none, outcomes: [hit]}
"""


def read_scenario(data: bytes) -> object:
    """Load a scenario whose scenario.yaml is this."""
    with TemporaryDirectory(prefix="lab-fuzz-") as place:
        folder = Path(place) / "copy-bust"
        shutil.copytree(SCENARIOS / "copy-bust", folder)
        (folder / "scenario.yaml").write_bytes(data)
        found = load_scenario(folder, "alpine")
        return [found.changes(variation) for variation in found.variations(("all",)) if variation]


def read_template(data: bytes) -> object:
    """Load a scenario whose Dockerfile template is this."""
    with TemporaryDirectory(prefix="lab-fuzz-") as place:
        folder = Path(place) / "copy-bust"
        shutil.copytree(SCENARIOS / "copy-bust", folder)
        (folder / "Dockerfile.j2").write_bytes(data)
        return load_scenario(folder, "alpine")


def read_lesson_yaml(data: bytes) -> object:
    """Read a lesson whose lesson.yaml is this."""
    with TemporaryDirectory(prefix="lab-fuzz-") as place:
        folder = Path(place) / "01-layer-key"
        folder.mkdir()
        shutil.copy(LESSONS / "01-layer-key" / "lesson.md", folder)
        (folder / "lesson.yaml").write_bytes(data)
        return read_lesson(folder)


def read_lesson_text(data: bytes) -> object:
    """Read the text of a lesson."""
    return read_text(data.decode("utf-8", "replace"), "it")


def _in_boxes(name: str) -> Path:
    return ROOT / "boxes" / "buildkit" / name


def read_book(path: Path) -> object:
    """Read the rule sets of engines."""
    return Rulebook(path.parent.parent).versions()


def read_upstream(path: Path) -> object:
    """Read the known bugs."""
    return Upstream(path.parent.parent).of_engine("20.10.24")


def read_usual(path: Path) -> object:
    """Read the usual values of a search."""
    return load_usual(path.parent.parent)


def read_recipe(data: bytes) -> object:
    """Read a recipe whose file is this, beside the real ones and their scripts."""
    with TemporaryDirectory(prefix="lab-fuzz-") as place:
        folder = Path(place) / "recipes"
        shutil.copytree(ROOT / "boxes" / "recipes", folder)
        (folder / "debian13.yaml").write_bytes(data)
        return load_recipe(folder / "debian13.yaml")


def read_boxes(path: Path) -> object:
    """Read a box, with the real engines."""
    shutil.copy(ROOT / "boxes" / "engines.yaml", path.parent)
    return Catalog(path.parent).boxes


TARGETS = (
    Target(
        "yaml", in_file(read, "x.yaml"), lambda: [BOMB, *files("*/scenario.yaml", SCENARIOS)()], as_yaml, YAML_WORDS
    ),
    Target(
        "scenario", read_scenario, files("*/scenario.yaml", SCENARIOS), as_yaml, YAML_WORDS, examples=40, room=64 << 20
    ),
    Target(
        "template", read_template, files("*/Dockerfile.j2", SCENARIOS), as_bytes, YAML_WORDS, examples=25, room=64 << 20
    ),
    Target("lesson", read_lesson_yaml, files("*/lesson.yaml", LESSONS), as_yaml, YAML_WORDS, examples=25),
    Target(
        "lesson-text", read_lesson_text, files("*/lesson.md", LESSONS), as_bytes, (b"## ", b"```", b"~~~"), examples=40
    ),
    Target("box", in_file(read_boxes, "local.yaml"), files("l*.yaml", ROOT / "boxes"), as_yaml, YAML_WORDS, examples=8),
    Target("recipe", read_recipe, files("debian13.yaml", ROOT / "boxes" / "recipes"), as_yaml, YAML_WORDS, examples=15),
    Target(
        "golden",
        in_file(lambda path: load(path, Golden), "x.yaml"),
        texts(GOLDEN),
        as_yaml,
        YAML_WORDS,
        examples=20,
    ),
    Target(
        "digest-cases",
        in_file(read_cases, "x.yaml"),
        files("digests.yaml", ROOT / "templates"),
        as_yaml,
        YAML_WORDS,
        examples=10,
    ),
    Target(
        "rules",
        in_file(read_book, "buildkit/rules.yaml"),
        lambda: [_in_boxes("rules.yaml").read_bytes()],
        as_yaml,
        YAML_WORDS,
        examples=6,
    ),
    Target(
        "upstream",
        in_file(read_upstream, "buildkit/upstream.yaml"),
        lambda: [_in_boxes("upstream.yaml").read_bytes()],
        as_yaml,
        YAML_WORDS,
        examples=10,
    ),
    Target(
        "usual",
        in_file(read_usual, "buildkit/usual.yaml"),
        lambda: [_in_boxes("usual.yaml").read_bytes()],
        as_yaml,
        YAML_WORDS,
        examples=10,
    ),
)
