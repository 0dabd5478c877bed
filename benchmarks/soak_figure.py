"""The figure of the soak: memory, descriptors and threads of one daemon over two simulated years."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.soak import ALLOWED, MONTH, Sample, Soak

# Okabe and Ito (2008).
_STYLES = {"sqlite": ("#0072B2", "-"), "postgresql": ("#D55E00", "--")}
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_INK, _GREY = "#222222", "#777777"


def draw(runs: Sequence[Soak], path: Path) -> None:
    """One line for each run."""
    figure = Figure(figsize=(11.0, 8.0), layout="constrained")
    FigureCanvasAgg(figure)
    memory, open_, size = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": (2.2, 1.2, 1)})
    _lines(memory, runs, lambda one: one.rss_mib, "{}: resident")
    for run in runs:
        colour, _ = _STYLES[run.database]
        memory.plot(*_series(run, lambda one: one.anonymous_mib), color=colour, linewidth=1.0, alpha=0.5)
        memory.axhline(ALLOWED * median(one.rss_mib for one in run.month), color=colour, linewidth=0.8, linestyle=":")
    memory.axvline(MONTH.days, color=_GREY, linewidth=0.8)
    memory.text(MONTH.days + 4, 12, "first month", color=_GREY, fontsize=9)
    memory.set_ylabel("memory, MiB\n(thin: not of files; dotted: allowed)")
    memory.set_ylim(bottom=0)
    _lines(open_, runs, lambda one: one.descriptors, "{}: descriptors")
    for run in runs:
        colour, _ = _STYLES[run.database]
        open_.plot(*_series(run, lambda one: one.threads), color=colour, linewidth=1.0, alpha=0.5)
    open_.set_ylabel("descriptors,\nthreads (thin)")
    open_.set_ylim(bottom=0)
    _lines(size, runs, lambda one: one.database_mib, "{}: database")
    size.set_ylabel("database, MiB")
    size.set_ylim(bottom=0)
    size.set_xlabel("days that the simulated valley has played")
    days = max(run.samples[-1].day for run in runs)
    figure.suptitle(
        f"{days:.0f} simulated days through one daemon: " + ", ".join(map(_told, runs)),
        fontsize=13,
        color=_INK,
        x=0.01,
        ha="left",
    )
    memory.legend(frameon=False, loc="lower right", fontsize=10)
    figure.savefig(path, dpi=110, facecolor="white")


def _told(run: Soak) -> str:
    return f"{_NAMES[run.database]} {run.growth:.2f} times the first month"


def _lines(axes: Axes, runs: Sequence[Soak], value: Callable[[Sample], float], label: str) -> None:
    for run in runs:
        colour, line = _STYLES[run.database]
        axes.plot(*_series(run, value), color=colour, linestyle=line, label=label.format(_NAMES[run.database]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)


def _series(run: Soak, value: Callable[[Sample], float]) -> tuple[list[float], list[float]]:
    return [one.day for one in run.samples], [value(one) for one in run.samples]
