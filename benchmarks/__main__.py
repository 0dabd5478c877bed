"""`python -m benchmarks speed | implants | hokkaido | california | simulated | valley-radar | sensors | years | null |
rates | deliveries | feeds | history | dashboards | soak | chaos`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

_ROOT = Path(__file__).resolve().parent.parent

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Measure what the claims of Scarpwatch stand on.")

DataOption = Annotated[
    Path, typer.Option("--data", envvar="SCARPWATCH_DATA", help="Folder of the real data sets.", exists=True)
]
ModelOption = Annotated[Path, typer.Option("--model", help="Model folder.", exists=True)]


def _made(folder: Path) -> Path:
    """The folder, made now: not found missing after an hour's work."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


OutOption = Annotated[
    Path, typer.Option("--out", help="Folder for figures, made where it is not there.", callback=_made, file_okay=False)
]

_DATA = _ROOT.parent / "shared" / "data"
_MODEL = _ROOT / "models" / "scar-rgb-noiburi"
_CHANGE = _ROOT / "models" / "change-rgb"
_OUT = _ROOT / "docs"


@app.command()
def speed(
    data: DataOption = _DATA,
    model: ModelOption = _MODEL,
    radar_model: Annotated[
        Path | None,
        typer.Option(
            "--radar-model", help="Also a simulated valley with both sensors, this network for radar.", exists=True
        ),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option("--profile", help="Profile into this file and list what takes longest instead.")
    ] = None,
) -> None:
    """Acquisition to alert on the Hokkaido pair: wall time by stage, beside the bare engine."""
    from benchmarks.speed import pair_of, run, valley_of

    watched = [pair_of(data, model), *([valley_of(model, radar_model)] if radar_model else [])]
    typer.echo(run(watched, profile))


@app.command()
def implants(
    data: DataOption = _DATA,
    model: ModelOption = _MODEL,
    change: Annotated[
        Path | None, typer.Option("--change", help="Change model; by default the shipped one, if any.", exists=True)
    ] = None,
    out: OutOption = _OUT,
    each: Annotated[int, typer.Option("--each", min=1, help="Implants of every size.")] = 200,
    points: Annotated[Path | None, typer.Option("--points", help="Write every measured setting as JSON.")] = None,
) -> None:
    """Painted scars on quiet ground: detection by size at the same number of false events."""
    from benchmarks.implants import Models, run

    shipped = _CHANGE if _CHANGE.is_dir() else None

    def progress(done: int, wanted: int) -> None:
        print(f"{done} of {wanted} implants", file=sys.stderr, flush=True)

    typer.echo(run(data, Models(scar=model, change=change or shipped), out, each, progress, points))


@app.command()
def hokkaido(
    data: DataOption = _DATA,
    model: Annotated[list[Path] | None, typer.Option("--model", help="Model folder; may be given again.")] = None,
    out: OutOption = _OUT,
) -> None:
    """The alerts of one pass over the real event: what they cover, what they should not, and the overview picture."""
    from benchmarks.hokkaido import run

    typer.echo(run(data, tuple(model or [_MODEL]), out))


@app.command()
def simulated(
    data: DataOption = _DATA,
    out: OutOption = _OUT,
    seed: Annotated[int, typer.Option("--seed", help="Of the valley.")] = 1,
) -> None:
    """The simulated valley beside real Sentinel-1 and Sentinel-2: distributions and spectra by ground, pictures."""
    from benchmarks.simulated import run

    typer.echo(run(data, out, seed))


@app.command()
def california(data: DataOption = _DATA, out: OutOption = _OUT) -> None:
    """The radar baseline on quiet land: false clusters without implants, painted scars found with them."""
    from benchmarks.california import run

    def progress(done: int, wanted: int) -> None:
        print(f"{done} of {wanted} passes", file=sys.stderr, flush=True)

    typer.echo(run(data, out, progress))


@app.command()
def sensors(data: DataOption = _DATA) -> None:
    """Which sensor counts over two and a half real years of clouds, and what is made of fields and composites."""
    from benchmarks.sensors import run

    typer.echo(run(data))


