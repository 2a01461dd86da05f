"""Whether a box with an engine is still what it was when a run that is resumed stored its facts."""

from __future__ import annotations

from lab.errors import ConfigError
from lab.results.facts import BoxFacts
from lab.results.run import Run

# Not among them: the texts of `docker version` and `docker info`, which also contain counts and times.
FIELDS = (
    "kind", "client", "server", "commit", "os", "kernel", "storage", "security", "selinux", "buildx", "rules", "sums",
    "builder", "cache",
)  # fmt: skip


def is_known(facts: BoxFacts, run: Run) -> bool:
    """True if the run has the same facts of this box with this engine, False if it has none.

    ConfigError that names every fact that differs: the new trials would not be comparable with the stored ones.
    """
    stored = next((item for item in run.boxes if (item.name, item.engine) == (facts.name, facts.engine)), None)
    if stored is None:
        return False
    if changed := fact_differences(stored, facts):
        raise ConfigError(
            f"cannot resume {run.name} on {facts.name} with {facts.engine}: the box has changed: {'; '.join(changed)}",
            hint="make a new run; `python -m lab repro --rerun-failed` makes one of the trials that failed",
        )
    return True


def fact_differences(before: BoxFacts, after: BoxFacts) -> list[str]:
    """Each fact of a box with an engine that differs, with both values; counts and times are not compared."""
    return [
        f"{name} {_word(getattr(before, name))} -> {_word(getattr(after, name))}"
        for name in FIELDS
        if getattr(before, name) != getattr(after, name)
    ]


def _word(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {str(text)[:12]}" for name, text in sorted(value.items())) or "unknown"
    return (", ".join(map(str, value)) if isinstance(value, tuple) else str(value or "")) or "unknown"
