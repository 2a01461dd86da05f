"""Numbers of thousands of digits in a log, which Python refuses to read, are no numbers of a build."""

from __future__ import annotations

import math

import pytest

from lab.buildkit.progress.reader import read_builds

LONG = "9" * 5000
PLAIN = "#1 [1/2] FROM x\n#1 DONE 0.1s\n#2 [2/2] RUN y\n"
SCREEN = "[+] Building 1.2s (3/3) FINISHED\n => [1/2] FROM alpine  0.0s\n => [2/2] RUN y  0.7s\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{PLAIN}#2 DONE {LONG}s\n",
        f"{PLAIN}#2 {LONG}.5 out\n#2 DONE 1.0s\n",
        f"{PLAIN}#{LONG} DONE 1.0s\n",
        f"{SCREEN}\x1b[{LONG}A{SCREEN}",
        f"{SCREEN}{SCREEN.replace('1.2s', f'{LONG}.2s')}",
        SCREEN.replace("0.7s", f"{LONG}.7s"),
        SCREEN.replace("3/3", f"{LONG}/{LONG}"),
        f"#1 [1/2] RUN y\n#1       digest: sha256:{'a' * 64}\n#1    completed: x\n#1     duration: {LONG}h{LONG}ms\n",
        f"INFO[0000] Building stage 'x' [idx: '{LONG}', base-idx: '-1']\nINFO[0000] RUN y\n",
        f"Step {LONG}/{LONG} : RUN y\n ---> Using cache\n",
        f"STEP {LONG}/{LONG}: RUN y\n--> Using cache {'a' * 64}\n",
    ],
)
def test_a_number_of_thousands_of_digits_is_no_error_and_no_time(text: str) -> None:
    for build in read_builds(text):
        seconds = [step.seconds for step in build.steps if step.seconds is not None]
        assert all(map(math.isfinite, seconds))
