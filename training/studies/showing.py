"""What was made again beside what was published: a table for terminals, a page with curves and maps."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import cycle, groupby
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from training.event_inputs import BACKSCATTER
from training.metrics import paired_differences
from training.report.figures import COLOURS, STYLES, paper, pr_ground, pr_line, svg
from training.report.page import document, inline, section, warning
from training.report.pictures import true_colour
from training.report.tables import Table
from training.samples import LANDSLIDE, Samples
from training.scoring import Answers
from training.studies.outcomes import Outcome
from training.studies.records import Row, Study

_SHOWN: Final = (("P", "precision"), ("R", "recall"), ("F1", "f1"), ("AUC", "pr_auc"))
_BESIDE: Final = ("row", *(f"{name} publ." for name, _ in _SHOWN), *(f"{name} here" for name, _ in _SHOWN))
_MOST_CURVES: Final = 8
_APART: Final = (
    " The columns are of different ground and truth: compare rows with each other within a column, not the columns."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """A study with everything that was made of it."""

    study: Study
    outcomes: tuple[Outcome, ...]
    """Of its rows, in their order, on ground kept apart."""
    others: tuple[Outcome, ...] = ()
    """What else was made on the inputs of one row, on the same split."""
    others_are: str = "Other networks and trees"
    at_random: tuple[Outcome, ...] = ()
    """Rows on chips divided at random."""
    further: tuple[Table, ...] = ()
    """What a study shows beside these."""
    on_original: bool = False
    """On the data of the study."""
    used: str = ""
    """What the rows were made on, where a study says more of it."""

    @property
    def data(self) -> str:
        """What the rows were made on, in words."""
        if self.used:
            return self.used
        return f"the data of the study, {self.study.data}" if self.on_original else self.study.at_hand


def rows_table(made: Remade) -> Table:
    """The study's rows: its figures, and those made here."""
    outcomes, digits = {one.row: one for one in made.outcomes}, _digits(made.study)
    rows = [
        _beside_published(row, digits, _figures(outcomes[row.name].summary()))
        for row in made.study.rows
        if row.name in outcomes
    ]
    return Table(
        title="As published, and as made here",
        meaning=f"Published: {made.study.data}. Here: {made.data}; 95 % intervals.{'' if made.on_original else _APART}"
        f"{_by_chance(made.outcomes)}",
        head=_BESIDE,
        rows=tuple(rows),
    ).without_empty_columns()


def missing_table(made: Remade) -> Table:
    """Rows that were not made, and why; neighbours of one reason share a line unless the study prints their figures."""
    outcomes, digits = {one.row for one in made.outcomes}, _digits(made.study)
    missing = [row for row in made.study.rows if row.name not in outcomes]

    def why(row: Row) -> str:
        return row.lacks if row.here is None and not made.on_original else "not in the quick form"

    rows = []
    for (reason, _), group in groupby(missing, lambda row: (why(row), row.name if row.published else "")):
        first, *others = group
        printed = (_printed(first, key, digits) for _, key in _SHOWN)
        alike = f"{1 + len(others)} rows, {first.name} to {others[-1].name}" if others else ""
        rows.append((alike or f"{first.name}  {first.words}", *printed, reason))
    return Table(
        title="Not made here",
        meaning=f"{len(missing)} of the {len(made.study.rows)} rows of the study.",
        head=("row", *(f"{name} publ." for name, _ in _SHOWN), "why"),
        rows=tuple(rows),
        prose=("why",),
    ).without_empty_columns()


def real_ground_table(study: Study, outcome: Outcome, ground: str) -> Table:
    """One row of a study that is simulated otherwise, made on real ground.

    Args:
        study: the row is of.
        outcome: of the row there.
        ground: in words.
    """
    row = study.row(outcome.row)
    return Table(
        title=f"Row {row.name} on real ground",
        meaning=f"Published: {study.data}. Here: {ground}; 95 % intervals.{_APART}{_by_chance([outcome])}",
        head=_BESIDE,
        rows=(_beside_published(row, _digits(study), _figures(outcome.summary())),),
    ).without_empty_columns()


def sites_table(made: Remade) -> Table:
    """Events never seen, and ground beside what was trained on."""
    rows = []
    for one in made.outcomes:
        if one.dependent is not None:
            beside = one.dependent.summary(one.threshold)
            rows.append((f"{one.row}  {one.words}", *_figures(one.summary()), *_figures(beside)))
    names = [name for name, _ in _SHOWN]
    return Table(
        title="Independent and dependent sites",
        meaning="Independent: events that were never trained on. Dependent: ground of trained events, held out with a "
        "guard around it.",
        head=("row", *(f"{name} indep." for name in names), *(f"{name} dep." for name in names)),
        rows=tuple(rows),
    )


