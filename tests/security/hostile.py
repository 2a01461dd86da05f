"""Names that are out to get whoever shows them, and a run in which every name of a stranger is such a name."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from hypothesis import strategies as st

from lab.model import Verdict
from lab.report.evidence import Evidence
from tests import reporting
from tests.reporting import HIT, RAN, exchange

MARK = "pwned"  # every command below would make a file of this name
PIECES = (
    *(f"$(touch {MARK})", f"`touch {MARK}`", f"; touch {MARK} #", f"'; touch {MARK}; '", f'"; touch {MARK}; "'),
    *(f"\n touch {MARK}\n", f"| touch {MARK} &", "${HOME}", "\\", "'", '"', "-rf", "*", "~", "%s%n", "EOF\n", "END\n"),
    *(f"<script>{MARK}()</script>", f"<img src=x onerror={MARK}()>", "</td></table>", "]]>", "<!--", "-->", "&lt;"),
    *(f'" onmouseover="{MARK}()', "javascript:alert(1)", f"[x](javascript:{MARK})", "![x](http://x.example/i.png)"),
    *("```", "~~~", "|", "\n| a | b |\n", "\n# head", "\n- item", "\n> quote", "<details>", "@everyone", "#1", "***"),
    *("=cmd|' /C calc'!A0", "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1", ",", ";"),
    *("\x1b[2J", "\x1b]0;title\x07", "\x1b]52;c;cHduZWQ=\x07", "\x1b[8m", "\x9b31m", "\x90x\x9c", "\x08\x08", "\r"),
    *("\u202e", "\u2066", "\u200f", "\u200b", "\u2028", "\ufeff", "\x7f", "\x00", "\udcff", "é", "日本"),
    *("\n::error::x", "::set-output name=a::b", "\n##[group]x", "%0A", "{{ 7 * 7 }}", "{% raw %}", "../../etc/passwd"),
)
names = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), min_size=1, max_size=6).map("".join)
# a command holds no NUL: no system takes one
arguments = names.map(lambda text: text.replace("\0", ""))


@st.composite
def runs(draw: st.DrawFn) -> Evidence:
    """A run whose boxes, engines, scenario, variation, instructions, files, outputs and problems are hostile."""
    return run_of(lambda: draw(names), lambda: draw(arguments))


def usual_run() -> Evidence:
    """The same run with names that are only words."""
    numbers = count(1)
    return run_of(lambda: f"name{next(numbers)}", lambda: f"word{next(numbers)}")


def run_of(name: Callable[[], str], argument: Callable[[], str]) -> Evidence:
    """A run of two boxes: a trial that misses, and a broken one."""
    producer, consumer, engine, variation, scenario = (name() for _ in range(5))
    steps = tuple(argument() for _ in range(3))
    made = reporting.trial(
        producer,
        consumer,
        (HIT, RAN, RAN),
        Verdict.MISSED,
        expected=(HIT, HIT, HIT),
        steps=steps,
        engine=engine,
        scenario=scenario,
        variation=variation,
        because=name(),
    )
    lost = reporting.trial(
        consumer, producer, None, Verdict.BROKEN, steps=steps, engine=engine, scenario=scenario, problem=name()
    )
    run = reporting.run(made, lost, steps=steps, scenario=scenario, lineup=name(), summary=name())
    file, output, tag = argument(), name(), argument()
    build = ("docker", "build", "--tag", f"localhost:5000/x{tag}", ".")
    cwd = f"/home/u/{argument()}"
    about = f"{producer}:{engine}/{scenario}:produce"
    said = output.encode("utf-8", "surrogateescape") if is_utf8(output) else output.encode("utf-8", "replace")
    return Evidence(
        run,
        {made.name: reporting.explained(made)},
        (
            exchange(producer, about, "sh", "-c", ": > x", file, cwd=cwd),
            exchange(producer, about, *build, stderr=said, cwd=cwd),
            exchange(consumer, made.name, "sh", "-c", ": > x", file, cwd=cwd),
            exchange(consumer, made.name, *build, "--cache-from", f"localhost:5000/x{tag}", stderr=said, cwd=cwd),
        ),
    )


def is_utf8(text: str) -> bool:
    """True if the text is what bytes of a file name or an output become."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True
