"""The verb that offers a pack to a room."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path

import click

from lab.cli.listening import listen_options
from lab.cli.options import Number, json_option, print_json, verbose_option
from lab.cli.screen import screen
from lab.cli.terminal import say
from lab.machines.listening import LOOPBACK, bracketed, is_every_address, network_addresses, open_socket

PORT = 8765


@click.command(epilog="Example: python -m lab serve /media/stick/lab --listen 192.168.1.20")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@listen_options(PORT)
@click.option("--limit", type=Number(0.001), metavar="MB", help="Send at most so many MB a second in all.")
@click.option(
    "--limit-client",
    type=Number(0.001),
    metavar="MB",
    help="Send at most so many MB a second to each address of a client.",
)
@json_option
@verbose_option
def serve(
    folder: Path,
    listen: str,
    port: int,
    limit: float | None,
    limit_client: float | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Offer a pack to a room over HTTP, until Ctrl-C.

    The pack is checked first. Its page says what participants type: `up --from URL` and `setup --from URL` download
    from it and check each file. Only the files of the pack are readable, and nothing can be written.
    """
    from lab.machines.pack import serving
    from lab.machines.pack.manifest import read_manifest
    from lab.machines.pack.sources import verify

    manifest = read_manifest(folder)
    with screen(verbose) as shown:
        verify(folder, manifest, shown.tell)
    app = serving.application(folder, manifest, limit and limit * 1e6, limit_client and limit_client * 1e6)
    with open_socket(listen, port) as listening:
        urls = [f"http://{bracketed(address)}:{listening.getsockname()[1]}" for address in _addresses(listen)]
        if as_json:
            print_json({"schema": 1, "urls": urls, "files": len(manifest.files), "bytes": manifest.size})
        else:
            for url in urls:
                click.echo(url)
        named = f" --engine {shlex.quote(','.join(manifest.engines))}" if manifest.engines else ""
        way = f"`python -m lab up{named} --from {urls[0]}`"
        say(f"Ctrl-C ends it; participants open the address, or run {way}", err=True)
        with suppress(KeyboardInterrupt):  # that is how it ends
            serving.serve(app, listening)


def _addresses(listen: str) -> list[str]:
    """The addresses by which others reach this machine: the one given, or for 0.0.0.0 and :: those of its networks."""
    if not is_every_address(listen):
        return [listen]
    return network_addresses(listen) or [LOOPBACK]
