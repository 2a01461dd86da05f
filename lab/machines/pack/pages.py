"""The pages of `lab serve`: what a participant types, and the wheels as links that pip reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from html import escape
from urllib.parse import quote, urlsplit

from lab.machines.pack.manifest import FOLDERS, Entry, Manifest, Sort

# what a browser or a client may send as the name of a host; anything else is not repeated on a page
BASE = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
LOCAL = "local"  # the lineup that has no virtual machines
UNNAMED = "http://HOST:PORT"
PROGRAM = "lab"  # as participants call it after pip, not as the one who serves does
STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f2f2f2;padding:.8rem;overflow-x:auto;white-space:pre-wrap}"
    "td{padding:.1rem 1rem .1rem 0}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}"
    "a{color:#9cf}pre{background:#222}}"
)
PAGE = (
    '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
    "<title>{title}</title>\n<style>{style}</style>\n<h1>{title}</h1>\n{body}\n</html>\n"
)


NEEDED = {  # what participants need of a pack, in words
    Sort.WHEEL: "lab itself with its Python packages",
    Sort.PACKAGE: "Debian packages",
    Sort.BOX: "images of virtual machines",
    Sort.ENGINE: "engines",
    Sort.BASE: "the base image",
}


def start_page(manifest: Manifest, base: str) -> str:
    """The page for participants: what to type, in order, and what there is to download, and what there is not."""
    base = base if BASE.fullmatch(base) else UNNAMED
    items = "\n".join(
        f"<li>{escape(text)}<pre>{escape(command)}</pre></li>" for text, command in _steps(manifest, base)
    )
    rows = "\n".join(
        f"<tr><td>{sort.value}</td><td>{len(found)}</td><td>{_size(sum(entry.size for entry in found))}</td></tr>"
        for sort in Sort
        if (found := manifest.of(sort))
    )
    more = [
        _link(entry.path, title)
        for path, title in (("docs/index.html", "Documentation"),)
        if (entry := manifest.by_path().get(path))
    ]
    more += [_link(entry.path, entry.path) for entry in manifest.of(Sort.LESSON) if entry.path.endswith(".md")]
    body = (
        f"<p>lab finds out why a Docker build hits its cache on one machine and misses on another. "
        f"{_promise(manifest)}</p>\n"
        f"<ol>\n{items}\n</ol>\n<p>A download that breaks is continued by the same command. lab checks the sum of each "
        f"file.</p>\n<table>\n{rows}\n</table>\n<ul>{''.join(f'<li>{link}</li>' for link in more)}</ul>"
    )
    return PAGE.format(title="lab in this room", style=STYLE, body=body)


def _steps(manifest: Manifest, base: str) -> list[tuple[str, str]]:
    """What participants do, and the command for it, as far as the pack has what the command downloads."""
    host = urlsplit(base).hostname or "HOST"
    wheels = f"--trusted-host {host} --find-links {base}/{FOLDERS[Sort.WHEEL]}/"
    steps = []
    if manifest.of(Sort.WHEEL):
        steps += [
            ("Make a Python environment.", "python3 -m venv lab-venv && . lab-venv/bin/activate"),
            ("Install lab from this server.", f"pip install --no-index {wheels} docker-cache-lab"),
        ]
    if manifest.of(Sort.PACKAGE):
        steps.append(("Install the programs that are missing on this machine.", f"{PROGRAM} setup --from {base}"))
    if manifest.lineups and manifest.of(Sort.BOX, Sort.ENGINE):
        engine = f" --engine {shlex.quote(','.join(manifest.engines))}" if manifest.engines else ""
        ups = [f"{PROGRAM} up --lineup {name}{engine} --from {base}" for name in manifest.lineups]
        steps.append(("Start the boxes of one lineup.", "\n".join(ups)))
    return steps


def _promise(manifest: Manifest) -> str:
    """What the pack serves for, and what of it participants need from elsewhere."""
    missing = [words for sort, words in NEEDED.items() if not manifest.of(sort)]
    if NEEDED[Sort.BOX] in missing and set(manifest.lineups) <= {LOCAL}:
        missing.remove(NEEDED[Sort.BOX])
    lab = f"lab {escape(manifest.lab)}"
    if missing:
        return f"This server has files of {lab}. Not all that lab needs is here. Missing: {', '.join(missing)}."
    return f"This server has {lab} and all that it needs. Nothing here needs the internet."


def wheels_page(wheels: Sequence[Entry]) -> str:
    """The wheels as links with their sums, which pip's --find-links reads and checks."""
    names = [(entry.path.rpartition("/")[2], entry.sha256) for entry in wheels]
    links = "<br>\n".join(
        f'<a href="{escape(quote(name))}#sha256={sha256}">{escape(name)}</a>' for name, sha256 in names
    )
    return PAGE.format(title="Wheels", style=STYLE, body=links)


def _link(path: str, title: str) -> str:
    return f'<a href="/{escape(quote(path))}">{escape(title)}</a>'


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
