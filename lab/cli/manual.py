"""The parts of the manual that are made from the program: the table of verbs and the table of exit codes.

`python -m lab.cli.manual docs/manual.md` writes them into that file, between the lines `<!-- verbs -->` and
`<!-- /verbs -->`, and between `<!-- exit codes -->` and `<!-- /exit codes -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from lab.cli.helping import EXAMPLE
from lab.cli.main import lab
from lab.cli.terminal import CANONICAL
from lab.cli.verbs import GROUPS
from lab.errors import ConfigError, exit_codes

NAME = "lab"  # how the manual calls the program


@dataclass(frozen=True, slots=True)
class Page:
    """What the help says of one verb, or of a verb of a verb; `path` is the words after the program's name."""

    group: str
    path: str
    command: click.Command
    context: click.Context

    @property
    def summary(self) -> str:
        """One sentence: of a verb the line in `lab --help`, of a verb of a verb the first sentence of its help."""
        if self.path in GROUPS[self.group]:
            return GROUPS[self.group][self.path][1]
        return re.split(r"(?<=\.)\s", " ".join((self.command.help or "").split()), maxsplit=1)[0]

    @property
    def synopsis(self) -> str:
        """The words and options that it takes, as in `lab up [OPTIONS] [BOX]...`."""
        return " ".join([NAME, self.path, *self.command.collect_usage_pieces(self.context)])

    @property
    def example(self) -> str:
        """A command that works."""
        return plain((self.command.epilog or "").removeprefix(EXAMPLE))


def plain(text: str) -> str:
    """The text with the program called `lab`."""
    return text.replace(CANONICAL, NAME)


def whole() -> click.Context:
    """The program itself, as if it was called as `lab`."""
    return click.Context(lab, info_name=NAME, **lab.context_settings)


def pages() -> Iterator[Page]:
    """Every verb in the order of `lab --help`, each followed by its own verbs."""
    root = whole()
    for group, verbs in GROUPS.items():
        for verb in verbs:
            command = lab.get_command(root, verb)
            assert command is not None
            context = click.Context(command, info_name=verb, parent=root)
            yield Page(group, verb, command, context)
            for name, inner in getattr(command, "commands", {}).items():
                yield Page(group, f"{verb} {name}", inner, click.Context(inner, info_name=name, parent=context))


def verbs_table() -> str:
    """The verbs as a table of Markdown, by what people want; a group without a verb has no row."""
    rows = [(page.group, f"`{page.path}`", page.summary, f"`{page.example}`") for page in pages()]
    shown = [("" if before and before[0] == row[0] else row[0], *row[1:]) for before, row in _with_previous(rows)]
    return _table(("to", "verb", "what it does", "example"), shown)


def _with_previous(rows: Sequence[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...] | None, tuple[str, ...]]]:
    return zip([None, *rows[:-1]], rows, strict=True)


def exit_codes_table() -> str:
    """The exit codes as a table of Markdown."""
    return _table(
        ("code", "what happened", "whose fault"), [(str(item.code), item.meaning, item.fault) for item in exit_codes()]
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PARTS = {"verbs": verbs_table, "exit codes": exit_codes_table}


def updated(text: str) -> str:
    """The manual's text with each part between its markers made anew; ConfigError if a part has no markers."""
    for name, part in PARTS.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n?<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ConfigError(f"cannot update the manual: it has no lines <!-- {name} --> and <!-- /{name} -->")
        made = part()
        text = pattern.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2].lstrip()}", text)  # type: ignore[misc]
    return text


def main(paths: Sequence[str]) -> None:
    """Update these files in place."""
    from lab import files

    for path in map(Path, paths):
        files.write(path, updated(path.read_text(encoding="utf-8")))
        click.echo(f"updated {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
