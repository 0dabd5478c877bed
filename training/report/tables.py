"""Tables of judgements, as Markdown for terminals and as HTML for reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from training.judging import Judgement
from training.metrics import FIGURES, Interval, blocks_of, paired_differences
from training.quiet_land import QuietRow, quiet_rows

_NAMES = {
    "f1": "F1",
    "iou": "IoU",
    "pr_auc": "PR-AUC",
    "precision": "precision",
    "recall": "recall",
    "f1_best": "best F1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells of text under a head, with a sentence on what they mean."""

    title: str
    meaning: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: tuple[str, ...] = ()
    """Columns of sentences, by their head: in HTML they wrap."""

    def without_empty_columns(self) -> Table:
        """Only the columns in which a row has something; all where there is no row."""
        if not self.rows:
            return self
        kept = [index for index in range(len(self.head)) if any(row[index] for row in self.rows)]
        return replace(
            self,
            head=tuple(self.head[index] for index in kept),
            rows=tuple(tuple(row[index] for index in kept) for row in self.rows),
        )

    def markdown(self) -> str:
        """The table with its title and meaning; columns aligned."""
        widths = [max(len(row[i]) for row in (self.head, *self.rows)) for i in range(len(self.head))]
        rule = tuple("-" * width for width in widths)
        lines = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
            for row in (self.head, rule, *self.rows)
        ]
        return "\n".join([f"## {self.title}", self.meaning, "", *lines])

    def html(self) -> str:
        """The table alone, escaped."""
        head = "".join(f"<th{self._class(name)}>{escape(name)}</th>" for name in self.head)
        rows = "".join(
            f"<tr>{''.join(self._cell(name, cell) for name, cell in zip(self.head, row, strict=True))}</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def _class(self, name: str) -> str:
        return ' class="prose"' if name in self.prose else ""

    def _cell(self, name: str, text: str) -> str:
        """A figure above what stands in brackets after it: side by side, eight of them fit on no screen."""
        value, bracket, rest = (text, "", "") if name in self.prose else text.partition(" (")
        below = f"<small>{escape(rest.removesuffix(')'))}</small>" if bracket else ""
        return f"<td{self._class(name)}>{escape(value)}{below}</td>"


def pixel_table(judged: Sequence[Judgement]) -> Table:
    """Pixel scores of everything on the scored chips."""
    return Table(
        title="Pixels",
        meaning=(
            "Scored pixel by pixel on chips that nothing was fitted on, with 95 % intervals by resampling blocks "
            "of 30 neighbouring ids. The threshold is the card's; that of a baseline is the best on the threshold "
            "chips. PR-AUC (average precision) and best F1 do not depend on it; best F1 is chosen on the scored chips "
            "themselves and so flatters."
        ),
        head=("model", "parameters", "threshold", *_NAMES.values()),
        rows=tuple(_pixel_row(one) for one in judged),
    )


def difference_table(judged: Sequence[Judgement]) -> Table:
    """Every judgement against the first, on the same resampled blocks."""
    first = judged[0]
    units = blocks_of(first.scored.ids)
    rows = []
    for other in judged[1:]:
        apart = paired_differences(
            units, (first.scored.histograms, other.scored.histograms), (first.threshold, other.threshold)
        )
        rows.append((_named(other), *(with_interval(apart[k].value, apart[k].interval, signed=True) for k in FIGURES)))
    return Table(
        title=f"Difference to {first.name}",
        meaning="Paired: both are scored on the same resampled blocks. An interval without zero is a difference.",
        head=("model", *(_NAMES[key] for key in FIGURES)),
        rows=tuple(rows),
    )


def calibration_table(judged: Sequence[Judgement]) -> Table:
    """Temperature, thresholds and calibration errors."""
    return Table(
        title="Calibration",
        meaning=(
            "Temperature and thresholds are fitted on the threshold chips, the errors are measured on the scored ones. "
            "Expected calibration error: how far what is said lies from how often it is so, on average over all "
            "pixels, and over those with at least 1 % (most ground is obviously none and hides the rest). "
            "The score of brightness is not meant as a probability."
        ),
        head=(
            "model",
            "temperature",
            "threshold, best F1",
            "threshold, balanced",
            "error",
            "after temperature",
            "error ≥ 1 %",
            "after temperature ≥ 1 %",
        ),
        rows=tuple(
            (
                _named(one),
                f"{one.calibration.temperature:.2f}",
                f"{one.calibration.best_f1:.3f}",
                f"{one.calibration.balanced:.3f}",
                *(f"{part.error(lit):.4f}" for lit in (False, True) for part in (one.raw, one.cooled)),
            )
            for one in judged
        ),
    )


def scar_table(judged: Sequence[Judgement]) -> Table:
    """Scars found by size."""
    sizes = [f"{size_label(one.low_ha, one.high_ha)} ({one.scars})" for one in judged[0].scars.classes]
    rows = []
    for one in judged:
        cells = [with_interval(size.share, size.interval, percent=True) for size in one.scars.classes]
        rows.append((_named(one), *cells, f"{one.scars.false_per_km2:.2f}"))
    return Table(
        title="Scars",
        meaning=(
            "Connected pieces of the label, in brackets how many; found when at least half of the pixels reach the "
            "threshold. A scar cut by the edge of its chip counts with the part inside. The last column counts pieces "
            "at or above the threshold that touch no labelled scar: some of them are scars that the label lacks."
        ),
        head=("model", *sizes, "false pieces per km²"),
        rows=tuple(rows),
    )


def region_table(judged: Judgement) -> Table:
    """Pixel scores by region or event."""
    found = judged.scored.by_group(judged.threshold)
    rows = []
    for name, summary in found.items():
        cells = [with_interval(summary[key], summary["intervals"].get(key)) for key in FIGURES]
        rows.append((name, str(summary["patches"]), *cells))
    return Table(
        title="Regions",
        meaning=(
            "The same scores by what is known of where a chip lies; intervals by block, none below five blocks. "
            "PR-AUC depends on the share of landslide and is not comparable between regions."
        ),
        head=("region", "chips", *(_NAMES[key] for key in FIGURES)),
        rows=tuple(rows),
    )


def quiet_table(judged: Sequence[Judgement]) -> Table:
    """False hectares by source of quiet land."""
    every = [quiet_rows(one.quiet, one.threshold) for one in judged]
    sources = [f"{row.source} ({row.seen_km2:.0f} km²)" for row in every[0]]
    return Table(
        title="Quiet land",
        meaning=(
            "Hectares called landslide per 1,000 km² of real land without one, at the threshold, with 95 % intervals "
            "by resampling chips or tiles; km² are added up over dates. In the Hokkaido scenes, which are seen as the "
            "service sees them, land under cloud, snow or water is not land seen; chips count with the cloud and "
            "water that they show. Trained on: the card names this source. Similar ground in training: no model was "
            "trained on the scenes, but this one was not kept from patches that look like their hills, so that they "
            "are not quite unseen ground to it."
        ),
        head=("model", *sources),
        rows=tuple(
            (_named(one), *(quiet_cell(row, one.quiet_note(row.source)) for row in rows))
            for one, rows in zip(judged, every, strict=True)
        ),
    )


def quiet_cell(row: QuietRow, note: str = "") -> str:
    """Rate with its interval and a note in brackets, hectares without decimals where they say nothing."""
    interval = f"{row.interval[0]:,.0f}–{row.interval[1]:,.0f}" if row.interval else ""
    return _bracketed(f"{row.per_1000_km2:,.0f}", "; ".join(filter(None, (interval, note))))


def size_label(low_ha: float, high_ha: float) -> str:
    """Such as 0.1–0.2 ha."""
    if math.isinf(high_ha):
        return f"≥ {low_ha:g} ha"
    return f"< {high_ha:g} ha" if low_ha == 0 else f"{low_ha:g}–{high_ha:g} ha"


def with_interval(value: float, interval: Interval | None, *, percent: bool = False, signed: bool = False) -> str:
    """Such as 0.521 (0.465–0.564), or 52 % (47–56); a dash for what is unknown."""
    if math.isnan(value):
        return "–"
    known = interval if interval and not math.isnan(interval[0]) else None
    if percent:
        return f"{value:.0%}" + (f" ({100 * known[0]:.0f}–{100 * known[1]:.0f})" if known else "")
    sign = "+" if signed else ""
    between = " to " if signed else "–"
    shown = f"{value:{sign}.3f}"
    return f"{shown} ({known[0]:{sign}.3f}{between}{known[1]:{sign}.3f})" if known else shown


def _named(one: Judgement) -> str:
    """The name, with a warning in brackets when it may have seen what is scored."""
    return _bracketed(one.name, one.split_note)


def _bracketed(text: str, more: str) -> str:
    return f"{text} ({more})" if more else text


def _pixel_row(one: Judgement) -> tuple[str, ...]:
    summary = one.scored.summary(one.threshold)
    count = one.contender.parameters
    cells = [with_interval(summary[key], summary["intervals"].get(key)) for key in _NAMES]
    return _named(one), f"{count:,}" if count else "–", f"{one.threshold:.3f}", *cells
