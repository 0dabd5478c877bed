"""What pages show of alerts: plain values for the templates, and small outlines as SVG paths."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from monitor.core import exposure, next_pass
from monitor.core.cap_outline import local_metres
from monitor.core.context_json import next_pass_from_json
from monitor.core.feeds import Told
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.shares import percent, percent_missing
from monitor.core.standing import acknowledgement, is_unanswered
from monitor.core.telling import digits, headline, moment, sensor_of
from monitor.core.words import Words
from monitor.records import Event, Exposure, Verdict

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
        "headline": headline(event, words, told.reason),
        "path": outline_path(event.geometry),
        "window": window(event),
        "told": moment(told.sent),
        "around": _around(context.exposure if context is not None else None),
        "acknowledged": f"Acknowledged {moment(step.at)} by {step.by}" if step is not None else "",
        "waits": is_unanswered(event),
    }


def _around(found: Exposure | None) -> str:
    """The nearest place and what is exposed. That nothing is known is said: silence would read as "nothing there"."""
    known = (exposure.located(found), exposure.told(found)) if found is not None else ("", "")
    return "; ".join(filter(None, (known[0], known[1] or "exposure not known")))


def waiting(listed: Iterable[Told]) -> dict[str, int]:
    """Open alerts that nobody has acknowledged, each with the number of its newest step."""
    open_ = [one.event for one in listed if one.event.state in ALERT_STATES]
    return {one.id: len(one.transitions) - 1 for one in open_ if acknowledgement(one.transitions) is None}


def window(event: Event) -> str:
    """When it failed."""
    return f"{moment(event.window_start)} – {moment(event.window_end)}"


def looks(event: Event) -> list[dict[str, str]]:
    """The evidence, newest first."""
    return [
        {
            "when": moment(piece.sensing_time),
            "sensor": f"{sensor_of(piece, event).value}, {piece.detector.value}",
            "verdict": piece.verdict.value,
            "says": _SAYS[piece.verdict] + (" (taken back)" if piece.withdrawn else ""),
            "detail": piece.detail,
            "saw": f"{percent(piece.observed_fraction)} %",
        }
        for piece in sorted(event.evidence, key=lambda piece: piece.sensing_time, reverse=True)
    ]


def unseen_lines(not_observed: Mapping[str, object]) -> list[str]:
    """What was not observed of each region, in a line."""
    return [f"{region}: {_unseen(said)}" for region, said in sorted(not_observed.items())]


def _unseen(said: object) -> str:
    if not isinstance(said, Mapping) or "share_not_observed" not in said:
        return str(said.get("unknown", "not known")) if isinstance(said, Mapping) else "not known"
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
        parts.append(f"{len(never)} tiles never observed")
    coming = said.get("next_passes")
    if isinstance(coming, list) and coming:
        parts.append(f"next pass expected {next_pass.told(next_pass_from_json(coming[0]))}")
    return "; ".join(parts)
