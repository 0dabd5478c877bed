"""Commands that make a model: python -m training fit | export | experiments."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import torch
import typer

from monitor.errors import ScarpwatchError
from training.datasets.folder import data_folder
from training.experiment import FOLDER, Experiment, load_experiment
from training.loop import EpochReport
from training.making import make_run
from training.material import gather
from training.release import release
from training.run_file import read_experiment

DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of data; default SCARPWATCH_DATA.")]
ThreadsOption = Annotated[int, typer.Option(min=1, help="Threads on the CPU.")]


def fit_command(
    experiment: Annotated[str, typer.Argument(help="Name under training/experiments/, or a .yaml file.")],
    run: Annotated[Path, typer.Argument(help="Folder of the run: checkpoint and logs.")],
    data: DataOption = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the experiment's.")] = None,
    threads: ThreadsOption = 2,
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare batches; for GPUs.")] = 0,
) -> None:
    """Train an experiment; a run that was interrupted continues. TensorBoard: tensorboard --logdir RUN.

    Runs that the experiment learns from or averages are looked for beside RUN, under their names.
    """
    torch.set_num_threads(threads)
    try:
        wanted = with_epochs(load_experiment(experiment), epochs)
        material = gather(wanted.data, data_folder(data))
        typer.echo(material.leakage.text())
        progress = typer.get_text_stream("stderr").isatty()
        make_run(wanted, material, run, print_epoch, tell=tell, workers=workers, progress=progress)
    except ScarpwatchError as err:
        raise failed(err) from err


def export_command(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    model: Annotated[Path, typer.Argument(help="Model folder to write, such as models/scar-rgb.")],
    data: DataOption = None,
    threads: ThreadsOption = 2,
) -> None:
    """Write the run's averaged weights and their card; also works while the run goes on."""
    torch.set_num_threads(threads)
    try:
        experiment = read_experiment(run)
        material = gather(experiment.data, data_folder(data))
        made = release(experiment, material, run, model, threads=threads, now=datetime.now(UTC), progress=tell)
    except ScarpwatchError as err:
        raise failed(err) from err
    properties = made.card["properties"]
    scored = properties["scarpwatch:metrics"]
    found = scored["validation"]
    typer.echo(f"wrote {model}: {properties['scarpwatch:version']}")
    typer.echo(f"torch and ONNX Runtime differ by at most {scored['onnx_parity_max_abs']:.1e}")
    typer.echo(f"threshold {properties['scarpwatch:threshold']}, chosen on the threshold chips")
    typer.echo(f"scored on {found['patches']} chips: F1 {found['f1']:.3f} {_interval(found, 'f1')}")
    typer.echo(f"PR-AUC {found['pr_auc']:.3f} {_interval(found, 'pr_auc')}")


def experiments_command() -> None:
    """List the experiments that come with the code."""
    for file in sorted(FOLDER.glob("*.yaml")):
        typer.echo(f"{file.stem:<24} {load_experiment(file.stem).title}")


def with_epochs(experiment: Experiment, epochs: int | None) -> Experiment:
    """The experiment with another number of epochs, if one is given."""
    if epochs is None:
        return experiment
    schedule = experiment.schedule.model_copy(update={"epochs": epochs})
    return experiment.model_copy(update={"schedule": schedule})


def print_epoch(line: EpochReport) -> None:
    """One line per epoch."""
    typer.echo(
        f"epoch {line.epoch}/{line.epochs}  loss {line.loss:.4f}  "
        f"threshold chips: best F1 {line.f1_best:.3f}  PR-AUC {line.pr_auc:.3f}"
    )


def tell(what: str) -> None:
    """A line of progress, apart from the results."""
    typer.echo(what, err=True)


def failed(err: ScarpwatchError) -> typer.Exit:
    """Say what is wrong; exit code 1."""
    tell(str(err))
    return typer.Exit(1)


def _interval(found: dict[str, dict[str, list[float]]], key: str) -> str:
    """Nothing where too few blocks were scored for one."""
    if key not in found["intervals"]:
        return ""
    low, high = found["intervals"][key]
    return f"[{low:.3f}, {high:.3f}]"
