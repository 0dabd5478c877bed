"""The page itself: everything inline, no script, nothing fetched."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final

from monitor.adapters.model_store import CARD
from training.judging import Judgement, Material
from training.quiet_land import quiet_rows
from training.report import figures, pictures, tables

_STYLE: Final = """
:root{color-scheme:light}
body{font:16px/1.55 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;color:#16202a;background:#fff;
margin:0 auto;padding:2.5rem 1.5rem 5rem;max-width:72rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.25rem;margin:3rem 0 .4rem;padding-top:1rem;border-top:1px solid #d5dadf}
h3{font-size:1rem;margin:1.6rem 0 .3rem}
p{max-width:46rem;margin:.3rem 0 .9rem}.quiet{color:#5c6873}
.warn{border-left:4px solid #D55E00;padding:.4rem .9rem;background:#fdf3ec}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.4rem;margin:1rem 0}dt{color:#5c6873}dd{margin:0}
.tiles{display:flex;flex-wrap:wrap;gap:1rem;margin:1.2rem 0}
.tile{border:1px solid #d5dadf;border-radius:6px;padding:.7rem 1rem;min-width:8.5rem}
.tile b{display:block;font-size:1.6rem;line-height:1.25}.tile span{color:#5c6873;font-size:.85rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.34rem .7rem;white-space:nowrap;border-bottom:1px solid #e7eaed}
th{font-weight:600;border-bottom:2px solid #9aa4ad;white-space:normal;vertical-align:bottom}
th:first-child,td:first-child{text-align:left}td small{display:block;color:#5c6873}
td:first-child small{white-space:normal}
th.prose,td.prose{text-align:left;white-space:normal;min-width:16rem}
svg,img{max-width:100%;height:auto;margin-top:.9rem}
pre{background:#f5f7f8;padding:.8rem 1rem;overflow-x:auto;font-size:.85rem}
"""

_CURVE: Final = (
    "Every threshold from 1 to 0: how much of what is called landslide is one (precision), and how much landslide is "
    "called so (recall). The dot is the threshold in use; thin lines join points of equal F1."
)
_RELIABILITY: Final = (
    "Where the line lies below the diagonal, the network is surer than it should be. Points hold equally many pixels, "
    "of those that were given at least 1 %."
)
_QUIET: Final = "What another threshold would cost on each source of quiet land."
_LEAKAGE: Final = (
    "What the training side of this split shares with what is scored. It speaks of a model only when that model was "
    "trained on this split: one whose card says otherwise is marked, an old card says nothing."
)
_CHIPS: Final = (
    "Scored chips by F1. Cyan lines: the label (second picture), and the probability at the threshold (third). The "
    "spread is sensitivity to flips, not uncertainty: where it is bright, turning the picture changes the answer. "
    "Probability from 0 (black) to 1 (pale yellow), spread from 0 (blue) to 0.25 (yellow)."
)
_ALARMS: Final = (
    "The quiet ground with most false hectares, at most two pictures of a source; cyan is what was called landslide, "
    "grey was not seen."
)


def report_page(judged: Judgement, rivals: Sequence[Judgement], material: Material, created: datetime) -> str:
    """One self-contained HTML page.

    Args:
        judged: what the report is about.
        rivals: shown beside it, in the same curves and tables.
        created: aware UTC.
    """
    every = [judged, *rivals]
    sections = [
        _head(judged, material, created),
        *map(warning, split_warnings(every)),
        _headline(judged),
        _section(tables.pixel_table(every), figures.pr_figure(every), _CURVE),
        _section(tables.difference_table(every)) if rivals else "",
        _section(tables.region_table(judged)),
        _section(tables.scar_table(every), figures.scar_figure(every)),
        _section(tables.calibration_table(every), figures.reliability_figure(judged), _RELIABILITY),
        _quiet(every) if judged.quiet else "",
        leakage_section(material),
        _chips(judged, material),
        _alarms(judged),
    ]
    return document(f"{judged.name}: how good is it?", "\n".join(sections))


def document(title: str, body: str) -> str:
    """A complete HTML document with the style inside."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n'


def section(table: tables.Table) -> str:
    """A table under its title, with its sentence."""
    return _section(table)


def split_warnings(judged: Sequence[Judgement]) -> list[str]:
    """One sentence for every model that was trained on another split than the one it is scored on."""
    return [f"{one.name}: {one.split_note}." for one in judged if one.split_note]


def warning(text: str) -> str:
    """A paragraph that nobody overlooks."""
    return f'<p class="warn">{escape(text)}</p>'


def leakage_section(material: Material) -> str:
    """What the sides of the split share."""
    return f"<h2>Leakage</h2><p>{_LEAKAGE}</p><pre>{escape(material.leakage)}</pre>"


def _head(judged: Judgement, material: Material, created: datetime) -> str:
    card, properties = judged.contender.card, _properties(judged)
    facts = {
        "task": f"{card.task}, {card.sensor} at {card.resolution_m:g} m",
        "bands": ", ".join(card.bands),
        "network": _network(properties),
        "trained on": judged.contender.trained_on.described or "–",
        "scored on": f"{material.name}: {len(material.scored)} chips; threshold and temperature from "
        f"{len(material.threshold)} others",
        "split here": material.split,
        "how": f"{'the exported weights' if card.weights else 'trained here, asked'} through the service's inference, "
        f"flips: {', '.join(card.flips)}; normalisation {card.normalisation}",
        "version": card.version,
        "report of": f"{created:%Y-%m-%d %H:%M} UTC",
    }
    simulated = (
        warning("Trained on simulated data: it may open alerts of status Test only.")
        if card.simulated
        else '<p class="quiet">No simulated data in training.</p>'
    )
    listed = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())
    title = str(properties.get("title", card.name))
    return f"<h1>{escape(card.name)}</h1><p>{escape(title)}</p><dl>{listed}</dl>{simulated}"


def _properties(judged: Judgement) -> Mapping[str, object]:
    """The card's own words; none for a baseline."""
    weights = judged.contender.card.weights
    if not weights:
        return {}
    found: Mapping[str, object] = json.loads((Path(weights).parent / CARD).read_text(encoding="utf-8"))["properties"]
    return found


def _network(properties: Mapping[str, object]) -> str:
    count = properties.get("mlm:total_parameters")
    size = f", {count:,} parameters" if isinstance(count, int) else ""
    return f"{properties.get('mlm:architecture', '–')}{size}"


def _headline(judged: Judgement) -> str:
    summary = judged.scored.summary(judged.threshold)
    shown = {"F1": "f1", "IoU": "iou", "PR-AUC": "pr_auc", "precision": "precision", "recall": "recall"}
    tiles = []
    for name, key in shown.items():
        low, high = summary["intervals"].get(key, (None, None))
        tiles.append((f"{summary[key]:.3f}", name if low is None else f"{name}, {low:.3f}–{high:.3f}"))
    tiles.append((f"{judged.cooled.error(lit=True):.3f}", "calibration error where ≥ 1 %"))
    for row in quiet_rows(judged.quiet, judged.threshold):
        words = ["false ha per 1,000 km²", row.source, judged.quiet_note(row.source)]
        tiles.append((f"{row.per_1000_km2:,.0f}", ", ".join(filter(None, words))))
    boxes = "".join(f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>' for value, name in tiles)
    return f'<div class="tiles">{boxes}</div>'


def _section(table: tables.Table, svg: str = "", meaning: str = "") -> str:
    figure = f"{svg}<p class='quiet'>{escape(meaning)}</p>" if svg else ""
    return (
        f"<h2>{escape(table.title)}</h2><p>{escape(table.meaning)}</p>"
        f"<div class='wide'>{table.html()}</div><div>{figure}</div>"
    )


def _quiet(every: Sequence[Judgement]) -> str:
    return _section(tables.quiet_table(every), figures.quiet_figure(every[0]), _QUIET)


def _chips(judged: Judgement, material: Material) -> str:
    parts = [f"<h2>Pictures</h2><p>{_CHIPS}</p>"]
    for name, indices in pictures.exemplary(judged).items():
        if len(indices):
            alt = f"{name} chips: image, label, probability and spread"
            parts.append(
                f"<h3>{name.capitalize()}</h3>{inline(pictures.chip_rows(judged, material.scored, indices), alt)}"
            )
    return "\n".join(parts)


def _alarms(judged: Judgement) -> str:
    worst = pictures.worst_alarms(judged.quiet, judged.threshold)
    if not worst:
        return ""
    picture = inline(pictures.alarm_rows(worst, judged.threshold), "quiet ground and what was called landslide on it")
    return f"<h3>Worst false alarms on quiet land</h3><p>{_ALARMS}</p>{picture}"


def inline(png: bytes, alt: str) -> str:
    """A picture inside the page."""
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
