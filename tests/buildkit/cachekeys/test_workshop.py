"""The sources of a build: equal names are one, and what is not known of an image stays open."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.frontend import NEW, OLD, Frontend
from lab.buildkit.cachekeys.stages import Origin, Stages
from lab.buildkit.cachekeys.state import BaseImage
from lab.buildkit.cachekeys.workshop import Workshop

DIGEST = f"sha256:{'0' * 64}"
KNOWN = BaseImage(("sha256:a",), ("sha256:m",))


def test_images() -> None:
    bases = {"one": KNOWN, "same": KNOWN, "half": BaseImage(("sha256:b",)), "empty": BaseImage(())}
    shop = Workshop(Stages(parse("FROM one")), bases, None, lambda _: None)
    vertex = {name: shop.origin_vertex(Origin(image=name)) for name in (*bases, "none")}
    assert vertex["one"] != vertex["same"] and vertex["empty"] is None  # as Docker 20.10.24 and 26.1.5 have them
    found = {name: shop.graph.vertices[number] for name, number in vertex.items() if number is not None}
    assert {name: (len(item.roots), item.open) for name, item in found.items()} == {
        "one": (2, False),
        "same": (2, False),
        "half": (1, True),
        "none": (0, True),
    }
    assert shop.origin_vertex(Origin()) is None
    assert shop.graph.vertices[shop.context_vertex()].roots == ()


@pytest.mark.parametrize(
    ("number", "first", "second", "equal"),
    [
        (NEW, "one", "one", True),
        (NEW, "one", "docker.io/library/one:latest", True),
        (NEW, "one:2", f"one:2@{DIGEST}", True),
        (NEW, "one:2", f"one@{DIGEST}", False),
        # an old frontend adds the digest only to the name after FROM
        (OLD, "one", "one", False),
        (OLD, f"one@{DIGEST}", f"one@{DIGEST}", True),
        (OLD, "one:2", f"one:2@{DIGEST}", True),
        (OLD, "one:2", f"one@{DIGEST}", False),
    ],
)
def test_names_of_one_image_after_from_and_in_a_copy(number: int, first: str, second: str, equal: bool) -> None:
    bases = dict.fromkeys((first, second), BaseImage(("sha256:a",), (DIGEST,)))
    shop = Workshop(Stages(parse("FROM one"), frontend=Frontend(number)), bases, None, lambda _: None)
    found = shop.origin_vertex(Origin(image=first)), shop.origin_vertex(Origin(image=second), ["/a"])
    assert (found[0] == found[1]) is equal
