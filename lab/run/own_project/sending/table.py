"""The ways to send a context by their names: a new way is one file here and one line in this table."""

from __future__ import annotations

from collections.abc import Mapping

from lab.errors import UsageError, did_you_mean
from lab.run.own_project.sending.checkout import Checkout
from lab.run.own_project.sending.copy import Copy
from lab.run.own_project.sending.exact import Exact
from lab.run.own_project.sending.kind import Way
from lab.run.own_project.sending.rsync import Rsync

WAYS: Mapping[str, Way] = {"exact": Exact(), "checkout": Checkout(), "rsync": Rsync(), "copy": Copy()}


def way_of(name: str) -> Way:
    """The way of that name; UsageError with the nearest name if there is none."""
    if name not in WAYS:
        raise UsageError(
            f'cannot send a context by "{name}"{did_you_mean(name, list(WAYS))}', hint=f"ways: {', '.join(WAYS)}"
        )
    return WAYS[name]
