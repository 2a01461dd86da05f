"""Links that may be in a folder of a stranger: no chain of them leads out, whatever else the folder has."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.lessons.links import leads_out


@pytest.mark.parametrize(
    ("path", "text", "out"),
    [
        ("link", "app.txt", False),
        ("link", "./src//app.txt", False),
        ("link", ".", False),
        ("a/b/link", "../../app.txt", False),
        ("a/b/link", "../..", False),
        ("link", "", True),
        ("link", "a\0b", True),
        ("link", "/etc/passwd", True),
        ("link", "..", True),
        ("a/link", "../../x", True),
        ("link", "a/../app.txt", True),
        ("a/b/link", ".././../../x", True),
    ],
)
def test_a_link_goes_up_as_far_as_the_folder_and_then_down(path: str, text: str, out: bool) -> None:
    assert leads_out(PurePosixPath(path), text) is out


names = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)
texts = st.lists(st.sampled_from(["a", "b", "c", "..", "..", "."]), min_size=1, max_size=7).map("/".join)


@given(st.lists(st.tuples(names, texts | st.just("")), max_size=12))
def test_no_chain_of_links_that_may_be_there_leads_out(objects: list[tuple[str, str]]) -> None:
    """A text makes a link, an empty one a folder; the kernel says where each object really is."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name).resolve() / "x" / "y" / "folder"
        top.mkdir(parents=True)
        made = []
        for path, text in objects:
            place = top / path
            try:
                (place.parent if text else place).mkdir(parents=True, exist_ok=True)
            except OSError:  # a link is in its way
                continue
            real = Path(os.path.realpath(place.parent)) == place.parent
            if text and real and not os.path.lexists(place) and not leads_out(PurePosixPath(path), text):
                place.symlink_to(text)
                made.append(place)
        for place in made:
            assert Path(os.path.realpath(place)).is_relative_to(top)