def gains_table(made: Remade) -> Table:
    """What further inputs add: as published, and here on the same chips."""
    rows = []
    for first, second in _both_made(made):
        published = (made.study.row(one.row).published for one in (first, second))
        before, after = (one.get("pr_auc") for one in published)
        told = "" if before is None or after is None else f"{after - before:+.2f}"
        here = (_more(first, second, key) for key in ("pr_auc", "f1"))
        rows.append((f"{first.words} → {second.words}", told, *here))
    return Table(
        title="What further inputs add",
        meaning="Here: paired on the same chips, 95 % intervals by the resampled ground. An interval that holds 0 says "
        "nothing.",
        head=("from → to", "AUC more publ.", "AUC more here", "F1 more here"),
        rows=tuple(rows),
    )


def others_table(made: Remade) -> Table:
    """Other networks and trees on the same inputs, and how they differ from the study's network."""
    (of,) = {one.row for one in made.others}
    first = next(one for one in made.outcomes if one.row == of)
    rows = [(first.words, *_figures(first.summary()), _size(first), "")]
    for one in made.others:
        rows.append((one.words, *_figures(one.summary()), _size(one), _more(first, one, "pr_auc")))
    return Table(
        title=f"{made.others_are} on the inputs of row {of}",
        meaning="The same chips, the same split, the same rule for the threshold. The last column is the difference of "
        "AUC from the first line, paired on the resampled ground.",
        head=("what", *(name for name, _ in _SHOWN), "weights", "AUC more"),
        rows=tuple(rows),
    )


def split_table(made: Remade) -> Table:
    """The same rows on ground kept apart and at random."""
    apart = {one.row: one for one in made.outcomes}
    rows = []
    for one in made.at_random:
        ours, leaky = apart[one.row].summary(), one.summary()
        rows.append(
            (
                f"{one.row}  {one.words}",
                *(_with_interval(found, key) for key in ("f1", "pr_auc") for found in (ours, leaky)),
                f"{leaky['pr_auc'] - ours['pr_auc']:+.3f}",
            )
        )
    return Table(
        title="What a random split would have said",
        meaning="Divided at random, looks at one slope lie on both sides, and the network is asked about what it has "
        "seen. The difference is what a random split flatters, with the difference of the chips that are scored.",
        head=("row", "F1 apart", "F1 at random", "AUC apart", "AUC at random", "AUC more"),
        rows=tuple(rows),
    )


def tables_of(made: Remade) -> list[Table]:
    """All tables there is something for."""
    found = [rows_table(made)]
    if any(one.dependent for one in made.outcomes):
        found.append(sites_table(made))
    if _both_made(made):
        found.append(gains_table(made))
    if made.at_random:
        found.append(split_table(made))
    if made.others:
        found.append(others_table(made))
    missing = [missing_table(made)] if len(made.outcomes) < len(made.study.rows) else []
    return [*found, *made.further, *missing]


def page(made: Remade, pictures: Mapping[str, bytes], created: datetime, remarks: Sequence[str] = ()) -> str:
    """One self-contained HTML page.

    Args:
        made: a study made again.
        pictures: PNG by what they show.
        created: aware UTC.
        remarks: sentences that nobody should overlook.
    """
    study = made.study
    body = [
        f"<h1>{escape(study.letter)}. {escape(study.title)}</h1>",
        f'<p class="quiet">Made again on {created:%Y-%m-%d %H:%M} UTC. Here: {escape(made.data)}.</p>',
        *map(warning, remarks),
    ]
    for place, table in enumerate(tables_of(made)):
        body.append(section(table))
        if place == 0:
            body.append(_curves(made.outcomes))
    if not made.on_original:
        body.append(_lacks(study))
    for words, png in pictures.items():
        body.append(f"<h2>{escape(words)}</h2><div>{inline(png, words)}</div>")
    return document(f"Study {study.letter} made again", "\n".join(body))


