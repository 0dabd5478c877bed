"""python -m training reproduce: quoted figures and published studies made again, from the data to scored weights."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import torch
import typer
import yaml

from monitor.adapters.files import write_atomic
from monitor.errors import ConfigError, ScarpwatchError
from training.datasets.folder import data_folder
from training.experiment import Experiment, load_experiment
from training.fit_commands import DataOption, ThreadsOption, failed, print_epoch, tell
from training.making import make_run
from training.material import RunMaterial, gather
from training.release import release
from training.studies.outcomes import Workshop
from training.studies.remaking import RULES, STUDIES
from training.studies.showing import page, tables_of

QUOTED_FILE: Final = Path(__file__).with_name("quoted.yaml")
KEYS: Final = ("f1", "pr_auc")
QUICK: Final = (
    "The quick form: few steps, on less data. It shows that every row can be made; the networks have not learned all "
    "they can."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """What a set of experiments is said to give."""

    experiment: str
    intervals: Mapping[str, tuple[float, float]]
    """95 % interval of every figure in KEYS on the scored chips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One figure made again."""

    experiment: str
    key: str
    value: float
    quoted: tuple[float, float]

    @property
    def agrees(self) -> bool:
        """Whether it lies in the quoted interval."""
        return self.quoted[0] <= self.value <= self.quoted[1]


def reproduce_command(
    name: Annotated[
        str, typer.Argument(help="A published study: A, B, C or D. Or rgb, what is quoted of the shipped models.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for runs and models; an interrupted one continues.")] = Path(
        "runs/reproduce"
    ),
    data: DataOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="Under half an hour: less data, a few epochs.")] = False,
    row: Annotated[list[str] | None, typer.Option(help="Only this row of a study; may be given again.")] = None,
    threads: ThreadsOption = 2,
) -> None:
    """Train, export and score again: a published study beside its table, or quoted figures.

    A study ends with its table and a page, OUT/A/report.html. Quoted figures that are not met give exit code 1.
    """
    torch.set_num_threads(threads)
    try:
        if name in STUDIES:
            folder = out / name / ("quick" if quick else "full")
            shop = Workshop(
                out=folder, threads=threads, rule=RULES[name], tell=tell, report=print_epoch, rows=tuple(row or ())
            )
            _study_again(name, shop, _given(data), quick=quick)
            return
        steps = quoted(f"{name}-quick" if quick else name)
        folder = data_folder(data)
        outcomes = [one for step in steps for one in _made_again(step, folder, out, threads)]
    except ScarpwatchError as err:
        raise failed(err) from err
    for one in outcomes:
        low, high = one.quoted
        verdict = "agrees" if one.agrees else "DISAGREES"
        typer.echo(f"{one.experiment:<20} {one.key:<8} {one.value:.3f}  quoted {low:.3f} to {high:.3f}  {verdict}")
    if not all(one.agrees for one in outcomes):
        raise typer.Exit(1)


def _given(data: Path | None) -> Path | None:
    """The folder of data; None where none was named and there is none: some studies do without."""
    try:
        return data_folder(data)
    except ConfigError:
        if data is not None:
            raise
        return None


def _study_again(letter: str, shop: Workshop, data: Path | None, *, quick: bool) -> None:
    """Make a study again into a folder, print its tables and write its page."""
    began = time.monotonic()
    shop.out.mkdir(parents=True, exist_ok=True)
    made, pictures = STUDIES[letter](shop, data, quick)
    for table in tables_of(made):
        typer.echo(f"\n{table.markdown()}")
    report = shop.out / "report.html"
    remarks = [QUICK] if quick else []
    if shop.rows:
        remarks.append(f"Made by wish of these rows only: {', '.join(shop.rows)}.")
    write_atomic(report, page(made, pictures, datetime.now(UTC), remarks).encode())
    typer.echo(f"\nwrote {report} after {(time.monotonic() - began) / 60:.0f} minutes")


def quoted(name: str) -> list[Quoted]:
    """The experiments of a set with their quoted figures.

    Raises:
        ConfigError: there is no such set.
    """
    sets: dict[str, list[dict[str, Any]]] = yaml.safe_load(QUOTED_FILE.read_text(encoding="utf-8"))
    if name not in sets:
        known = ", ".join((*STUDIES, *sets))
        raise ConfigError("there is nothing to make again under this name", item=name, remedy=f"Choose among {known}.")
    return [
        Quoted(
            experiment=entry["experiment"],
            intervals={key: (float(entry[key][0]), float(entry[key][1])) for key in KEYS},
        )
        for entry in sets[name]
    ]


def _made_again(step: Quoted, data: Path, out: Path, threads: int) -> list[Outcome]:
    experiment = load_experiment(step.experiment)
    material = _run_again(experiment, data, out)
    run = out / experiment.name
    model = out / "models" / experiment.name
    made = release(experiment, material, run, model, threads=threads, now=datetime.now(UTC), progress=tell)
    found = made.card["properties"]["scarpwatch:metrics"]["validation"]
    return [
        Outcome(experiment=experiment.name, key=key, value=found[key], quoted=interval)
        for key, interval in step.intervals.items()
    ]


def _run_again(experiment: Experiment, data: Path, out: Path) -> RunMaterial:
    """Train an experiment, and before it every other that it is made from."""
    for name in experiment.made_from:
        _run_again(load_experiment(name), data, out)
    tell(f"== {experiment.name}")
    material = gather(experiment.data, data)
    if not make_run(experiment, material, out / experiment.name, print_epoch, tell=tell):
        raise typer.Exit
    return material
