"""Start a pinned engine on a box and prove that it is that one."""

from __future__ import annotations

from lab.boxes.base import Box, Tell
from lab.engines.engine import Engine
from lab.engines.kinds.table import kind_of
from lab.engines.spec import EngineSpec
from lab.engines.stock import Stock
from lab.model import Progress


def ensure(box: Box, spec: EngineSpec, stock: Stock, tell: Tell) -> Engine:
    """Make the engine answer on the box and prove it: its versions, and its sums where they are pinned.

    Raises EngineError if it does not start or is not the pinned one.
    """
    tell(Progress(box.name, f"Docker {spec.name}: starting"))
    kind = kind_of(spec)
    engine = kind.prove(box, spec, kind.start(box, spec, stock, tell))
    tell(Progress(box.name, f"Docker {engine.server} proven"))
    return engine
