"""Models and baselines side by side on the same chips: text, JSON, HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from training.judging import Judgement, Material
from training.metrics import blocks_of, paired_differences
from training.quiet_land import quiet_rows
from training.report import figures, tables
from training.report.page import document, leakage_section, section, split_warnings, warning
from training.scars import SizeClass


def comparison_tables(judged: Sequence[Judgement]) -> tuple[tables.Table, ...]:
    """Everything that is compared; the first judgement is the one that others are measured against."""
    made = [tables.pixel_table(judged)]
    if len(judged) > 1:
        made.append(tables.difference_table(judged))
    made += [tables.calibration_table(judged), tables.scar_table(judged)]
    if judged[0].quiet:
        made.append(tables.quiet_table(judged))
    return tuple(made)


def as_text(judged: Sequence[Judgement], material: Material) -> str:
    """Markdown."""
    head = f"# {material.name}: {len(material.scored)} chips scored\n{material.leakage}"
    return "\n\n".join([head, *split_warnings(judged), *(table.markdown() for table in comparison_tables(judged))])


def as_html(judged: Sequence[Judgement], material: Material) -> str:
    """One self-contained page."""
    names = ", ".join(one.name for one in judged)
    head = f"<h1>{escape(names)}</h1><p>{escape(material.name)}: {len(material.scored)} chips scored.</p>"
    curves = f"<h2>Precision and recall</h2>{figures.pr_figure(judged)}"
    leakage = leakage_section(material)
    warnings = "".join(map(warning, split_warnings(judged)))
    return document(names, "\n".join([head, warnings, *map(section, comparison_tables(judged)), curves, leakage]))


def as_rows(judged: Sequence[Judgement]) -> list[dict[str, Any]]:
    """One JSON object per contender."""
    return [_row(one, judged[0]) for one in judged]


def _row(one: Judgement, first: Judgement) -> dict[str, Any]:
    apart = paired_differences(
        blocks_of(one.scored.ids),
        (first.scored.histograms, one.scored.histograms),
        (first.threshold, one.threshold),
    )
    return {
        "model": one.name,
        "version": one.contender.card.version,
        "parameters": one.contender.parameters,
        "split_note": one.split_note,
        **one.scored.summary(one.threshold),
        "difference_to": first.name,
        "differences": {key: asdict(difference) for key, difference in apart.items()},
        "calibration": asdict(one.calibration),
        "calibration_error": {
            "raw": one.raw.error(),
            "cooled": one.cooled.error(),
            "raw_lit": one.raw.error(lit=True),
            "cooled_lit": one.cooled.error(lit=True),
        },
        "scars": [_scar_row(size) for size in one.scars.classes],
        "false_pieces_per_km2": one.scars.false_per_km2,
        "quiet": [
            {**asdict(row), "false_ha_per_1000_km2": row.per_1000_km2, "note": one.quiet_note(row.source)}
            for row in quiet_rows(one.quiet, one.threshold)
        ],
    }


def _scar_row(size: SizeClass) -> dict[str, Any]:
    """JSON knows neither infinity nor NaN."""
    return {
        "low_ha": size.low_ha,
        "high_ha": size.high_ha if math.isfinite(size.high_ha) else None,
        "scars": size.scars,
        "found": size.found,
        "interval": None if math.isnan(size.interval[0]) else size.interval,
    }
