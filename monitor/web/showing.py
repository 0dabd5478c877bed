"""What pages show of alerts: plain values for the templates, and small outlines as SVG paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from monitor.core import exposure, next_pass
from monitor.core.cap_outline import local_metres
from monitor.core.context_json import next_pass_from_json
from monitor.core.feeds import Told
from monitor.core.sensors import MEASURES, NAMES
from monitor.core.shares import percent, percent_missing
from monitor.core.standing import acknowledgement, is_unanswered
from monitor.core.telling import moment, sensor_of, title
from monitor.core.words import Words
from monitor.records import Event, Exposure, Sensor, Verdict

_SIDE = 100.0
_MARGIN = 8.0
_SAYS = {
    Verdict.OPENS: "changed (opened the alert)",
    Verdict.SUPPORTS: "still changed",
    Verdict.CONTRADICTS: "as it was before",
    Verdict.INCONCLUSIVE: "cannot tell",
    Verdict.NOT_OBSERVED: "did not see it",
}


def outline_path(geometry: BaseGeometry) -> str:
    """An outline as an SVG path in a square of 100, north up, true to its shape."""
    ground = local_metres(geometry)
    west, south, east, north = ground.bounds
    side = max(east - west, north - south, 1e-6)
    zoom = (_SIDE - 2 * _MARGIN) / side
    left = (_SIDE - (east - west) * zoom) / 2
    top = (_SIDE - (north - south) * zoom) / 2
    simple = ground.simplify(side / 200)
    rings = [
        ring
        for part in getattr(simple, "geoms", [simple])
        if isinstance(part, Polygon)
        for ring in (part.exterior, *part.interiors)
    ]
    return " ".join(
        "M" + " ".join(f"{left + (x - west) * zoom:.1f},{top + (north - y) * zoom:.1f}" for x, y in ring.coords) + "Z"
        for ring in rings
    )


def row(told: Told, words: Words) -> dict[str, object]:
    """An alert in a list."""
    event, context = told.event, told.event.context
    step = acknowledgement(event.transitions)
    return {
        "event": event,
        "headline": title(event, words),
        "path": outline_path(event.geometry),
        "window": window(event),
        "told": moment(told.sent),
        "around": _around(event, context.exposure if context is not None else None),
        "acknowledged": f"Acknowledged {moment(step.at)} by {step.by}" if step is not None else "",
        "waits": is_unanswered(event),
    }


def _around(event: Event, found: Exposure | None) -> str:
    """The nearest place, else where it is, and what is exposed.

    That nothing is known is said: silence would read as "nothing there".
    """
    point = event.geometry.representative_point()
    known = (exposure.located(found), exposure.told(found)) if found is not None else ("", "")
    return f"{known[0] or f'{point.y:.4f}, {point.x:.4f}'}; {known[1] or 'exposure not known'}"


def window(event: Event) -> str:
    """When it failed."""
    return f"{moment(event.window_start)} – {moment(event.window_end)}"


def looks(event: Event) -> list[dict[str, str]]:
    """The evidence, newest first."""
    return [
        {
            "when": moment(piece.sensing_time),
            "day": f"{piece.sensing_time:%Y-%m-%d}",
            "hour": f"{piece.sensing_time:%H:%M} UTC",
            "sensor": f"{NAMES[sensor_of(piece, event)]}, {MEASURES[piece.detector]}",
            "verdict": piece.verdict.value,
            "says": _SAYS[piece.verdict] + (" (taken back)" if piece.withdrawn else ""),
            "detail": piece.detail,
            "saw": f"{percent(piece.observed_fraction)} %",
        }
        for piece in sorted(event.evidence, key=lambda piece: piece.sensing_time, reverse=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What was not observed of a region."""

    region: str
    told: str
    details: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    """Why the watch is not well, in sentences: what was seen before says nothing of today."""

    @property
    def trouble(self) -> str:
        """Why the watch is not well, for paper; empty where it is."""
        return f"{self.region}: the watch is not well. {' '.join(self.wrong)}" if self.wrong else ""

    @property
    def lines(self) -> list[str]:
        """What was not observed, for paper."""
        return [f"{self.region}: {self.told}", *self.details]


def unseen(not_observed: Mapping[str, object]) -> list[Unseen]:
    """What was not observed of each region (`not_observed` of lists of alerts, as far as it is known)."""
    return [_unseen(region, said) for region, said in sorted(not_observed.items())]


def _unseen(region: str, said: object) -> Unseen:
    if not isinstance(said, Mapping):
        return Unseen(region=region, told="not known")
    wrong = tuple(str(one["told"]) for one in said.get("troubles") or ())
    if "share_not_observed" not in said:
        return Unseen(region=region, told=str(said.get("unknown", "not known")), wrong=wrong)
    details = (_by_sensor(said), _ages(said), _blind(said), _coming(said))
    return Unseen(
        region=region,
        told=_not_compared(said),
        details=tuple(one for one in details if one),
        wrong=wrong,
    )


def _not_compared(said: Mapping[str, Any]) -> str:
    share = float(said["share_not_observed"])
    last = said.get("last_look")
    bounds = (said.get("since"), said.get("first_acquisition"))  # before the first acquisition nobody looked
    since = max((datetime.fromisoformat(str(bound)) for bound in bounds if bound), default=None)
    parts = [f"{percent_missing(share)}% of the ground was not compared with anything"]
    if since:
        parts[0] += f" since {moment(since)}"
    parts.append(f"last look {moment(datetime.fromisoformat(str(last)))}" if last else "no look yet")
    never = said.get("tiles_never_observed")
    if isinstance(never, list) and never:
        parts.append(f"{len(never)} of {said['tiles']} tiles not observed in that time")
    return "; ".join(parts)


def _by_sensor(said: Mapping[str, Any]) -> str:
    shares, newest = said.get("share_seen_by_sensor") or {}, said.get("last_look_by_sensor") or {}
    sensors = (
        f"{NAMES[Sensor(name)]} {percent(share)}%, last on {_day(newest[name])}"
        if name in newest
        else f"{NAMES[Sensor(name)]} {percent(share)}%, never yet"
        for name, share in shares.items()
    )
    told = "; ".join(sensors)
    return f"Seen by {told}" if told else ""


def _ages(said: Mapping[str, Any]) -> str:
    ages = said.get("last_look_of_tiles")
    if not ages or ages["oldest_tile"] is None or ages["oldest"] == said["last_look"]:
        return ""
    if ages["median"]:
        half = f"Half of the tiles were last looked at on {_day(ages['median'])} or later"
    else:
        half = "At least half of the tiles were never looked at"
    oldest = f"last on {_day(ages['oldest'])}" if ages["oldest"] else "never"
    return f"{half}; tile {ages['oldest_tile']} {oldest}"


def _blind(said: Mapping[str, Any]) -> str:
    slopes = said.get("radar_blind_slopes") or {}
    sight = slopes.get("seen_by_no_track") or {}
    if not sight.get("blind_km2"):
        return ""
    share = percent_missing(sight["blind_share"])
    told = f"{sight['blind_km2']:.2f} km² ({share}%) of the slopes no radar track ever sees"
    dark = slopes.get("km2_not_seen_by_optics")
    return f"{told}; {dark:.2f} km² of them optics did not see either" if dark else told


def _coming(said: Mapping[str, Any]) -> str:
    passes = next_pass.first_of_each(next_pass_from_json(one) for one in said.get("next_passes") or ())
    return f"Next pass expected {', '.join(next_pass.told(one) for one in passes)}" if passes else ""


def _day(told: str) -> str:
    return f"{datetime.fromisoformat(told):%Y-%m-%d}"
