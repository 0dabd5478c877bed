"""Values of panels as people read them: units, colours and words of a field, nearly as Grafana writes them."""

import math
from datetime import UTC, datetime
from typing import Any

from matplotlib import dates
from matplotlib.axes import Axes

Json = dict[str, Any]
COLOURS = {
    "green": "#56a64b",
    "orange": "#ff9830",
    "red": "#e02f44",
    "blue": "#3d71d9",
    "yellow": "#f2cc0c",
    "purple": "#8f3bb8",
    "grey": "#b5b9c2",
    "text": "#24292e",
    "transparent": "none",
}
PALETTE = ("#3d71d9", "#e0752d", "#56a64b", "#8f3bb8", "#e02f44", "#0a9f9f", "#b59a00", "#c15c9b", "#5a6472", "#7a5230")
_SPANS = (("y", 31_557_600.0), ("w", 604_800.0), ("d", 86_400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
_SPELLED = {"y": "years", "w": "weeks", "d": "days", "h": "hours", "min": "min", "s": "s"}
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")


def colour(name: str) -> str:
    """A colour of matplotlib."""
    return COLOURS.get(name, name)


def coloured(value: float, field: Json) -> str:
    """The colour of a value by the mappings and thresholds of its field."""
    mapped = _mapped(value, field)
    if mapped is not None and mapped.get("color"):
        return colour(mapped["color"])
    steps = field.get("thresholds", {}).get("steps", [])
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return colour(reached[-1]) if reached else COLOURS["text"]


def worded(value: float, field: Json, now: datetime) -> str:
    """A value in words."""
    if not math.isfinite(value):
        return str(field.get("noValue") or "-")
    mapped = _mapped(value, field)
    return str(mapped["text"]) if mapped is not None else with_unit(value, field, now)


def with_unit(value: float, field: Json, now: datetime) -> str:
    """A number with its unit."""
    unit, decimals = str(field.get("unit") or "none"), field.get("decimals")
    if unit == "s":
        return _span(value)
    if unit == "percentunit":
        return f"{100 * value:.3g}%" if decimals is None else f"{100 * value:.{decimals}f}%"
    if unit == "bytes":
        power = min(int(math.log(max(value, 1), 1024)), len(_BYTES) - 1)
        return f"{value / 1024**power:.3g} {_BYTES[power]}"
    if unit == "dateTimeFromNow":
        ahead_s = value / 1000 - now.timestamp()
        return f"in {_span(ahead_s)}" if ahead_s > 0 else f"{_span(-ahead_s)} ago"
    number = f"{value:.{decimals}f}" if decimals is not None else f"{value:.4g}"
    return f"{number}{unit.removeprefix('suffix:')}" if unit.startswith("suffix:") else number


def cell(value: object, field: Json, now: datetime) -> str:
    """What stands in a cell of a table."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool | str):
        return str(value)
    return worded(float(str(value)), field, now)


def step_of(unit: str, most: float) -> float:
    """What values of a unit are counted in on an axis that ends there: days, mebibytes."""
    if unit == "s":
        return next((long_s for _, long_s in _SPANS if most >= 2 * long_s and long_s != _SPANS[0][1]), 1.0)
    return float(1024 ** min(int(math.log(max(most, 1), 1024)), len(_BYTES) - 1)) if unit == "bytes" else 1.0


def day(seconds: float) -> float:
    """Where a time since 1970 lies on an axis of matplotlib."""
    return float(dates.date2num(datetime.fromtimestamp(seconds, UTC)))  # type: ignore[no-untyped-call]


def dated(axes: Axes, start: datetime, end: datetime, ticks: int) -> None:
    """An axis of time."""
    axes.set_xlim(day(start.timestamp()), day(end.timestamp()))
    locator = dates.AutoDateLocator(maxticks=ticks)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]


def _span(seconds: float) -> str:
    for short, long_s in _SPANS:
        if abs(seconds) >= long_s:
            return f"{seconds / long_s:.3g} {_SPELLED[short]}"
    return f"{seconds * 1000:.0f} ms" if seconds else "0 s"


def _mapped(value: float, field: Json) -> Json | None:
    for mapping in field.get("mappings") or []:
        options = mapping["options"]
        if mapping["type"] == "value" and f"{value:g}" in options:
            found: Json = options[f"{value:g}"]
            return found
        if mapping["type"] == "range" and value >= options["from"]:
            result: Json = options["result"]
            return result
    return None
