"""Random build contexts: files, links, modes, attributes, odd names, and what `.dockerignore` excludes."""

from __future__ import annotations

from dataclasses import dataclass

from lab.run.changes.table import NamedChange
from lab.run.random_trials.case import change
from lab.run.random_trials.dice import Dice

PASSWD = "root:x:0:0::/:/bin/sh\napp:x:5:6::/:/bin/sh\n"
GROUP = "root:x:0:\ngrp:x:7:\napp:x:6:\n"
PLAIN = ("a", "b.txt", "c.txt", "src/x.go", "src/y.go", "src/y.md", "src/sub/z.go", "d/e/f.txt", "d/g.md")
ODD = ("odd name", "é/ü", "a[1]", "src/-dash", ".hidden", "UPPER/File", "d/a..b", "q'r", "src/#x", "s$A")
SKIPPED = ("src/skip.log", "d/skip.log", "node_modules/m/i.js")
IGNORED = (
    "*.log",
    "**/*.log",
    "**/skip.*",
    "node_modules",
    "node_modules/**",
    "src/skip.log",
    "# a comment",
    "d/*.log",
)
KEPT = ("!src/skip.log", "!node_modules/m", "!**/i.js", "Dockerfile", ".dockerignore", "nothing-there", "/d/skip.log")
SOURCES: tuple[tuple[str, ...], ...] = (
    *(
        ("a",),
        ("b.txt",),
        ("src",),
        ("src/",),
        (".",),
        ("./",),
        ("*.txt",),
        ("src/*.go",),
        ("d",),
        ("/src/x.go",),
        ("s*",),
    ),
    *(("d/e", "d/g.md"), ("a", "b.txt"), ("[ab]*",), ("src/../a",), ("src/sub/.",), ("d/?.md", "src/s*")),
)
TEXTS = ("", "x\n", "two\nlines\n", "\r\n", "äöü", "0" * 5000)
MODES = ("0600", "0755", "0664", "0777", "0444", "2755", "4755", "1777")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A context and the words with which a COPY can name its objects.

    Each of `sources` is the words of one COPY that name objects, `paths` are files that a change may concern.
    """

    files: dict[str, str]
    prepare: tuple[NamedChange, ...]
    sources: tuple[tuple[str, ...], ...]
    paths: tuple[str, ...]


def draw_context(dice: Dice) -> Drawn:
    """Return a random context."""
    odd = tuple(dice.some(ODD, 0.25))
    names = (*PLAIN, *odd, *dice.some(SKIPPED, 0.5))
    files = {"passwd": PASSWD, "group": GROUP}
    files |= {name: f"{name}\n" if dice.chance(0.6) else dice.pick(TEXTS) for name in names}
    prepare, links = _prepare(dice, files)
    sources: tuple[tuple[str, ...], ...] = SOURCES
    if dice.chance(0.5):
        lines = dice.shuffled((*dice.some(IGNORED, 0.3), *dice.some(KEPT, 0.2)))
        files[".dockerignore"] = "".join(f"{line}\n" for line in lines)
        if dice.chance(0.06):
            files[".dockerignore"], sources, links, odd = "*\n", ((".",),), (), ()
        elif dice.chance(0.06):
            files[".dockerignore"], links, odd = "*\n!src\n", (), ()
            sources = tuple((word,) for word in ("src", "src/", "src/*.go", "src/x.go", "."))
    words = (*sources, *((word,) for word in links), *((_word(name),) for name in odd))
    return Drawn(files, prepare, words, PLAIN)


def _word(name: str) -> str:
    """A name as a word that has no meaning of its own in a COPY."""
    return name.replace("[", "[[]").replace("$", "\\$").replace("'", "\\'")


def _prepare(dice: Dice, files: dict[str, str]) -> tuple[tuple[NamedChange, ...], tuple[str, ...]]:
    """The changes that make other objects than files, and the words that name those objects."""
    made, words = [], []
    if dice.chance(0.4):
        targets = ("a", "src", "../a", "/a", "nowhere", "src/x.go", "./d/e", "lnk", "/etc/passwd")
        target = dice.pick(targets)
        made.append(change(link={"lnk": target}))
        words += ["lnk"] if target in ("a", "src", "src/x.go", "./d/e") else []
        words += ["lnk/x.go", "lnk/*.go"] if target == "src" else []
    if dice.chance(0.15):
        made.append(change(link={"src/up": dice.pick(["../d", "../a", "y.md", "../../x"])}))
    if dice.chance(0.15):
        made.append(change(hard_link={"src/second": "src/x.go"}))
    if dice.chance(0.2):
        made.append(change(add={"empty": "folder", "d/none": "file"}))
        words.append("empty")
    if dice.chance(0.05):
        made.append(change(add={"d/pipe": "fifo"}))
    if dice.chance(0.35):
        path = dice.pick(PLAIN)
        made.append(change(mode={path: dice.pick(MODES)}))
    if dice.chance(0.15):
        made.append(change(mode={dice.pick(["src", "d", "d/e"]): dice.pick(["0700", "2755", "1777", "0775"])}))
    if dice.chance(0.15):
        made.append(change(attribute={dice.pick(PLAIN): {"user.lab": dice.pick(["1", ""])}}))
    if dice.chance(0.08):
        made.append(change(capability={dice.pick(PLAIN): "cap_net_raw+ep"}))
    if dice.chance(0.08):
        made.append(change(owner={dice.pick(["src", "a"]): "5:6"}))
    if dice.chance(0.1):
        words.append("t.tar")
        pack = "tar --sort=name --mtime=@0 --owner=0 --group=0 -cf t.tar a src/x.go"
        made.append(change(commands={"run": [["sh", "-c", pack]]}))
    return tuple(made), tuple(words)
