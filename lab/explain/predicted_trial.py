"""A trial with what lab's model predicts of it."""

from __future__ import annotations

from lab.buildkit.rulebook import Rulebook
from lab.explain.predict import with_reasons
from lab.explain.subject import subject
from lab.results.run import Run, Trial


def with_prediction(run: Run, trial: Trial, book: Rulebook) -> Trial:
    """The trial with what is predicted of it from all that the run knows beside its build; `run` may have no trials."""
    outcomes, reasons = with_reasons(subject(run, trial.model_copy(update={"build": None}), book))
    return trial.model_copy(update={"predicted": outcomes, "unpredicted": reasons})
