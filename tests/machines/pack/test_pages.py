from __future__ import annotations

from html.parser import HTMLParser

import pytest

from lab.machines.pack.manifest import Entry, Manifest, Sort
from lab.machines.pack.pages import start_page, wheels_page

SUM = "0" * 64
MANIFEST = Manifest(
    schema_=1,
    lab="0.1.0",
    machine="x86_64",
    lineups=("debian", "local"),
    files=(
        Entry(path="lessons/01-key/lesson.md", size=1, sha256=SUM, sort=Sort.LESSON, about="01-key"),
        Entry(path="boxes/a.box", size=1_500_000_000, sha256=SUM, sort=Sort.BOX, about="a"),
    ),
)


class Links(HTMLParser):
    """The addresses that a page links to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.mark.parametrize("base", ["http://10.0.0.5:8765", "http://teacher.local", "http://[fe80::1]:80"])
def test_the_address_that_was_asked_stands_in_the_commands(base: str) -> None:
    page = start_page(MANIFEST, base)
    assert [f"lab up --lineup {name} --from {base}" in page for name in MANIFEST.lineups] == [True, True]


@pytest.mark.parametrize("base", ["http://$(id)", "http://a b", "http://a;id", "http://<b>", "http://a\nb", "ftp://a"])
def test_an_address_with_other_characters_is_not_repeated(base: str) -> None:
    page = start_page(MANIFEST, base)
    assert base not in page
    assert "--from http://HOST:PORT<" in page


def test_the_page_lists_what_there_is() -> None:
    page = start_page(MANIFEST, "http://a")
    assert "<td>box</td><td>1</td><td>1.5 GB</td>" in page
    assert "wheel</td>" not in page
    assert Links(page).found == ["/lessons/01-key/lesson.md"]


def test_engines_in_place_of_the_boxes_own_stand_in_the_command() -> None:
    page = start_page(MANIFEST.model_copy(update={"engines": ("28.5.2", "26.1.5")}), "http://a")
    assert "lab up --lineup debian --engine 28.5.2,26.1.5 --from http://a" in page
    assert '"engines"' not in MANIFEST.text()


def entry(path: str, sort: Sort) -> Entry:
    return Entry(path=path, size=1, sha256=SUM, sort=sort, about="a")


BASE = entry("base/busybox", Sort.BASE)
ENGINE = entry("engines/a.tgz", Sort.ENGINE)
PACKAGE = entry("debian/a.deb", Sort.PACKAGE)
WHEEL = entry("wheels/a.whl", Sort.WHEEL)


@pytest.mark.parametrize(
    ("files", "steps", "missing"),
    [
        ((BASE, ENGINE, PACKAGE, WHEEL), ["venv", "pip install", "lab setup --from http://a", "lab up"], None),
        ((BASE, ENGINE), ["lab up"], "lab itself with its Python packages, Debian packages"),
        ((BASE, PACKAGE, WHEEL), ["venv", "pip install", "lab setup --from http://a"], "engines"),
        ((BASE, ENGINE, PACKAGE), ["lab setup --from http://a", "lab up"], "lab itself with its Python packages"),
    ],
)
def test_the_page_has_only_steps_that_the_pack_serves(
    files: tuple[Entry, ...], steps: list[str], missing: str | None
) -> None:
    page = start_page(MANIFEST.model_copy(update={"lineups": ("local",), "files": files}), "http://a")
    assert [word for word in ("venv", "pip install", "lab setup --from http://a", "lab up") if word in page] == steps
    assert ("all that it needs. Nothing here needs the internet" in page) is (missing is None)
    assert missing is None or f"Missing: {missing}." in page


def test_a_pack_for_virtual_machines_without_their_images_says_so() -> None:
    page = start_page(MANIFEST.model_copy(update={"files": (BASE, ENGINE, PACKAGE, WHEEL)}), "http://a")
    assert "Missing: images of virtual machines." in page


def test_wheels_are_links_with_their_sums() -> None:
    wheel = Entry(path="wheels/a-1.0+b-py3-none-any.whl", size=1, sha256=SUM, sort=Sort.WHEEL, about="a")
    assert Links(wheels_page([wheel])).found == [f"a-1.0%2Bb-py3-none-any.whl#sha256={SUM}"]
