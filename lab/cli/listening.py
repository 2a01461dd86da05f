"""The options of verbs that serve something: the address and the port to listen at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from lab.machines.listening import LOOPBACK

F = TypeVar("F", bound=Callable[..., Any])


def listen_options(port: int) -> Callable[[F], F]:
    """Give a verb `--listen` and `--port`, whose default is `port`; it receives them as `listen` and `port`."""

    def give(function: F) -> F:
        function = click.option(
            "--port",
            default=port,
            show_default=True,
            type=click.IntRange(0, 65535),
            help="The port; 0 takes a free one.",
        )(function)
        return click.option(
            "--listen",
            default=LOOPBACK,
            show_default=True,
            metavar="ADDRESS",
            help="The address of this machine to listen at; 0.0.0.0 for all. Without it only this machine can connect.",
        )(function)

    return give
