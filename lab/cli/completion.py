"""The verb that prints a shell's completion script, which is Click's own."""

from __future__ import annotations

import click

from lab.cli.helping import VARIABLE


@click.command(epilog="Example: source <(python -m lab completion bash)")
@click.argument("shell", metavar="bash|zsh|fish", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes lab's verbs, options and names in a shell.

    The script completes the command `lab`, which must be on PATH. Put the line below into ~/.bashrc, or for zsh into
    ~/.zshrc; fish reads the script from ~/.config/fish/completions/lab.fish. Bash must be 4.4 or later.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    from lab.cli.main import lab

    kind = get_completion_class(shell)
    assert kind is not None
    # Not kind.source(): that starts bash to look at its version, and a script may be made for another machine.
    click.echo(ShellComplete.source(kind(lab, {}, "lab", VARIABLE)))
