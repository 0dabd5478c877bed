"""The picture of an alert: what a duty officer needs to see, on one page.

Before, after, model output and change over the same ground, the outline on each; beside them where,
how large, when, how sure and why. What was not observed is striped and named. The panels show the looks
that opened the alert; state, looks, hectares and outline are those of the event as it is now.
"""

import math
import textwrap
from datetime import datetime

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import ImageDraw
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.chips import FALSE_SPAN_DB, Chips, RgbPatch
from monitor.adapters.drawing import (
    INK,
    QUIET,
    RULE,
    Sheet,
    draw_rings,
    hectares,
    north_arrow,
    place,
    ring_width,
    rings,
    scale_bar,
)
from monitor.adapters.panels import (
    AS_IT_IS,
    HIDDEN,
    UNKNOWN,
    composite,
    field,
    hidden_title,
    outline_swatch,
    swatch,
    worse_state,
)
from monitor.core.grid import project
from monitor.core.shares import percent
from monitor.records import AlertStatus, Detector, Event, EventState, PixelState, Sensor, Verdict

WIDTH, HEIGHT = 1600, 1200
_PANEL = 486
_LEFT, _GAP = 24, 18
_ROWS = (134, 660)
"""Upper edges of the two rows of panels, pixels from the top."""
_SIDE = _LEFT + 2 * _PANEL + _GAP + 34
_SIDE_WIDTH = WIDTH - _LEFT - _SIDE
_LINE = 23.0
_BAR = 190

_LOOKS = 5
"""The first look and the last ones; those between are counted."""
_LONGEST_TEXT = 8
"""Lines of one fact."""
_LEAST_PLACE = 60
"""Pixels; a smaller map of the region shows nothing."""
_WIDE_TITLE = 20
"""Letters; longer ones take both columns of the legend."""

_TITLE = {
    EventState.CONFIRMED: "Landslide",  # how, its page says; the badge beside it says that it is
    EventState.REFUTED: "No landslide: ground as before",
    EventState.CLOSED: "Landslide, seen several times",
    EventState.EXPIRED: "Possible landslide, not seen again",
}
_RECOVERED = "Changed ground that has recovered"
_STATE_COLOUR = {
    EventState.PROVISIONAL: "#b45f06",
    EventState.CONFIRMED: "#a4161a",
    EventState.REFUTED: "#2b6a4d",
}
_VERDICT_COLOUR = {
    Verdict.OPENS: "#b45f06",
    Verdict.SUPPORTS: "#a4161a",
    Verdict.CONTRADICTS: "#2b6a4d",
    Verdict.INCONCLUSIVE: "#8a6d1d",
    Verdict.NOT_OBSERVED: "#9aa4ad",
}
_VERDICT_WORD = {Verdict.OPENS: "first seen", Verdict.NOT_OBSERVED: "not observed"}
# Sequential brown and diverging red-blue stay apart under every common colour blindness.
_PROBABILITY_MAP, _CHANGE_MAP = "YlOrBr", "RdBu_r"
_LIMITS = {Detector.NETWORK: (-1.0, 1.0), Detector.BASELINE: (-1.5, 1.5), Detector.RADAR: (0.0, 8.0)}
_CHANGE_UNIT = {
    Detector.NETWORK: "change by the model's output",
    Detector.BASELINE: "log-ratio of red, later / earlier",
    Detector.RADAR: "backscatter, spreads of quiet ground",
}
_DECIBELS = (-9.0, 9.0)
# Radar's change has no direction: ground can slide and send back more or less.
_CHANGE_MAPS = {Detector.NETWORK: _CHANGE_MAP, Detector.BASELINE: _CHANGE_MAP, Detector.RADAR: _PROBABILITY_MAP}