@app.command()
def valley_radar(
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Of a valley; may be given again.")] = None,
) -> None:
    """The radar baseline in simulated valleys: scars found after the storm, false clusters before it."""
    from benchmarks.valley_radar import SEEDS, run

    def progress(done: int, wanted: int) -> None:
        print(f"{done} of {wanted} valleys", file=sys.stderr, flush=True)

    typer.echo(run(tuple(seeds or SEEDS), progress))


@app.command()
def years(
    out: Annotated[Path, typer.Option("--out", help="Folder of each seed's results; a run goes on where it stopped.")],
    seeds: Annotated[str, typer.Option("--seeds", help="Of the valleys, such as 8001-8010 or 1,5,9.")] = "8001-8010",
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", help="Network to try beside its sensor's baseline; may be given again.", exists=True),
    ] = None,
    radar_model: Annotated[
        list[Path] | None, typer.Option("--radar-model", help="The same for networks of radar.", exists=True)
    ] = None,
    size: Annotated[int, typer.Option("--size", min=128, help="Pixels of 10 m along a valley's side.")] = 512,
    length: Annotated[float, typer.Option("--years", min=0.1, help="How long each valley is watched.")] = 1.0,
    unsettled: Annotated[
        bool, typer.Option("--unsettled", help="Close no event as settled, and see what ten more looks say of it.")
    ] = False,
) -> None:
    """Simulated years: detection by size and sensor, days to evidence, false events by cause, networks."""
    from benchmarks.seeds import parse_seeds
    from benchmarks.years import Task, run
    from benchmarks.years_watch import LOOKS_A_YEAR, Size

    def progress(line: str) -> None:
        print(f"{datetime.now():%H:%M:%S} {line}", file=sys.stderr, flush=True)

    models = (*(model or ()), *(radar_model or ()))
    wanted = Size(size_px=size, looks=round(length * LOOKS_A_YEAR))
    task = Task(seeds=parse_seeds(seeds), size=wanted, models=models, out=out, unsettled=unsettled)
    typer.echo(run(task, progress))


YearsOption = Annotated[
    Path, typer.Option("--years", help="Folder of results of `python -m benchmarks years`.", exists=True)
]


@app.command()
def null(
    years: YearsOption,
    seeds: Annotated[str, typer.Option("--seeds", help="To count on.")] = "8101-8130",
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = _ROOT / "models" / "quiet-ground.json",
) -> None:
    """What quiet ground does, counted on simulated years: the file that is shipped. A few seconds."""
    from benchmarks.rates_report import write_null
    from benchmarks.seeds import parse_seeds

    with _told():
        typer.echo(write_null(years, parse_seeds(seeds), out))


@app.command()
def rates(
    years: YearsOption,
    calibrating: Annotated[str, typer.Option("--calibrating", help="Seeds to count on.")] = "8101-8130",
    measuring: Annotated[str, typer.Option("--measuring", help="Seeds to judge on.")] = "8131-8230",
    crosswise: Annotated[
        bool, typer.Option("--crosswise", help="Judge the other way round as well: twice the exposure.")
    ] = False,
    watch: Annotated[float | None, typer.Option("--watch", help="`tiers.watch`, if not the shipped one.")] = None,
    warning: Annotated[float | None, typer.Option("--warning", help="`tiers.warning`, likewise.")] = None,
    out: OutOption = _OUT,
) -> None:
    """What the tiers cost and find in simulated years that the null never saw, and what false events are. Seconds."""
    from benchmarks.rates_report import DEFAULTS, run
    from benchmarks.seeds import parse_seeds

    settings = replace(DEFAULTS, watch_rate=watch or DEFAULTS.watch_rate, warning_rate=warning or DEFAULTS.warning_rate)
    with _told():
        typer.echo(run(years, (parse_seeds(calibrating), parse_seeds(measuring)), crosswise, out, settings))


@contextmanager
def _told() -> Iterator[None]:
    """What is missing is said in one line, with exit code 1."""
    from monitor.errors import ScarpwatchError

    try:
        yield
    except ScarpwatchError as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(1) from err


