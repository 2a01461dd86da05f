"""What clients send of a context: measured with those of Docker 20.10.5, 20.10.24, 26.1.5 and 28.5.2."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.dockerignore import sent_objects
from lab.errors import ContextError

NAME = ".dockerignore"


@dataclass(frozen=True)
class Measured:
    """An ignore file and the objects beside it; what clients sent before Docker 23, and what later ones send."""

    ignore: str
    objects: tuple[str, ...]
    old: tuple[str, ...]
    new: tuple[str, ...]


TREE = ("nm/", "nm/m/", "nm/m/d/", "nm/m/d/g", "nm/m/f")
MEASURED = [
    Measured("!nm/m\nnm/**\n", ("nm/", "nm/m/", "nm/m/i.js"), old=("nm", "nm/m"), new=("nm",)),
    Measured("nm\n!nm/keep\n", ("nm/", "nm/a/", "nm/a/f"), old=("nm",), new=()),
    Measured("!nm/m\nnm\n", TREE, old=("nm", "nm/m"), new=()),
    Measured("nm\n!nm/*/f\n", TREE, old=("nm",), new=("nm", "nm/m", "nm/m/f")),
    Measured("nm\n!nm/**/zz\n!**/yy\n", (*TREE, "nm/o/"), old=("nm",), new=()),
    Measured("**\n!**/f\n", TREE, old=(), new=("nm", "nm/m", "nm/m/f")),
    Measured("**f\n", ("f", "xf", "d/", "d/f"), old=("d", "xf"), new=("d",)),
    Measured("a|b\n", ("ab", "bb", "c", "a|b"), old=("c",), new=("ab", "bb", "c")),
    Measured("t+p\n(q)\n", ("ttp", "t+p", "q", "(q)"), old=("(q)", "t+p"), new=("q", "ttp")),
    Measured("x{2}\n", ("xx", "x{2}"), old=("x{2}",), new=("xx",)),
]
# What both kinds of clients send alike; the file of the ignored folder that an exception names is sent.
ALIKE = [
    Measured("nm\n!nm/m/f\n", TREE, old=("nm", "nm/m", "nm/m/f"), new=("nm", "nm/m", "nm/m/f")),
    Measured("nm\n", TREE, old=(), new=()),
    Measured("**/f\n", TREE, old=("nm", "nm/m", "nm/m/d", "nm/m/d/g"), new=("nm", "nm/m", "nm/m/d", "nm/m/d/g")),
    Measured("", TREE, old=tuple(name.rstrip("/") for name in TREE), new=tuple(name.rstrip("/") for name in TREE)),
]


def sent(case: Measured, *, by_name: bool) -> tuple[str, ...]:
    objects = [
        Entry(name.rstrip("/"), Kind.DIR, 0o755) if name.endswith("/") else file(name, b"x") for name in case.objects
    ]
    found = sent_objects([*objects, file(NAME, case.ignore.encode())], by_name=by_name)
    return tuple(entry.path for entry in found if entry.path != NAME)


@pytest.mark.parametrize("case", [*MEASURED, *ALIKE], ids=lambda case: case.ignore)
def test_what_a_client_sends(case: Measured) -> None:
    assert sent(case, by_name=False) == case.new
    assert sent(case, by_name=True) == case.old


@pytest.mark.parametrize("pattern", ["(a", "a++", "a)"])
def test_an_expression_that_old_clients_refuse(pattern: str) -> None:
    case = Measured(f"{pattern}\n", ("b",), old=(), new=("b",))
    assert sent(case, by_name=False) == case.new
    with pytest.raises(ContextError, match="malformed"):
        sent(case, by_name=True)


def test_a_hard_link_whose_first_path_is_not_among_the_objects() -> None:
    """A search leaves out objects of the producer that were never there, such as the first path of a hard link."""
    [found] = sent_objects([Entry("top", linkname="d/h", size=1, content=b"x")])
    assert (found.linkname, found.content) == ("", b"x")
