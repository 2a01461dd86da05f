"""The part `engines`: the archive of every engine that is asked for or that the boxes name, with its note."""

from __future__ import annotations

from lab.boxes.kinds.table import kind_of
from lab.engines.pins import PINS, read_pins
from lab.engines.spec import EngineSpec
from lab.machines.pack.gathering import Item, Request
from lab.machines.pack.manifest import FOLDERS, Sort
from lab.model import Progress


def gather(request: Request) -> list[Item]:
    """The archives, made now unless the cache has them. An engine of `at_hand` is packed only if the cache has it.

    Left out with a message is an engine that only this user's pins describe: another lab knows no sum of it.
    """
    mine = read_pins(request.project.cache / PINS)
    parts: dict[str, EngineSpec] = {}
    for name in wanted(request):
        spec = request.catalog.engine(name)
        for part in request.stock.parts(spec):
            if part.listed_name in mine:
                request.tell(Progress(f"engine {name}", "left out: only your own pins know its sum", done=True))
                break
            parts[part.listed_name] = part
    found = []
    for name, part in parts.items():
        archive = request.stock.archive(part, request.tell).path
        for path in (archive.with_suffix(".json"), archive):
            found.append(Item(path, f"{FOLDERS[Sort.ENGINE]}/{path.name}", Sort.ENGINE, name))
    return found


def wanted(request: Request) -> list[str]:
    """The names of the engines: those asked for, else those of the boxes' files; of `at_hand`, those in the cache."""
    if request.engines:
        return list(request.engines)
    names: dict[str, None] = {}
    for spec in request.specs:
        for name in kind_of(spec).engines(spec):
            if name not in spec.at_hand or request.stock.has_archive(request.catalog.engine(name)):
                names[name] = None
    return list(names)
