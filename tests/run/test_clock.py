"""The clock of a machine is moved and moved back; a stand-in for date(1) holds the time, so no real clock moves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.errors import BoxError, Interrupted
from lab.run.clock import DAY, ClockError, moved_clock
from lab.workers import wait_for

pytestmark = pytest.mark.slow

DATE = """\
#!/bin/sh
offset=$(cat {state}/offset)
case "$1 $2" in
"+%s ") echo $(($({date} +%s) + offset)) ;;
"-s "*ago)
  test ! -e {state}/refuses || exit 1
  set -- $2; echo $((offset - $1)) > {state}/offset ;;
"-s "*)
  test ! -e {state}/refuses || {{ echo "Operation not permitted" >&2; exit 1; }}
  set -- $2; echo $((offset + $1)) > {state}/offset ;;
esac
"""


class Machine(LocalBox):
    """This machine with the stand-in for date(1), and without sudo."""

    def __init__(self, state: Path) -> None:
        super().__init__("machine")
        self.place = state
        for name, text in {"date": DATE, "id": "#!/bin/sh\necho 0\n"}.items():
            (state / name).write_text(text.format(state=state, date="/bin/date"))
            (state / name).chmod(0o755)
        self.set(0)

    def set(self, offset: int) -> None:
        (self.place / "offset").write_text(str(offset))

    @property
    def offset(self) -> int:
        return int((self.place / "offset").read_text() or 0)

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        path = f"{self.place}:{os.environ['PATH']}"
        return super().execute(Command(command.argv, {**command.env, "PATH": path}, command.cwd, command.timeout))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def sign(machine: Machine) -> str:
    return str(machine.place / "sign")


def test_the_clock_is_ahead_within_the_context_and_right_after_it(machine: Machine) -> None:
    with moved_clock(machine, 2, sign(machine)):
        assert machine.offset == 2 * DAY
    assert machine.offset == 0
    assert not list(machine.place.glob("sign*"))


def test_an_interruption_moves_it_back(machine: Machine) -> None:
    with pytest.raises(Interrupted), moved_clock(machine, 2, sign(machine)):
        raise Interrupted("stopped")
    assert machine.offset == 0


def test_the_machine_moves_it_back_by_itself_once_the_sign_is_gone(machine: Machine) -> None:
    with pytest.raises(BoxError, match="cannot move the clock of machine back"), moved_clock(machine, 2, sign(machine)):
        _lose_the_sign(machine)


def _lose_the_sign(machine: Machine) -> None:
    """Remove the sign, as a clean-up of the machine does, and wait until the machine has moved its clock back."""
    done = Path(f"{sign(machine)}.done")
    Path(sign(machine)).unlink()
    wait_for("the clock", lambda: True if done.exists() else "it is ahead", timeout=60, every=0.1)
    assert machine.offset == 0
    done.unlink()
    machine.set(2 * DAY)  # for the look at the end of the context


def test_a_clock_that_a_service_sets_back_is_no_difference(machine: Machine) -> None:
    with pytest.raises(ClockError, match="set it back"), moved_clock(machine, 2, sign(machine)):
        machine.set(0)
    assert machine.offset == 0  # it is not moved back a second time


def test_a_machine_that_refuses_has_the_reason(machine: Machine) -> None:
    (machine.place / "refuses").touch()
    reason = "of machine cannot be moved: Operation not permitted"
    with pytest.raises(ClockError, match=reason), moved_clock(machine, 2, sign(machine)):
        pass
    assert not Path(sign(machine)).exists()


def test_two_processes_do_not_move_it_at_once(machine: Machine) -> None:
    with moved_clock(machine, 2, sign(machine)):
        with pytest.raises(ClockError, match="another lab process"), moved_clock(machine, 2, sign(machine)):
            pass
        assert machine.offset == 2 * DAY
    assert machine.offset == 0
