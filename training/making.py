"""A run from its experiment and the finished runs it is made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from training.averaging import average
from training.batches import Sources
from training.experiment import Experiment
from training.finished import load_finished
from training.loop import EpochReport, Parents, at_its_end, epochs_done, fit
from training.material import RunMaterial
from training.run_file import begin_run


def make_run(
    experiment: Experiment,
    material: RunMaterial,
    run: Path,
    report: Callable[[EpochReport], None],
    *,
    tell: Callable[[str], None] = lambda _line: None,
    workers: int = 0,
    progress: bool = False,
) -> bool:
    """Bring a run to its end; one that was interrupted continues, one that is finished stays.

    Runs it is made from must lie beside it as long as they are needed: those it starts from until its first epoch is
    done, its teachers to the end.

    `tell` gets one line of what follows, before the silence of the first epoch.

    Returns whether this process speaks for all (see `fit`).

    Raises:
        ScarpwatchError: a run it is made from is missing or does not fit, or the run was begun with something else.
    """
    done, ended = epochs_done(run), at_its_end(run, experiment)
    starts = () if done else experiment.average
    teachers = () if ended else experiment.distillation.teachers
    made_from = {name: load_finished(name, experiment, material.split, run) for name in (*teachers, *starts)}
    begin_run(run, experiment, material, [one.described for one in made_from.values()])
    sources, parts = material.sources(), [made_from[name].network for name in starts]
    tell(f"all {done} epochs are done" if ended else _what_follows(experiment, sources, done))
    return fit(
        experiment,
        sources,
        material.threshold(),
        run,
        report,
        parents=Parents(
            start=average(experiment, parts, sources) if parts else None,
            teachers=tuple(made_from[name].network for name in teachers),
        ),
        workers=workers,
        progress=progress,
    )


def _what_follows(experiment: Experiment, sources: Sources, done: int) -> str:
    epochs, quiet = experiment.schedule.epochs, sources.draws - len(sources.labelled)
    kept = f"{done} of {epochs} epochs are saved" if done else "nothing is saved yet"
    return f"{kept}; an epoch is {sources.draws} chips, {quiet} of them quiet, and is saved at its end"
