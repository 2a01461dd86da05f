"""The sources of a build: equal images are one, and what is not known of an image stays open."""

from __future__ import annotations

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.stages import Origin, Stages
from lab.buildkit.cachekeys.state import BaseImage
from lab.buildkit.cachekeys.workshop import Workshop

KNOWN = BaseImage(("sha256:a",), ("sha256:m",))


def test_images() -> None:
    bases = {"one": KNOWN, "same": KNOWN, "half": BaseImage(("sha256:b",)), "empty": BaseImage(())}
    shop = Workshop(Stages(parse("FROM one")), bases, None, lambda _: None)
    vertex = {name: shop.origin_vertex(Origin(image=name)) for name in (*bases, "none")}
    assert vertex["one"] == vertex["same"] and vertex["empty"] is None
    found = {name: shop.graph.vertices[number] for name, number in vertex.items() if number is not None}
    assert {name: (len(item.roots), item.open) for name, item in found.items()} == {
        "one": (2, False),
        "same": (2, False),
        "half": (1, True),
        "none": (0, True),
    }
    assert shop.origin_vertex(Origin()) is None
    assert shop.graph.vertices[shop.context_vertex()].roots == ()