def change_maps(chips: Samples, said: Answers) -> bytes:
    """PNG of one place: image, probability and spread before and after, and the difference of the probability.

    Args:
        chips: two of the same ground: without the scar, and with it.
        said: what a network answered to them.
    """
    figure = Figure(figsize=(12.4, 5.6), layout="constrained")
    axes = figure.subplots(2, 4)
    probability, spread = said.probability, said.spread
    scar = chips.labels[1] == LANDSLIDE
    for index, (row, when) in enumerate(zip(axes, ("before", "after"), strict=True)):
        row[0].imshow(_picture(chips, index))
        row[0].set_title(f"{when}: image", fontsize=9)
        shown = row[1].imshow(probability[index], cmap="magma", vmin=0, vmax=1)
        row[1].set_title(f"{when}: probability", fontsize=9)
        figure.colorbar(shown, ax=row[1], shrink=0.8)
        shown = row[2].imshow(spread[index], cmap="cividis", vmin=0, vmax=0.25)
        row[2].set_title(f"{when}: spread over flips", fontsize=9)
        figure.colorbar(shown, ax=row[2], shrink=0.8)
    axes[0, 3].imshow(_picture(chips, 1))
    axes[0, 3].contour(scar, levels=[0.5], colors="#4df3ff", linewidths=0.9)
    axes[0, 3].set_title("the scar (cyan)", fontsize=9)
    change = probability[1] - probability[0]
    shown = axes[1, 3].imshow(change, cmap="RdBu_r", vmin=-1, vmax=1)
    if scar.any():
        axes[1, 3].contour(scar, levels=[0.5], colors="#222222", linewidths=0.7)
    axes[1, 3].set_title("after minus before", fontsize=9)
    figure.colorbar(shown, ax=axes[1, 3], shrink=0.8)
    for one in axes.flat:
        one.set_axis_off()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def _both_made(made: Remade) -> list[tuple[Outcome, Outcome]]:
    outcomes = {one.row: one for one in made.outcomes}
    pairs = [(outcomes[one], outcomes[other]) for one, other in made.study.added if {one, other} <= outcomes.keys()]
    return [(one, other) for one, other in pairs if np.array_equal(one.scored.ids, other.scored.ids)]


def _more(first: Outcome, second: Outcome, key: str) -> str:
    """How much higher the second's figure is, with the interval of the difference where there are several blocks."""
    difference = paired_differences(
        first.scored.blocks, (first.scored.histograms, second.scored.histograms), (first.threshold, second.threshold)
    )[key]
    low, high = difference.interval
    several = first.scored.blocks.max(initial=0) > 0
    return f"{difference.value:+.3f}" + (f" ({low:+.3f} to {high:+.3f})" if several else "")


def _picture(chips: Samples, index: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    pixels = chips.pixels[index].astype(np.float32)
    if chips.bands[0] in BACKSCATTER:  # linear power: only its logarithm is a picture
        pixels = 10 * np.log10(np.maximum(pixels, 1e-4))
    return true_colour(pixels, chips.bands)


def _curves(outcomes: Sequence[Outcome]) -> str:
    figure, axes = paper(7.2, 5.6)
    for one, colour, style in zip(outcomes[:_MOST_CURVES], cycle(COLOURS), cycle(STYLES), strict=False):
        pr_line(axes, one.scored, one.threshold, f"{one.row}  {one.words}", colour, style)
    pr_ground(axes)
    # Beside the names of the lines of equal F1.
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.12, 0.5))
    few = f" Only the first {_MOST_CURVES} rows are drawn." if len(outcomes) > _MOST_CURVES else ""
    return f"<div>{svg(figure)}<p class='quiet'>Dots: the threshold, set without the scored chips.{few}</p></div>"


def _lacks(study: Study) -> str:
    told = dict.fromkeys(row.lacks for row in study.rows if row.here is not None and row.lacks)
    listed = "".join(f"<li>{escape(words)}</li>" for words in told)
    return f"<h2>What is other here than in the study</h2><ul>{listed}</ul>" if listed else ""


def _beside_published(row: Row, digits: int, found: tuple[str, ...]) -> tuple[str, ...]:
    """A line of _BESIDE."""
    return (f"{row.name}  {row.words}", *(_printed(row, key, digits) for _, key in _SHOWN), *found)


def _figures(summary: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_with_interval(summary, key) for _, key in _SHOWN)


def _with_interval(summary: Mapping[str, Any], key: str) -> str:
    low, high = summary["intervals"].get(key, (None, None))
    return f"{summary[key]:.2f}" if low is None else f"{summary[key]:.2f} ({low:.2f}–{high:.2f})"


def _printed(row: Row, key: str, digits: int) -> str:
    value = row.published.get(key)  # type: ignore[call-overload]
    return "" if value is None else f"{value:.{digits}f}"


def _digits(study: Study) -> int:
    """As many as the study prints."""
    values = [value for row in study.rows for value in row.published.values()]
    return next((digits for digits in (2, 3) if all(round(value, digits) == value for value in values)), 4)


def _by_chance(outcomes: Sequence[Outcome]) -> str:
    """What an answer without knowledge would have, as the share of landslide is another on every set."""
    if not outcomes:
        return ""
    stable, landslide = (int(one) for one in outcomes[0].scored.counts.sum(axis=1))
    return f" By chance AUC would be {landslide / max(1, stable + landslide):.2g} here (row {outcomes[0].row})."


def _size(one: Outcome) -> str:
    return f"{one.parameters / 1e6:.1f} M" if one.parameters else "–"
