"""The options of verbs that serve something."""

from __future__ import annotations

import click
from click.testing import CliRunner

from lab.cli.listening import listen_options


@click.command()
@listen_options(8999)
def verb(listen: str, port: int) -> None:
    click.echo(f"{listen} {port}")


def test_without_options_it_is_loopback_and_the_verbs_own_port() -> None:
    assert CliRunner().invoke(verb).output == "127.0.0.1 8999\n"
    assert CliRunner().invoke(verb, ["--listen", "0.0.0.0", "--port", "0"]).output == "0.0.0.0 0\n"


def test_a_port_that_cannot_be_is_refused() -> None:
    done = CliRunner().invoke(verb, ["--port", "65536"])
    assert done.exit_code == 2
    assert "65536" in done.output
