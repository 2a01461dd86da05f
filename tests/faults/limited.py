"""The program with smaller limits: `python -m tests.faults.limited VERB`, with LAB_FAULTS_CAP in seconds.

No command on a box gets a longer limit than that, so that a fault that lasts for good ends in seconds. The code that
waits, stops the command and describes the failure is the program's own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from lab.__main__ import main
from lab.boxes import connecting, ssh
from lab.boxes.base import Box, Result

GRACE_SECONDS, CHANNEL_SECONDS, ANSWER_SECONDS = 5, 5, 15  # in place of ssh's 45, 60 and 60


def cap(seconds: float) -> None:
    """Make the limit of each command on a box at most `seconds`."""
    run = Box.run

    def capped(self: Box, argv: Sequence[str], *, timeout: float = 600, **rest: Any) -> Result:
        return run(self, argv, timeout=min(timeout, seconds), **rest)

    Box.run = capped  # type: ignore[method-assign]
    ssh.GRACE_SECONDS = GRACE_SECONDS
    connecting.CHANNEL_SECONDS, connecting.ANSWER_SECONDS = CHANNEL_SECONDS, ANSWER_SECONDS


if __name__ == "__main__":
    cap(float(os.environ["LAB_FAULTS_CAP"]))
    main()
