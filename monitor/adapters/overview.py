"""The overview: a whole region after an acquisition, with every alert numbered, worst first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from monitor.adapters.chips import RgbPatch
from monitor.adapters.drawing import (
    QUIET,
    RULE,
    Sheet,
    draw_rings,
    hectares,
    north_arrow,
    place,
    rings,
    scale_bar,
)
from monitor.adapters.panels import HIDDEN, Rgb, composite, hidden_title, outline_swatch, shade_unseen, swatch
from monitor.core.ranking import rank
from monitor.core.shares import percent
from monitor.records import Event, PixelState

_WIDTH = 1600
_LEFT, _TOP, _LIST = 24, 108, 400
_MAP_WIDTH = _WIDTH - 3 * _LEFT - _LIST
_TALLEST, _LOWEST = 1500, 620
_ROW = 46
_APART_PX = 24.0
"""Numbers closer than this would cover each other; the weaker one is left to the list."""


def overview_picture(
    events: Sequence[Event],
    after: RgbPatch,
    geobox: GeoBox,
    *,
    title: str,
    earlier_state: NDArray[np.uint8] | None = None,
    mask_source: str = "scl",
) -> bytes:
    """A region with all its alerts, PNG, 1600 px wide.

    Args:
        events: in any order; numbered worst first (`core.ranking`). Outlines in EPSG:4326.
        after: the region after the acquisition, on `geobox`.
        title: for example "Atsuma, 22 Oct 2018".
        earlier_state: (H, W) PixelState of the reference; ground hidden there could not be compared
            and is striped too. None when it was all seen.
        mask_source: where clouds are known from (`Bands.mask_source`).
    """
    height_px = int(np.clip(_MAP_WIDTH * geobox.shape[0] / geobox.shape[1], _LOWEST, _TALLEST))
    width_px = min(_MAP_WIDTH, round(height_px * geobox.shape[1] / geobox.shape[0]))
    page = Sheet(_WIDTH, _TOP + height_px + 56)
    ranked = sorted(events, key=lambda event: (rank(event), event.id))
    state = after.state if earlier_state is None else np.maximum(after.state, earlier_state)
    compared = float(np.isin(state, (PixelState.VALID, PixelState.WATER)).mean())
    _header(page, ranked, title, compared)
    image = composite(after, (height_px, width_px))
    if earlier_state is not None:
        shade_unseen(image, np.where(after.state == PixelState.VALID, earlier_state, PixelState.VALID).astype(np.uint8))
    _map(page, ranked, image, geobox)
    _list(page, ranked, height_px)
    _legend(page, state, mask_source, _TOP + height_px + 18)
    return page.png()


def _header(page: Sheet, ranked: Sequence[Event], title: str, compared: float) -> None:
    page.fill(0, 0, _WIDTH, 88, "#f1f3f5")
    page.text(_LEFT, 42, title, 30, bold=True)
    total = sum(event.area_ha for event in ranked)
    alerts = f"{len(ranked)} alert{'' if len(ranked) == 1 else 's'}"
    line = f"{alerts}, {hectares(total)} of changed ground   |   {percent(compared)}% of this view compared"
    page.text(_LEFT, 73, line + ("" if compared >= 1 else ", the rest is striped: no alert there means nothing"), 18)


def _map(page: Sheet, ranked: Sequence[Event], image: Rgb, geobox: GeoBox) -> None:
    height_px, width_px = image.shape[:2]
    outlines = [rings(event.geometry, geobox) for event in ranked]
    draw_rings([image], [ring for lines in outlines for ring in lines], 1.3)
    scale_bar(image, geobox)
    north_arrow(image)
    page.paste(_LEFT, _TOP, image)
    placed: list[NDArray[np.float64]] = []
    for number, lines in enumerate(outlines, start=1):
        largest = max(lines, key=lambda ring: float(np.ptp(ring, axis=0).prod()))
        corner = np.array([largest[:, 0].max() * width_px + 9, largest[:, 1].min() * height_px - 7])
        corner = np.clip(corner, 14, [width_px - 14, height_px - 14])
        if all(np.hypot(*(corner - other)) > _APART_PX for other in placed):
            placed.append(corner)
            page.haloed(_LEFT + corner[0], _TOP + corner[1], str(number), 16)


def _list(page: Sheet, ranked: Sequence[Event], height_px: int) -> None:
    """As many rows as fit; the rest is counted."""
    left, base = _WIDTH - _LEFT - _LIST, _TOP + 16.0
    page.text(left, base, "WORST FIRST", 17, bold=True)
    rows = min(len(ranked), max(1, (height_px - 60) // _ROW))
    for number, event in enumerate(ranked[:rows], start=1):
        base += _ROW
        where = event.geometry.representative_point()
        page.fill(left, base - 27, _LIST, 1, RULE)
        page.text(left, base, str(number), 17, bold=True)
        page.text(
            left + 44, base - 7, f"{hectares(event.area_ha)}   {event.state.value}, {event.confidence} confidence", 15
        )
        page.text(left + 44, base + 11, f"{place(where.y, where.x)}   change {event.mean_change:+.2f}", 13, color=QUIET)
    if rows < len(ranked):
        rest = hectares(sum(event.area_ha for event in ranked[rows:]))
        page.text(left, base + 40, f"and {len(ranked) - rows} more, {rest}", 15, color=QUIET)


def _legend(page: Sheet, state: NDArray[np.uint8], mask_source: str, top: float) -> None:
    page.paste(_LEFT, top, outline_swatch())
    left = _LEFT + 50.0
    left += page.text(left, top + 14, "Changed ground", 16) + 30
    for hidden in HIDDEN:
        if np.isin(state, hidden.states).any():
            page.paste(left, top, swatch(hidden))
            left += 50
            left += page.text(left, top + 14, hidden_title(hidden, mask_source), 16) + 30
