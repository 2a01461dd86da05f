"""Axes of what a context holds: contents, names, links, and what was never committed."""

from __future__ import annotations

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.run.vary.axis import Axis, NotHereError, Scene, Variant, changes
from lab.run.vary.picking import a_file, a_folder, is_text, twins

UNTRACKED = "lab-untracked.tmp"  # a name that no project has
NO_MATCH = "lab-matches-nothing"
GIT = ".git"
IGNORE = ".dockerignore"
# Each name leaves its folder and comes back, the last one first; the time of the folder stays as it was.
REORDER = """\
set -e
aside=$(mktemp -d ../lab-order.XXXXXX)
find . -depth -type d | while IFS= read -r folder; do
  touch -r "$folder" "$aside.time"
  ls -A "$folder" | sort -r | while IFS= read -r name; do mv "$folder/$name" "$aside/$name"; done
  ls -A "$aside" | sort -r | while IFS= read -r name; do mv "$aside/$name" "$folder/$name"; done
  touch -r "$aside.time" "$folder"
done
rm -rf "$aside" "$aside.time"
"""


def _crlf(scene: Scene) -> Variant:
    entry = a_file(scene, is_text, "text file with line ends of Unix")
    change = changes({"line_ends": {entry.path: "crlf"}})
    return Variant(f"line ends of Windows in {entry.path}", change, shows=(entry.path, "sha256"))


def _order(scene: Scene) -> Variant:
    if len(scene.objects) < 2:
        raise NotHereError("the context has fewer than two objects")
    if any("\n" in entry.path for entry in scene.objects):
        raise NotHereError("a name in the context holds a line feed")
    change = changes({"commands": {"run": [["sh", "-c", REORDER]]}})
    return Variant("every folder filled in reverse order; the file system decides what it lists first", change)


def _hard_links(scene: Scene) -> Variant:
    pair = twins(scene)
    if pair:
        one, other = pair
        change = changes({"hard_link": {other.path: one.path}})
        return Variant(f"{other.path} as a hard link of {one.path}, which has the same content", change)
    entry = a_file(scene)
    change = changes({"commands": {"run": [["ln", f"./{entry.path}", "../lab-second-name"]]}})
    return Variant(f"a second name of {entry.path} outside of the context", change)


def _git(scene: Scene) -> Variant:
    there = next((entry for entry in scene.objects if entry.path == GIT), None)
    if there is not None and there.kind is not Kind.DIR:
        raise NotHereError(".git of this context is a file, as in a worktree or a submodule")
    if there is not None:
        change = changes({"text": {f"{GIT}/lab-vary": "another clone\n"}})
        return Variant("another .git folder, as in every clone", change, shows=(f"{GIT}/lab-vary", "presence"))
    written: dict[str, object] = {"text": {f"{GIT}/HEAD": "ref: refs/heads/main\n"}}
    return Variant("a .git folder that the producer does not have", changes(written), shows=(f"{GIT}/HEAD", "presence"))


def _untracked(scene: Scene) -> Variant:
    change = changes({"text": {UNTRACKED: "left by a tool\n"}})
    return Variant(f"the untracked file {UNTRACKED} beside the others", change, shows=(UNTRACKED, "presence"))


def _untracked_below(scene: Scene) -> Variant:
    path = f"{a_folder(scene).path}/{UNTRACKED}"
    change = changes({"text": {path: "left by a tool\n"}})
    return Variant(f"the untracked file {path}", change, shows=(path, "presence"))


def _ignore(scene: Scene) -> Variant:
    there = next((entry for entry in scene.objects if entry.path == scene.ignore), None)
    change = changes({"append": {scene.ignore: f"{NO_MATCH}\n"}})
    what = "a further line" if there else "a new file, with a line"
    return Variant(f"{what} in {scene.ignore} that excludes nothing", change, shows=(scene.ignore, "sha256"))


def changed_byte(entry: Entry) -> Variant:
    """Return the deliberate miss: another first byte of a file, or a first byte of an empty one."""
    content = entry.content
    byte = "X" if not (isinstance(content, bytes) and content[:1] == b"X") else "Y"
    script = 'printf %s "$2" | dd of="$1" bs=1 count=1 conv=notrunc 2>/dev/null'
    change = changes({"commands": {"run": [["sh", "-c", script, "sh", f"./{entry.path}", byte]]}})
    return Variant(f"another first byte of {entry.path}", change, shows=(entry.path, "sha256"))


CONTENTS = (
    Axis("crlf", "line ends of Windows", _crlf),
    Axis("file-order", "another order of files in folders", _order),
    Axis("hard-links", "hard links in place of copies", _hard_links),
    Axis("git", "a .git folder, or another one", _git),
    Axis("untracked", "an untracked file beside the others", _untracked, family="untracked-files"),
    Axis("untracked-below", "an untracked file in a folder", _untracked_below, family="untracked-files"),
    Axis("dockerignore", "an edit of the ignore file that excludes nothing", _ignore),
)
