"""The part `docs`: the documentation site, if `make docs` has made it."""

from __future__ import annotations

from lab.machines.pack.gathering import Item, Request, tree
from lab.machines.pack.manifest import FOLDERS, Sort
from lab.model import Progress


def gather(request: Request) -> list[Item]:
    """Every file of the site; nothing, with a message, if there is none."""
    folder = request.project.root / "build" / "docs"
    if not (folder / "index.html").is_file():
        request.tell(Progress("docs", "left out: `make docs` has not made the site here", done=True))
        return []
    return tree(folder, FOLDERS[Sort.PAGE], Sort.PAGE, "documentation")
