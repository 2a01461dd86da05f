"""Files over HTTP while a side makes its steps."""

from __future__ import annotations

from types import MappingProxyType

from lab.report.script import shell
from lab.report.script.steps.kind import Side
from lab.results.sequence import SequenceStep

SERVE = r"""
serve() { # folder, port
    busybox httpd --help 2>&1 | grep -q httpd || fail "there is no busybox with httpd"
    busybox httpd -f -p "127.0.0.1:$2" -h "$1" >/dev/null 2>&1 </dev/null &
    servers="$servers $!"
    tries=0
    until printf 'GET / HTTP/1.0\r\n\r\n' | busybox nc 127.0.0.1 "$2" 2>/dev/null | grep -q .; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || fail "the web server at port $2 does not answer"
        sleep 1
    done
}
"""


class ServeLines:
    """The web server of busybox, as in the run; it ends with the side."""

    by_hand = None
    functions = MappingProxyType({"serve": SERVE})

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """The commands that make the folder, and the start of the server."""
        port = str(step.values["at"]).rpartition(":")[2]
        return [*side.writes(), f"serve {shell.word('./' + str(step.values['folder']))} {shell.word(port)}"]
