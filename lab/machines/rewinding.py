"""Set boxes back to an earlier state: the snapshot of the first state that `up` makes, and those that users save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lab.boxes.base import Box
from lab.boxes.kinds.table import open_box
from lab.boxes.specs import BoxSpec
from lab.errors import HostError, Interrupted, LabError, UsageError
from lab.machines import daemons
from lab.machines.kinds.handler import Site
from lab.machines.kinds.table import handler_of
from lab.machines.ready import Ready
from lab.machines.snapshots import PRISTINE, Snapshots, check_name, failed, missing
from lab.model import Progress


class Rewinder:
    """Snapshots of the boxes of one checkout."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def is_new(self, spec: BoxSpec) -> bool:
        """True for a virtual machine that was never up: what it is after `up` is its first state."""
        note = self.site.notes.read(spec.name)
        return note is not None and note.address is None

    def keep(self, box: Box, spec: BoxSpec, engines: Sequence[str]) -> None:
        """Save the first state of a box with these engines. A failure costs only the snapshot, and is reported."""
        self._tell(spec, "saving its first state")
        try:
            with_snapshots = self._snapshots(box, spec)
            if PRISTINE in with_snapshots.names():
                with_snapshots.remove(PRISTINE)
                self._note(spec, None)
            with_snapshots.save(PRISTINE)
        except Interrupted:
            raise
        except LabError as error:
            self._tell(
                spec, f"its first state is not saved, so `reset` cannot return to it: {error.message}", failed=True
            )
            return
        self._note(spec, engines)

    def names(self, spec: BoxSpec) -> list[str]:
        """The names of a box's snapshots; the note of the box then has them too."""
        names = self._of(spec).names()
        self._note_names(spec, names)
        return names

    def save(self, spec: BoxSpec, name: str) -> None:
        """Save the state of a box that is up; UsageError for a name that a snapshot of the box has."""
        if name == PRISTINE:
            raise UsageError(
                f'cannot save a snapshot "{PRISTINE}": it is the state in which `up` made a box, which trials rely on',
                hint="choose another name",
            )
        there = self._of(spec)
        if check_name(name) in there.names():
            raise UsageError(
                f'cannot save the snapshot "{name}" of {spec.name}: there is one already',
                hint=f"python -m lab snapshot remove {name} {spec.name}",
            )
        self._tell(spec, f"saving the snapshot {name}")
        there.save(name)
        self._note_names(spec, [*self._noted(spec), name])
        self._tell(spec, f"saved {name}", done=True)

    def remove(self, spec: BoxSpec, name: str) -> None:
        """Remove a snapshot; BoxError if there is none of that name."""
        there = self._found(self._of(spec), spec, name)
        there.remove(name)
        if name == PRISTINE:
            self._note(spec, None)
        self._note_names(spec, [other for other in self._noted(spec) if other != name])
        self._tell(spec, f"removed {name}", done=True)

    def restore(self, spec: BoxSpec, name: str = PRISTINE, box: Box | None = None) -> None:
        """Set a box back to a snapshot, and wait until it answers with the right time.

        The forwards of `box` to a registry are renewed, if it is given. BoxError says what to do for a box without that
        snapshot, or one that does not answer afterwards.
        """
        own = box or open_box(spec, self.site.project)
        try:
            there = self._found(self._snapshots(own, spec), spec, name)
            self._tell(spec, f"returning to {name}")
            there.restore(name)
        except HostError as error:
            raise failed(spec.name, name, error) from error
        finally:
            if box is None:
                own.close()
        self._tell(spec, f"is as in {name}", done=True)

    def resettable(self, item: Ready, start: Callable[[], Ready]) -> Ready:
        """The same box with what sets its engines back to their first state.

        Where the saved first state does not have one of the engines, the box returns to it, `start` starts the engines
        again, and the state is saved anew. BoxError for a virtual machine without a saved first state.
        """
        spec, names = item.spec, [engine.name for engine in item.engines]
        if self.site.notes.read(spec.name) is None:
            return replace(item, reset=handler_of(spec).rewind(self.site, item.box, item.engines))
        if not self._holds(spec, names):
            self.restore(spec, box=item.box)
            item = start()
            self.keep(item.box, spec, names)
            if not self._holds(spec, names):
                raise missing(spec.name, PRISTINE, ())
        return replace(item, reset=lambda engine: self.restore(spec, box=item.box))

    def _holds(self, spec: BoxSpec, engines: Sequence[str]) -> bool:
        """True if the first state that is saved has all these engines; BoxError if none is saved."""
        note = self.site.notes.read(spec.name)
        if note is None or note.pristine is None:
            raise missing(spec.name, PRISTINE, ())
        return set(engines) <= set(note.pristine)

    def _of(self, spec: BoxSpec) -> Snapshots:
        return self._snapshots(open_box(spec, self.site.project), spec)

    def _snapshots(self, box: Box, spec: BoxSpec) -> Snapshots:
        note = self.site.notes.read(spec.name)
        if note and note.vagrant.provider == "libvirt":
            daemons.start_daemons(self.site.shell, self.site.project.state, self.site.tell)
        return handler_of(spec).snapshots(self.site, spec, box)

    def _found(self, there: Snapshots, spec: BoxSpec, name: str) -> Snapshots:
        names = there.names()
        if name not in names:
            raise missing(spec.name, name, names)
        return there

    def _note(self, spec: BoxSpec, engines: Sequence[str] | None) -> None:
        note = self.site.notes.read(spec.name)
        if note:
            self.site.notes.write(note.model_copy(update={"pristine": None if engines is None else tuple(engines)}))

    def _noted(self, spec: BoxSpec) -> tuple[str, ...]:
        note = self.site.notes.read(spec.name)
        return note.snapshots if note else ()

    def _note_names(self, spec: BoxSpec, names: Sequence[str]) -> None:
        """Note the user's own snapshots of a virtual machine, so that `status` need not ask the hypervisor."""
        note = self.site.notes.read(spec.name)
        if note:
            own = tuple(name for name in names if name != PRISTINE)
            self.site.notes.write(note.model_copy(update={"snapshots": own}))

    def _tell(self, spec: BoxSpec, what: str, *, done: bool = False, failed: bool = False) -> None:
        self.site.tell(Progress(spec.name, what, done=done, failed=failed))