@app.command()
def deliveries(
    kills: Annotated[int, typer.Option("--kills", min=0, help="How often the delivery is killed.")] = 50,
    seed: Annotated[int | None, typer.Option("--seed", help="Of when it is killed; left out: any.")] = None,
) -> None:
    """Delivery that is killed at random: missing and doubled messages at a real receiver. Exit code 1 on any."""
    from secrets import randbelow
    from tempfile import TemporaryDirectory

    from benchmarks.deliveries import run

    with TemporaryDirectory() as folder:
        result = run(Path(folder), kills, randbelow(1_000_000) if seed is None else seed)
    typer.echo(result)
    raise typer.Exit(1 if result.missing or result.after_noted else 0)


@app.command()
def feeds(
    alerts: Annotated[int, typer.Option("--alerts", min=1000, help="Synthetic alerts in the database.")] = 100_000,
    rate: Annotated[float, typer.Option("--rate", min=1, help="Requests per second.")] = 50.0,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For how long.")] = 30.0,
) -> None:
    """Feeds and API over 100,000 alerts, asked at a fixed rate from another process while a watch writes."""
    from benchmarks.feeds import run

    typer.echo(run(alerts, rate, seconds))


@app.command()
def history(
    rows: Annotated[int, typer.Option("--rows", min=100_000, help="Observations in the end.")] = 10_000_000,
) -> None:
    """Ten years in a PostgreSQL of its own: the last looks of 1,000 tiles, one tile's history, plans."""
    from benchmarks.history import run

    def progress(line: str) -> None:
        print(f"{datetime.now():%H:%M:%S} {line}", file=sys.stderr, flush=True)

    typer.echo(run(rows, progress))


@app.command()
def dashboards(
    out: OutOption = _OUT,
    size_px: Annotated[int, typer.Option("--size", min=256, help="Side of the valley in pixels of 10 m.")] = 420,
    quiet: Annotated[int, typer.Option("--quiet", min=4, help="Optical looks before the storm.")] = 5,
    after: Annotated[int, typer.Option("--after", min=1, help="Optical looks after it.")] = 4,
) -> None:
    """Months of a simulated valley on PostgreSQL and Prometheus, and pictures of what the dashboards show of it."""
    from benchmarks.dashboards import run
    from benchmarks.dashboards_watch import Size

    def progress(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    typer.echo(run(out, Size(size_px=size_px, quiet=quiet, after=after), progress))


FolderOption = Annotated[
    Path,
    typer.Option("--folder", help="Of the valley, made once, and of the runs, whose places must be free."),
]
LengthOption = Annotated[float, typer.Option("--years", min=0.05, help="How long the valley plays.")]


@app.command()
def soak(
    folder: FolderOption,
    years: LengthOption = 2.0,
    postgres: Annotated[bool, typer.Option("--postgres", help="On a PostgreSQL of its own instead of SQLite.")] = False,
    model: Annotated[
        Path | None, typer.Option("--model", help="Model folder; left out: one convolution.", exists=True)
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--beside", help="Results (soak.json) to be drawn and told too.", exists=True),
    ] = None,
    out: OutOption = _OUT,
) -> None:
    """Simulated years at full speed through one daemon: memory, descriptors, threads. Exit code 1 where they grow."""
    from benchmarks.soak import Task, load, report, run
    from benchmarks.soak_figure import draw

    runs = [load(path) for path in beside or ()] + [run(Task(folder, years, postgres, model), _said)]
    draw(runs, out / "soak.png")
    typer.echo(report(runs))
    raise typer.Exit(0 if all(one.passed for one in runs) else 1)


@app.command()
def chaos(
    folder: FolderOption,
    years: LengthOption = 2.0,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="How long processes are killed.")] = 10.0,
    seed: Annotated[int | None, typer.Option("--seed", help="Of who is killed when; left out: any.")] = None,
) -> None:
    """Three daemons and a Dask cluster killed at random: the database against that of one that nobody disturbed."""
    from secrets import randbelow

    from benchmarks.chaos import Task, run, save
    from benchmarks.chaos_report import report

    chosen = randbelow(1_000_000) if seed is None else seed
    result = run(Task(folder=folder, years=years, minutes=minutes, seed=chosen), _said)
    save(result, folder / "chaos.json")
    typer.echo(report(result))
    raise typer.Exit(0 if result.passed else 1)


def _said(line: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    app()