def alert_picture(
    event: Event, chips: Chips, *, region: BaseGeometry | None = None, threshold: float | None = None
) -> bytes:
    """The picture of an alert, PNG, 1600 x 1200.

    Args:
        event: with its outline in EPSG:4326.
        chips: the same ground before and after (see `chips.chip_geobox`).
        region: polygon in EPSG:4326 for the small locator; None leaves it out.
        threshold: of the model card, marked on the scale of the model output.
    """
    page = Sheet(WIDTH, HEIGHT)
    _header(page, event)
    shown = _shown(event, chips)
    size, limits = (_PANEL, _PANEL), _LIMITS[shown]
    state = worse_state(chips.after.state, chips.before.state)
    how = AS_IT_IS if chips.radar else None
    images = (
        ("BEFORE", _times(chips.before), composite(chips.before, size, how)),
        ("AFTER", _times(chips.after), composite(chips.after, size, how)),
        _middle_panel(chips, state, size),
        ("CHANGE", "after against the looks before", field(chips.change, state, size, _CHANGE_MAPS[shown], limits)),
    )
    outline = rings(event.geometry, chips.geobox)
    draw_rings([image for *_, image in images], outline, ring_width(outline))
    scale_bar(images[0][2], chips.geobox)
    north_arrow(images[0][2])
    for index, (title, subtitle, image) in enumerate(images):
        _panel(page, index, title, subtitle, image)
    if chips.radar:
        _colour_bar(page, 2, _CHANGE_MAP, _DECIBELS, "dB", None)
    else:
        _colour_bar(page, 2, _PROBABILITY_MAP, (0.0, 1.0), "not a calibrated probability", threshold)
    _colour_bar(page, 3, _CHANGE_MAPS[shown], limits, _CHANGE_UNIT[shown], None)
    top = _facts(page, event, chips)
    top = _evidence(page, event, max(_ROWS[1], top))
    top = _legend(page, chips, top)
    if region is not None:
        _locator(page, chips, region, event.region, top)
    return page.png()


def _shown(event: Event, chips: Chips) -> Detector:
    """Whose change the panels show: the chips may be of another sensor than the one that found the event first."""
    if chips.radar:
        return Detector.RADAR
    return Detector.BASELINE if event.detector is Detector.RADAR else event.detector


def _middle_panel(chips: Chips, state: NDArray[np.uint8], size: tuple[int, int]) -> tuple[str, str, NDArray[np.uint8]]:
    """The network's answer; of radar, which has none, what the cross-polarised echo did between the two looks."""
    if not chips.radar:
        drawn = field(chips.probability, chips.after.state, size, _PROBABILITY_MAP, (0.0, 1.0))
        return "MODEL OUTPUT", "after", drawn
    green = 1
    decibels = FALSE_SPAN_DB * (chips.after.reflectance[green] - chips.before.reflectance[green])
    return "CROSS-POLARISED", "after against before", field(decibels, state, size, _CHANGE_MAP, _DECIBELS)


def _header(page: Sheet, event: Event) -> None:
    colour = _STATE_COLOUR.get(event.state, QUIET)
    page.fill(0, 0, WIDTH, 92, "#f1f3f5")
    page.fill(0, 0, 9, 92, colour)
    title = f"{_title(event)}, {hectares(event.area_ha)}{_places(event)}"
    left = _LEFT + page.text(_LEFT, 43, title, 31, bold=True) + 20
    left = page.badge(left, 33, event.state.value.upper(), colour)
    if event.status is not AlertStatus.ACTUAL:
        page.badge(left, 33, f"{event.status.value.upper()}: NOT A REAL ALERT", "#6f2da8")
    where = event.geometry.representative_point()
    line = f"{place(where.y, where.x)}   |   region {event.region}   |   {_story(event)}"
    page.text(_LEFT, 75, line, 18)


def _title(event: Event) -> str:
    if event.state is EventState.CLOSED and event.transitions and event.transitions[-1].reason == "ground-recovered":
        return _RECOVERED
    title = _TITLE.get(event.state, "Possible landslide")
    if event.alike_from_m is not None and event.state is not EventState.REFUTED:
        return title.replace("andslide", "andslide or snow")
    return title


def _places(event: Event) -> str:
    """In how many separate places the ground changed: hundreds of slides of one earthquake may be one event."""
    places = len(getattr(event.geometry, "geoms", (event.geometry,)))
    return f" in {places} places" if places > 1 else ""


def _found_by(event: Event) -> str:
    if event.detector is Detector.RADAR:
        return f"change of radar backscatter on slopes ({track(event.comparable)})"
    if event.detector is Detector.BASELINE:
        return f"change of colour on slopes (baseline); model shown: {event.model_version}"
    return f"network {event.model_version}"


def _story(event: Event) -> str:
    """When it failed and how sure that is; of a false alarm, when it was one."""
    if event.state is EventState.REFUTED:
        end = f", back as before on {event.transitions[-1].at:%d %b %Y}" if event.transitions else ""
        return f"seemed changed on {event.window_end:%d %b %Y}{end}"
    window = f"failed between {event.window_start:%d %b %Y} and {event.window_end:%d %b %Y}"
    return f"{window}   |   {event.confidence} confidence"


