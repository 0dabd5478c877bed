"""What became of every painted scar, and why one was missed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.change import AlertSettings
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.radar import least_area_ha
from monitor.core.shares import percent_missing
from monitor.drill.places import Painted
from monitor.drill.report import Found, ScarReport
from monitor.records import Detector, Event, Look, PixelState, Tile

Array = NDArray[np.float32]
Layers = Mapping[str, Mapping[Tile, Array]]

LEAST_OBSERVED = 0.3
"""As of an event that a look may speak about (`core.events`)."""
_LAYERS: Mapping[str, tuple[Detector, str]] = {
    "brightening": (Detector.BASELINE, "brightening"),
    "backscatter-change": (Detector.RADAR, "change of the echo"),
}
"""What the baselines publish of their change, and how people call it."""
_HIDDEN: Mapping[PixelState, str] = {
    PixelState.NODATA: "no data",
    PixelState.CLOUD: "cloud, or taken for it",
    PixelState.SHADOW: "cloud shadow",
    PixelState.SNOW: "snow",
    PixelState.WATER: "water",
    PixelState.SATURATED: "a saturated detector",
    PixelState.LAYOVER: "radar layover",
    PixelState.RADAR_SHADOW: "radar shadow",
}


def report_of(
    painted: Painted,
    events: Sequence[Event],
    look: Look | None,
    layers: Layers,
    native_m: float,
    alerts: AlertSettings,
) -> ScarReport:
    """What became of a scar.

    Args:
        events: those that touch it, worst first.
        look: the painted look at its tile; None where nothing at all was observed.
        layers: change as it was published.
        native_m: side of the pixels that the acquisition resolves.
        alerts: the thresholds.
    """
    change = _change(layers, painted.tile)
    observed = _share(painted, change[2]) if change else 0.0
    head = next((event for event in events if event.state in ALERT_STATES), events[0] if events else None)
    if head is not None:
        found = Found.SEEN if head.state in ALERT_STATES else Found.CANDIDATE
        detail = _told(head)
    elif observed < LEAST_OBSERVED:
        found, detail = Found.HIDDEN, _why_hidden(painted, look, observed)
    else:
        found, detail = Found.MISSED, _why_missed(painted, change, native_m, alerts)
    point = painted.ground.representative_point()
    return ScarReport(
        number=painted.number,
        area_ha=painted.scar.area_ha,
        slope_deg=painted.slope_deg,
        longitude=float(point.x),
        latitude=float(point.y),
        observed=observed,
        found=found,
        event_id=head.id if head else "",
        detector=head.detector if head else None,
        strength=head.strength if head else 0.0,
        rate=head.rate if head else None,
        detail=detail,
    )


def touching(painted: Painted, events: Iterable[Event]) -> list[Event]:
    """The events that touch a scar, alerts before candidates, strongest first.

    One of a whole tile is of all its ground, and may have been without the scar.
    """
    ground = painted.ground
    near = [event for event in events if event.detector is not Detector.TILE and event.geometry.intersects(ground)]
    return sorted(near, key=lambda event: (event.state not in ALERT_STATES, -event.strength, event.id))


def _told(event: Event) -> str:
    opening = next((step.detail for step in event.transitions), "")
    told = event.state in ALERT_STATES
    what = f"{event.state.value}, {event.tier.value}: told" if told else "waits for a second look: found"
    # Not the hectares of the paint: a pixel of its edge that is bare in part has changed as well, and counts whole.
    area = f"{event.area_ha:.2f} ha (pixels that changed, with their edge)"
    words = f"{what} {area} × {event.mean_change:.2f} by {event.detector.value}"
    if told:
        return words
    reason = next((step.reason for step in event.transitions), "")
    return f"{words} ({reason}: {opening})" if reason else words


_Change = tuple[Detector, str, Array]


def _change(layers: Layers, tile: Tile) -> _Change | None:
    """The change of the sensor's baseline on a tile."""
    for name, (detector, words) in _LAYERS.items():
        if tile in layers.get(name, {}):
            return detector, words, layers[name][tile]
    return None


def _share(painted: Painted, change: Array) -> float:
    return float(np.isfinite(change[painted.bare]).mean())


def _why_hidden(painted: Painted, look: Look | None, observed: float) -> str:
    if look is None:
        return "nothing of its tile was observed"
    states = Counter(int(state) for state in look.state[painted.bare])
    del states[int(PixelState.VALID)]
    if not states:
        return f"observed, and {percent_missing(1 - observed)}% of it has nothing to be compared with"
    (state, count), *_ = states.most_common(1)
    return f"{percent_missing(count / int(painted.bare.sum()))}% of it hidden: {_HIDDEN[PixelState(state)]}"


def _least_ha(detector: Detector, native_m: float, alerts: AlertSettings) -> float:
    """Minimum mapping unit."""
    return max(alerts.min_area_ha, least_area_ha(native_m) if detector is Detector.RADAR else 0.0)


def _why_missed(painted: Painted, change: _Change | None, native_m: float, alerts: AlertSettings) -> str:
    if change is None:
        return "not compared"
    detector, words, layer = change
    values = layer[painted.bare]
    values = values[np.isfinite(values)]
    start = alerts.baseline_high if detector is Detector.BASELINE else alerts.radar_high
    grows = alerts.baseline_low if detector is Detector.BASELINE else alerts.radar_low
    figures = f"{words} {values.mean():.2f} on average, {values.max():.2f} at most"
    least_ha = _least_ha(detector, native_m, alerts)
    if painted.scar.area_ha < least_ha:
        return f"smaller than the {least_ha:.2f} ha that are needed: {figures}"
    if values.max() < start:
        return f"too weak: {figures}, and {start:.2f} is needed"
    share = float((values >= grows).mean())
    return f"too small, too scattered or too level: {figures}; {share:.0%} of it above {grows:.2f}"
