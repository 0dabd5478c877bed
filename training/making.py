"""A run from its experiment and the finished runs it is made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from training.averaging import average
from training.experiment import Experiment
from training.finished import load_finished
from training.loop import EpochReport, epochs_done, fit
from training.material import RunMaterial
from training.run_file import begin_run


def make_run(
    experiment: Experiment,
    material: RunMaterial,
    run: Path,
    report: Callable[[EpochReport], None],
    *,
    workers: int = 0,
    progress: bool = False,
) -> bool:
    """Bring a run to its end; one that was interrupted continues, one that is finished stays.

    Returns whether this process speaks for all (see `fit`).

    Raises:
        ScarpwatchError: a run it is made from is missing or does not fit, or the run was begun with something else.
    """
    made_from = {name: load_finished(name, experiment, material.split, run) for name in experiment.made_from}
    begin_run(run, experiment, material)
    start = None
    if experiment.average and not epochs_done(run):
        start = average(experiment, [made_from[name] for name in experiment.average], material.sources())
    return fit(
        experiment,
        material.sources(),
        material.threshold(),
        run,
        report,
        start=start,
        teachers=[made_from[name] for name in experiment.distillation.teachers],
        workers=workers,
        progress=progress,
    )
