"""Other objects: `add: {src/empty: folder, src/pipe: fifo}`."""

from __future__ import annotations

from pydantic import field_validator

from lab.run.changes.kind import ByPath, Shell

# perl-base has the module, and every Debian and Ubuntu has perl-base; the socket stays when the program ends
SOCKET = ("perl", "-MIO::Socket", "-e", "IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die $!")
MAKERS = {"folder": ("mkdir", "-p"), "file": ("touch",), "fifo": ("mkfifo",), "socket": SOCKET}


class Add(ByPath):
    """Make each path an empty folder, an empty file, a named pipe or a socket; `text` makes a file with content."""

    @field_validator("root")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := next((kind for kind in value.values() if kind not in MAKERS), None):
            raise ValueError(f"an added object is one of {', '.join(MAKERS)}, not {wrong}")
        return value

    def commands(self) -> list[Shell]:
        """One command for each path."""
        return self.each(lambda path, kind: [Shell((*MAKERS[kind], path))])
