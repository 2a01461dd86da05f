"""`python -m lab` and the program `lab`: signals are taken care of before anything that takes time is imported."""

import gc
import signal
import sys


def main() -> None:
    """Run the program; Ctrl-C, SIGTERM and SIGHUP end it in order at any time, with exit status 130."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has SIGHUP ignored, and so it stays
            signal.signal(number, interrupt)
    collect_less()
    try:
        from lab.cli.main import main as run  # late: these imports take a quarter of a second

        run()
    except KeyboardInterrupt as stop:
        sys.stderr.write(f"lab: stopped by {str(stop) or 'Ctrl-C'}\n")
        sys.exit(130)
    finally:
        # from here on Python only takes itself down: a signal now ends it without a traceback
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        gc.freeze()  # else Python looks for cycles in all that it holds, which takes a quarter of a second


def collect_less() -> None:
    """Let Python look for cycles less often: with hundreds of trials in memory a third of the time went there."""
    gc.set_threshold(50_000, 20, 20)


def interrupt(number: int, _: object) -> None:
    """Raise what Ctrl-C raises; its text is the signal's name. A cancelled CI job sends SIGTERM."""
    raise KeyboardInterrupt(signal.Signals(number).name)


if __name__ == "__main__":
    main()
