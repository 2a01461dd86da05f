"""`python -m lab` and the program `lab`: signals are taken care of before anything that takes time is imported."""

import gc
import sys

from lab import signals
from lab.cli.streams import replace_closed


def main() -> None:
    """Run the program; Ctrl-C, SIGTERM and SIGHUP end it in order at any time, with exit status 130."""
    replace_closed()
    signals.install()
    collect_less()
    try:
        from lab.cli.main import main as run  # late: these imports take a quarter of a second

        run()
    except KeyboardInterrupt as stop:
        sys.stderr.write(f"lab: stopped by {str(stop) or 'Ctrl-C'}\n")
        sys.exit(130)
    finally:
        signals.release()  # else a signal now would end it with a traceback
        gc.freeze()  # else Python looks for cycles in all that it holds, which takes a quarter of a second


def collect_less() -> None:
    """Let Python look for cycles less often: with hundreds of trials in memory a third of the time went there."""
    gc.set_threshold(50_000, 20, 20)


if __name__ == "__main__":
    main()
