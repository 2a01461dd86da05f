"""What a frontend rejects anywhere in a Dockerfile."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.checks import rejected
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.frontend import Frontend


@pytest.mark.parametrize(
    ("line", "old", "new"),
    [
        ("RUN x", False, False),
        ("RUN --network=none x", True, False),
        ("RUN --security=insecure x", True, True),
        ("COPY --link a b", True, False),
        ("COPY --exclude=x a b", True, False),
        ("COPY --parents a b", True, True),
        ("ADD --from=x a b", True, True),
        ("ENV A", True, True),
        ("ENV A=1 B", True, True),
        ("ENV A 1 B", False, False),
        ("LABEL A 1 B", False, False),
        ("RUN --device=x y", False, False),
        ("COPY --x a b", True, True),
        ("CMD --x", True, True),
        ("RUN [1]", True, True),
        ("RUN <<E", False, True),
        ("FETCH a", True, True),
    ],
)
def test_lines_that_are_rejected(line: str, old: bool, new: bool) -> None:
    """As the frontends of Docker 20.10.24 and 28.5.2 do."""
    text = f"FROM a\n{line}\nFROM b\n"
    found = [rejected(parse(text, frontend), frontend) for frontend in (Frontend(2), Frontend(19))]
    assert [why is not None for why in found] == [old, new]
