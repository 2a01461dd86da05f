"""Other text in files: `replace: {Dockerfile: {from: RUN echo one, to: RUN echo two}}`."""

from __future__ import annotations

from pydantic import ConfigDict, Field, RootModel

from lab.run.changes.kind import Change, InContext, Shell, safe, script
from lab.yamlfile import Strict

SCRIPT = """\
grep -qF -- "$2" "$1" || { printf 'the text "%s" is not in %s\\n' "$2" "$1" >&2; exit 1; }
awk -v from="$(printf %s "$2" | sed 's/\\\\/&&/g')" -v to="$(printf %s "$3" | sed 's/\\\\/&&/g')" '{
  out = ""; rest = $0
  while ((at = index(rest, from)) > 0) { out = out substr(rest, 1, at - 1) to; rest = substr(rest, at + length(from)) }
  print out rest
}' "$1" > "$1.lab" && cat "$1.lab" > "$1" && rm "$1.lab"
"""


class Pair(Strict):
    """The text that stands in a line of a file, and the text that replaces it."""

    old: str = Field(alias="from", min_length=1)
    new: str = Field(alias="to")


class Replace(Change, RootModel[dict[InContext, Pair]]):
    """Replace one text by another wherever it stands in a line of a file; a file without it is an error."""

    model_config = ConfigDict(frozen=True, strict=True)

    def commands(self) -> list[Shell]:
        """One script for each file; the mode and the owner of the file stay."""
        return [
            script(SCRIPT, safe(path), pair.old, pair.new, follows=(path, f"{path}.lab"))
            for path, pair in self.root.items()
        ]
