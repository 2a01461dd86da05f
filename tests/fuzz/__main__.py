"""`python -m tests.fuzz`: look for inputs that break a parser, with new seeds until the time is over.

What fails is stored in tests/data/fuzz, where the test run reads it again. `--seed` begins with a given seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from tests.fuzz.hunt import Failure, hunt, store
from tests.fuzz.table import TARGETS

EXAMPLES = 150  # of one parser in one round
MOST_FAILURES = 3  # of one parser


def say(text: str) -> None:
    """Print a line at once; a lone surrogate in it is spelled out."""
    sys.stdout.write(text.encode("ascii", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def main() -> int:
    """Hunt until the time is over; the exit status is 1 if an input fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", action="append", help="the name of a parser, or the beginning of names")
    given = parser.parse_args()
    chosen = [target for target in TARGETS if not given.only or target.name.startswith(tuple(given.only))]
    end, number = time.monotonic() + given.seconds, given.seed
    failures = dict.fromkeys((target.name for target in chosen), 0)
    inputs = 0
    while time.monotonic() < end:
        say(f"seed {number}")
        for target in chosen:
            if failures[target.name] >= MOST_FAILURES or time.monotonic() >= end:
                continue
            try:
                hunt(target, number, EXAMPLES)
            except Failure as failure:
                failures[target.name] += 1
                trace = "".join(traceback.format_exception(failure.__cause__, limit=-6, chain=False))
                say(trace)
                say(f"{failure}\n  stored as {store(failure)} (seed {number})")
            inputs += EXAMPLES
        number += 1
    found = {name: count for name, count in failures.items() if count}
    say(f"about {inputs} inputs of {len(chosen)} parsers, seeds {given.seed} to {number - 1}: {found or 'no failure'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