def _corner(index: int) -> tuple[int, int]:
    return _LEFT + (index % 2) * (_PANEL + _GAP), _ROWS[index // 2]


def _panel(page: Sheet, index: int, title: str, subtitle: str, image: NDArray[np.uint8]) -> None:
    left, top = _corner(index)
    width = page.text(left, top - 10, title, 17, bold=True)
    page.text(left + width + 10, top - 10, subtitle, 17, color=QUIET)
    page.paste(left, top, image)


def _colour_bar(
    page: Sheet, index: int, colormap: str, limits: tuple[float, float], label: str, mark: float | None
) -> None:
    left, top = _corner(index)
    top += _PANEL + 9
    low, high = limits
    shades = (colormaps[colormap](np.linspace(0, 1, _BAR))[:, :3] * 255).astype(np.uint8)
    page.paste(left, top, np.repeat(shades[None], 11, axis=0))
    ticks = {low: f"{low:g}", high: f"{high:g}", **({0.0: "0"} if low < 0 else {})}
    if mark is not None:
        page.fill(left + (mark - low) / (high - low) * _BAR - 1, top - 3, 2, 17, INK)
        page.text(left + _BAR + 18, top + 28, f"mark: threshold {mark:.2f}", 13, color=QUIET)
    for value, text in ticks.items():
        x = left + (value - low) / (high - low) * (_BAR - 1)
        page.fill(x, top + 12, 1, 3, QUIET)
        page.text(max(x, left + 5.0), top + 28, text.replace("-", "−"), 13, color=QUIET, anchor="ms")
    page.text(left + _BAR + 18, top + 11, label, 15, color=QUIET)


def _facts(page: Sheet, event: Event, chips: Chips) -> float:
    """The column of facts beside the upper panels; gives where the next block may start."""
    days = (event.window_end - event.window_start).days
    rows = (
        ("State", _state(event)),
        ("Changed ground", f"{hectares(event.area_ha)} = {event.area_ha * 10_000:,.0f} m²"),
        (
            "Window" if event.state is EventState.REFUTED else "Failed between",
            f"{_time(event.window_start)}  last look without\n"
            f"{_time(event.window_end)}  first look with\nwithin {days} days",
        ),
        ("Confidence", f"{event.confidence}: {event.confidence_reason}"),
        (
            "Change",
            f"{event.mean_change:+.2f} on average\n{_CHANGE_UNIT[event.detector]}{_spread(event)}",
        ),
        ("Slope", f"{event.slope_deg:.0f}° (90th percentile)"),
        ("Seen in view", _seen(chips)),
        ("Found by", _found_by(event)),
        ("Event", event.id),
    )
    base = _ROWS[0] - 10.0
    for label, value in rows:
        lines = [line for part in value.split("\n") for line in textwrap.wrap(part, 44)]
        if len(lines) > _LONGEST_TEXT:
            lines = [*lines[: _LONGEST_TEXT - 1], "… (the list of alerts has all of it)"]
        page.text(_SIDE, base, label, 15, color=QUIET)
        for number, line in enumerate(lines):
            page.text(_SIDE + 138, base + _LINE * number, line, 16)
        base += _LINE * (len(lines) - 1)
        page.fill(_SIDE, base + 10, _SIDE_WIDTH, 1, RULE)
        base += 34
    return base + 18


def _spread(event: Event) -> str:
    """Radar is looked at without a network, hence without flips."""
    return "" if event.detector is Detector.RADAR else f"\nspread over flips {event.spread:.2f}, not an error bar"


def track(comparable: str) -> str:
    """A comparability class in words: "optics", or the orbit, direction and polarisations of a radar track."""
    sensor, *radar = comparable.split(":")
    if len(radar) < 3:
        return "optics" if sensor == Sensor.OPTICAL.value else sensor
    orbit, direction, polarisations, *_ = radar
    return f"orbit {orbit.removeprefix('R').lstrip('0')}, {direction}, {polarisations.upper()}"


def _state(event: Event) -> str:
    """The state, since when, and why."""
    if not event.transitions:
        return event.state.value
    step = event.transitions[-1]
    return f"{step.state.value} on {step.at:%d %b %Y}: {step.reason.replace('-', ' ')}"


def _evidence(page: Sheet, event: Event, top: float) -> float:
    """What the first and the latest looks say; gives where the next block may start."""
    page.text(_SIDE, top - 10, "LOOKS", 17, bold=True)
    page.text(_SIDE + 72, top - 10, "that speak for or against it", 17, color=QUIET)
    base = top + 18.0
    skipped = len(event.evidence) - _LOOKS
    if skipped == 1:  # to say so would take the line that it needs
        skipped = 0
    shown = event.evidence if skipped <= 0 else (event.evidence[0], *event.evidence[1 - _LOOKS :])
    for number, evidence in enumerate(shown):
        if number == 1 and skipped > 0:
            page.text(_SIDE + 20, base, f"… {skipped} more", 16, color=QUIET)
            base += _LINE + 2
        page.fill(_SIDE, base - 11, 11, 11, _VERDICT_COLOUR[evidence.verdict])
        page.text(_SIDE + 20, base, f"{evidence.sensing_time:%d %b %Y}", 16)
        page.text(_SIDE + 138, base, _VERDICT_WORD.get(evidence.verdict, evidence.verdict.value), 16)
        words = f"{_eye(evidence.detector)} {evidence.level:+.2f}, {percent(evidence.observed_fraction)}% of it seen"
        if evidence.verdict is Verdict.NOT_OBSERVED:
            words = textwrap.shorten(evidence.detail, 31, placeholder=" …")
        page.text(_SIDE + 257, base, words, 16, color=QUIET)
        base += _LINE + 2
    return base + 22


def _eye(detector: Detector) -> str:
    return "radar" if detector is Detector.RADAR else "optics"


def _legend(page: Sheet, chips: Chips, top: float) -> float:
    """Only what occurs in these panels, in two columns; gives where the next block may start."""
    states = np.union1d(chips.before.state, chips.after.state)
    entries = [hidden for hidden in HIDDEN if np.isin(states, hidden.states).any()]
    compared = (chips.before.state == PixelState.VALID) & (chips.after.state == PixelState.VALID)
    if (np.isnan(chips.change) & compared).any():
        entries.append(UNKNOWN)
    page.text(_SIDE, top, "LEGEND", 17, bold=True)
    page.paste(_SIDE, top + 16, outline_swatch())
    page.text(_SIDE + 50, top + 30, "Changed ground", 16)
    cell = 1
    for hidden in entries:
        title = hidden_title(hidden, chips.mask_source)
        wide = len(title) > _WIDE_TITLE
        cell += cell % 2 if wide else 0
        left, line = _SIDE + 250 * (cell % 2), top + 16 + 27 * (cell // 2)
        page.paste(left, line, swatch(hidden))
        page.text(left + 50, line + 14, title, 16)
        cell += 2 if wide else 1
    return top + 16 + 27 * ((cell + 1) // 2) + 38


def _locator(page: Sheet, chips: Chips, region: BaseGeometry, name: str, top: float) -> None:
    """The region and this view in it, in what is left of the column."""
    room_x, room_y = _SIDE_WIDTH - 16.0, HEIGHT - 44 - (top + 14)
    if room_y < _LEAST_PLACE:
        return
    page.text(_SIDE, top, "PLACE", 17, bold=True)
    west, south, east, north = region.bounds
    squeeze = math.cos(math.radians((south + north) / 2))
    span_x, span_y = max((east - west) * squeeze, 1e-6), max(north - south, 1e-6)
    zoom = min(room_x / span_x, room_y / span_y)
    size = f"in region {name}, {span_x * 111.32:,.0f} x {span_y * 111.32:,.0f} km"
    page.text(_SIDE + 72, top, size, 17, color=QUIET)
    view = project(box(*chips.geobox.boundingbox), str(chips.geobox.crs), 4326)

    def paint(pen: ImageDraw.ImageDraw, fine: int) -> None:
        """Degrees to the pixels of this corner."""
        across, down, edge = zoom * squeeze * fine, zoom * fine, 6 * fine
        for part in getattr(region, "geoms", [region]):
            ground = [((x - west) * across + edge, (north - y) * down + edge) for x, y, *_ in part.exterior.coords]
            pen.polygon(ground, fill="#eef1f3", outline="#9aa4ad", width=fine)
        left, low, right, high = view.bounds
        x0, x1 = (left - west) * across + edge, (right - west) * across + edge
        y0, y1 = (north - high) * down + edge, (north - low) * down + edge
        pen.rectangle((x0, y0, x1, y1), outline="#a4161a", width=2 * fine)
        x, y, arm = (x0 + x1) / 2, (y0 + y1) / 2, 5 * fine
        pen.line((x - arm, y, x + arm, y), fill="#a4161a", width=2 * fine)
        pen.line((x, y - arm, x, y + arm), fill="#a4161a", width=2 * fine)

    corner = (_SIDE - 6, round(top + 14))
    page.smooth((*corner, corner[0] + round(span_x * zoom) + 13, corner[1] + round(span_y * zoom) + 13), paint)


def _seen(chips: Chips) -> str:
    """Shares of the view that were seen in the two looks, and that the change could be told of."""
    visible = (PixelState.VALID, PixelState.WATER)
    before, after = np.isin(chips.before.state, visible), np.isin(chips.after.state, visible)
    shares = before.mean(), after.mean(), np.isfinite(chips.change).mean()
    return "before {}%, after {}%, compared {}%".format(*map(percent, shares))


def _times(patch: RgbPatch) -> str:
    other = f", parts {patch.other_time:%d %b %Y}" if patch.other_time else ""
    return _time(patch.sensing_time) + other


def _time(when: datetime) -> str:
    return f"{when:%d %b %Y %H:%M} UTC"
