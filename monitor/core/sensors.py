"""Which sensor is the evidence of record on a tile and date: optics where the sky lets them see, radar elsewhere.

Every look is kept and judges open events, whatever is chosen here. What the choice decides is whose new change
opens an alert at once: change that radar sees where a fresh clear optical look shows none is kept as a candidate
until a later look of any sensor sees it too.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.records import Acquisition, Choice, ChoiceReason, Detector, PixelState, Sensor, SensorPolicy, Tile

NAMES = {Sensor.OPTICAL: "optics", Sensor.SAR: "radar"}
"""As people say it."""
MEASURES = {
    Detector.BASELINE: "brightening",
    Detector.RADAR: "backscatter",
    Detector.NETWORK: "network",
    Detector.TILE: "whole tile",
}
"""What was seen to change, as people say it."""
_NO_CHOICE = (ChoiceReason.POLICY, ChoiceReason.UNSEEN)
_SEEN = (PixelState.VALID, PixelState.WATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSettings:
    """How clear and how recent a look must be to count."""

    clear_share: float = 0.5
    """Share of a tile that optics must see to become its evidence of record ..."""
    keep_share: float = 0.3
    """... and to remain it, so that a tile does not change sensor with every cloud (hysteresis)."""
    optics_fresh_hours: float = 48.0
    """A radar pass this soon after a clear optical look does not take its place."""
    radar_fresh_days: float = 13.0
    """A radar pass this old stands for a clouded optical look: one repeat of Sentinel-1 and a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierChoices:
    """The newest choice of every tile before an acquisition, by the sensor of the acquisition it was made at."""

    optical: Mapping[Tile, Choice] = field(default_factory=dict)
    radar: Mapping[Tile, Choice] = field(default_factory=dict)


def sensors_of(policy: SensorPolicy) -> tuple[Sensor, ...]:
    """The sensors whose scenes are searched and looked at under a policy."""
    if policy is SensorPolicy.OPTICAL_ONLY:
        return (Sensor.OPTICAL,)
    if policy is SensorPolicy.RADAR_ONLY:
        return (Sensor.SAR,)
    return (Sensor.OPTICAL, Sensor.SAR)


def memory_days(settings: SensorSettings) -> float:
    """How far back earlier choices may matter."""
    return max(settings.radar_fresh_days, settings.optics_fresh_hours / 24.0, 45.0)


def clear_fraction(state: NDArray[np.uint8], watched: NDArray[np.bool_]) -> float:
    """Share of the watched ground of a tile that was seen, open water included; 0 where none is watched.

    Args:
        state: (256, 256) PixelState.
        watched: (256, 256) pixels of the region.
    """
    return float(np.isin(state[watched], _SEEN).mean()) if watched.any() else 0.0


def choose(
    acquisition: Acquisition,
    clear: Mapping[Tile, float],
    policy: SensorPolicy,
    earlier: EarlierChoices,
    settings: SensorSettings,
) -> tuple[Choice, ...]:
    """The evidence of record on every tile at the time of an acquisition.

    Args:
        clear: `clear_fraction` of every tile of the region in this acquisition.
    """
    chosen = []
    for tile, share in sorted(clear.items()):
        record, reason = _choose_one(acquisition, tile, share, policy, earlier, settings)
        chosen.append(
            Choice(
                tile=tile,
                acquisition_key=acquisition.key,
                acquisition_version=acquisition.version,
                sensing_time=acquisition.sensing_time,
                sensor=acquisition.sensor,
                clear_fraction=share,
                record=record,
                reason=reason,
            )
        )
    return tuple(chosen)


def told(choices: Sequence[Choice]) -> str:
    """The evidence of record in words, for the end of a sentence; empty where a policy leaves no choice."""
    counted = Counter((one.record, one.reason) for one in choices if one.reason not in _NO_CHOICE)
    parts = [
        f"{NAMES[record] if record else 'none'} on {count} tile{'s' if count > 1 else ''} ({reason.value})"
        for (record, reason), count in sorted(counted.items(), key=lambda one: (-one[1], one[0][1].value))
    ]
    return f"; of record: {', '.join(parts)}" if parts else ""


def _choose_one(
    acquisition: Acquisition,
    tile: Tile,
    share: float,
    policy: SensorPolicy,
    earlier: EarlierChoices,
    settings: SensorSettings,
) -> tuple[Sensor | None, ChoiceReason]:
    if policy is not SensorPolicy.OPTICAL_WHEN_CLEAR:
        return (acquisition.sensor, ChoiceReason.POLICY) if share > 0 else (None, ChoiceReason.UNSEEN)
    optical, radar = earlier.optical.get(tile), earlier.radar.get(tile)
    if acquisition.sensor is Sensor.OPTICAL:
        return _at_optical_look(share, acquisition.sensing_time, optical, radar, settings)
    return _at_radar_pass(share, acquisition.sensing_time, optical, settings)


def _at_optical_look(
    share: float, now: datetime, optical: Choice | None, radar: Choice | None, settings: SensorSettings
) -> tuple[Sensor | None, ChoiceReason]:
    if share >= settings.clear_share:
        return Sensor.OPTICAL, ChoiceReason.OPTICAL_CLEAR
    if share >= settings.keep_share and optical is not None and optical.record is Sensor.OPTICAL:
        return Sensor.OPTICAL, ChoiceReason.OPTICAL_KEPT
    if (
        radar is not None
        and radar.clear_fraction > 0
        and now - radar.sensing_time <= timedelta(days=settings.radar_fresh_days)
    ):
        return Sensor.SAR, ChoiceReason.CLOUDED_RADAR
    return None, ChoiceReason.CLOUDED


def _at_radar_pass(
    share: float, now: datetime, optical: Choice | None, settings: SensorSettings
) -> tuple[Sensor | None, ChoiceReason]:
    if share <= 0:
        return None, ChoiceReason.UNSEEN
    if optical is None or now - optical.sensing_time > timedelta(hours=settings.optics_fresh_hours):
        return Sensor.SAR, ChoiceReason.RADAR_ALONE
    if optical.record is not Sensor.OPTICAL:
        return Sensor.SAR, ChoiceReason.RADAR_CLOUDED
    return Sensor.OPTICAL, ChoiceReason.OPTICS_FRESH
