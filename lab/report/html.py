"""The environment of jinja2 in which every page of lab is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jinja2


def environment(texts: Mapping[str, str], finalize: Callable[[Any], Any] | None = None) -> jinja2.Environment:
    """An environment whose templates are these texts, by name; values are escaped, and an unknown name is an error.

    `finalize` takes every value that a template prints.
    """
    return jinja2.Environment(
        loader=jinja2.DictLoader(dict(texts)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
