"""`lab minimise`: what is refused before a machine is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Place


def test_the_help_has_an_example(here: Place) -> None:
    said = here.lab("minimise", "--help")
    assert said.returncode == 0
    assert "Example: python -m lab minimise --context . --variation user-xattr --lineup local" in " ".join(
        said.stdout.split()
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "cannot find what to minimise"),
        (("copy-bust", "--context", "."), "cannot find what to minimise"),
        (("copy-bst",), 'it is the name of no run and of no case (did you mean "copy-bust"?)'),
        (("nosuchrun",), "lab runs` lists the runs"),
        (("copy-bust", "--builder", "classic,buildkit"), "cannot minimise with several builders (classic, buildkit)"),
        (("copy-bust", "--cache", "inlin"), 'cannot find the cache "inlin"'),
        (("copy-bust", "--cache", "inline,local"), "cannot minimise with several caches"),
        (("copy-bust", "--variation", "user-xatr"), 'cannot find the variation "user-xatr"'),
        (("copy-bust", "--trial", "x"), "to which --trial belongs"),
        (("copy-bust", "--on", "bar"), "cannot use --on without --context"),
        (("copy-bust", "--lineup", "local", "--engine", "20.10.4x"), 'cannot find the engine "20.10.4x"'),
        (("copy-bust", "--lineup", "local", "--engine", "20.10.24,26.1.5"), "cannot minimise with several engines"),
        (("copy-bust", "--limit", "2"), "--limit"),
        (("--context", "nowhere", "--variation", "mode"), "cannot read the context nowhere"),
    ],
)
def test_what_does_not_exist_is_named(here: Place, words: tuple[str, ...], message: str) -> None:
    said = here.lab("minimise", *words)
    assert said.returncode in (2, 13), said.stderr
    assert message in " ".join(said.stderr.split())


def test_a_project_without_a_variation_gets_their_names(here: Place, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/Dockerfile").write_text("FROM x\nCOPY . .\n")
    (tmp_path / "p/a").write_text("a\n")
    said = here.lab("minimise", "--context", "p")
    assert said.returncode == 2
    assert "user-xattr" in said.stderr and "crlf" in said.stderr
