"""The rows of the tile history: what one acquisition says of one tile, also where it says nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.flat import FLAT
from monitor.core.grid import PIXEL_HA, TILE_PX
from monitor.core.masks import LOOKED, NO_ELEVATION, UNDER_SNOW, WHITE_SHARE
from monitor.core.radar import LEAST_PASSES
from monitor.core.reference import valid
from monitor.core.statistics import tile_stats
from monitor.looking import Instruments
from monitor.records import Acquisition, KeptLook, Look, NetworkAnswer, Observation, PixelState, Sensor, Tile, TileStats
from monitor.scene import Before
from monitor.view import TilePixels

OUTSIDE = "outside"
"""`Observation.decision` of a tile that the acquisition does not show at all."""
UNCLASSIFIED = "unclassified"
"""... of one whose pixels are there, and whose scene classification (SCL) says of all of them that they are not."""
SNOW_IN_PART = "snow-in-part"
"""... of one of which snow hides more than clouds or water do, and not all."""
COMPARED = "compared"
TOO_FEW_LOOKS = "too-few-looks"
DECISIONS = (
    COMPARED,
    TOO_FEW_LOOKS,
    "clouded",
    UNDER_SNOW,
    SNOW_IN_PART,
    "water",
    "radar-blind",
    OUTSIDE,
    UNCLASSIFIED,
    FLAT,
    NO_ELEVATION,
)
"""What becomes of a tile: of what is looked at, whether there is an earlier look to compare it with."""


def decisions(rows: Iterable[Observation]) -> Counter[str]:
    """How many tiles of an acquisition met which of `DECISIONS`."""
    return Counter(_decision(row) for row in rows)


def _decision(row: Observation) -> str:
    if row.decision != LOOKED:
        return row.decision
    needed = LEAST_PASSES if row.sensor is Sensor.SAR else 1
    return COMPARED if row.reference_count >= needed and row.jointly_valid_fraction > 0 else TOO_FEW_LOOKS


def observed(acquisition: Acquisition, look: Look, href: str, through: Instruments) -> Observation:
    """The row of a look that is kept as `href`; what it is compared with is added by `compared`."""
    stats = tile_stats(look.probability, look.spread, look.state, through.threshold)
    row = _row(acquisition, look.tile, through, stats, LOOKED, href)
    if through.network is None:
        return replace(row, network=through.silence)
    answered = np.isfinite(look.probability).any()
    return replace(row, network=NetworkAnswer.ANSWERED if answered else NetworkAnswer.LEARNING)


def silence(rows: Iterable[Observation]) -> str:
    """Where a network that is there said nothing, and why, for the end of a sentence."""
    counts = Counter(row.network for row in rows if row.network and row.network.is_silence)
    parts = [f"{count} tile{'s' if count > 1 else ''} ({why})" for why, count in sorted(counts.items())]
    return f"; no answer of the network on {', '.join(parts)}" if parts else ""


def compared(
    row: Observation, look: Look, earlier: Sequence[KeptLook], previous: Look, reference: Before, threshold: float
) -> Observation:
    """The row of a look with its change since the previous comparable look, over jointly valid pixels.

    Args:
        row: of `look`, from `observed`.
        earlier: what `reference` was made of; `previous` is the newest look through the same model.
        threshold: the model card's.
    """
    row = replace(row, reference_count=len(earlier))
    joint = valid(look) & valid(previous)
    if not joint.any():
        return row
    row = replace(
        row,
        previous_acquisition=previous.acquisition_id,
        jointly_valid_fraction=float((valid(look) & (reference.count > 0)).mean()),
    )
    joint &= np.isfinite(look.probability) & np.isfinite(previous.probability)
    if not joint.any():
        return row
    now, before = look.probability[joint].astype(np.float64), previous.probability[joint].astype(np.float64)
    limit = np.float32(threshold)
    return replace(
        row,
        shared_fraction=float(joint.mean()),
        mean_change=float(now.mean() - before.mean()),
        p95_change=float(np.percentile(now, 95) - np.percentile(before, 95)),
        hazard_change_ha=float((now >= limit).sum() - (before >= limit).sum()) * PIXEL_HA,
    )


def unseen(acquisition: Acquisition, pixels: TilePixels, tile: Tile, through: Instruments) -> Observation:
    """The row of a tile where nothing was observed: also a fact, with its reason."""
    state = pixels.state
    if acquisition.sensor is Sensor.OPTICAL and np.isfinite(pixels.bands).any() and _hidden_by(state) == OUTSIDE:
        return _nothing(acquisition, tile, state, through, UNCLASSIFIED)
    return _nothing(acquisition, tile, state, through, _hidden_by(state))


def snowed_in(acquisition: Acquisition, look: Look, through: Instruments) -> Observation:
    """The row of a tile that radar saw and where snow lay on all that it saw."""
    return _nothing(acquisition, look.tile, look.state, through, UNDER_SNOW)


def without_elevation(acquisition: Acquisition, tile: Tile, through: Instruments) -> Observation:
    """The row of a tile whose pixels were not even read, because its slopes are unknown."""
    return _nothing(acquisition, tile, _unread(), through, NO_ELEVATION)


def flat(acquisition: Acquisition, tile: Tile, through: Instruments) -> Observation:
    """The row of a tile that is left out because nothing can slide there."""
    return _nothing(acquisition, tile, _unread(), through, FLAT)


def _unread() -> NDArray[np.uint8]:
    return np.full((TILE_PX, TILE_PX), PixelState.NODATA, dtype=np.uint8)


def _hidden_by(state: NDArray[np.uint8]) -> str:
    if (state == PixelState.NODATA).all():
        return OUTSIDE
    if (state == PixelState.SNOW).mean() >= WHITE_SHARE:
        return UNDER_SNOW
    hidden = {
        "clouded": np.isin(state, (PixelState.CLOUD, PixelState.SHADOW)).sum(),
        SNOW_IN_PART: (state == PixelState.SNOW).sum(),
        "water": (state == PixelState.WATER).sum(),
        "radar-blind": np.isin(state, (PixelState.LAYOVER, PixelState.RADAR_SHADOW)).sum(),
    }
    return max(hidden, key=lambda reason: int(hidden[reason]))


def _nothing(
    acquisition: Acquisition, tile: Tile, state: NDArray[np.uint8], through: Instruments, decision: str
) -> Observation:
    nothing = np.full(state.shape, np.nan, dtype=np.float32)
    stats = replace(tile_stats(nothing, nothing, state, 1.0), valid_fraction=0.0)
    return _row(acquisition, tile, through, stats, decision, None)


def _row(
    acquisition: Acquisition, tile: Tile, through: Instruments, stats: TileStats, decision: str, href: str | None
) -> Observation:
    return Observation(
        tile=tile,
        acquisition_key=acquisition.key,
        acquisition_version=acquisition.version,
        sensing_time=acquisition.sensing_time,
        sensor=acquisition.sensor,
        relative_orbit=acquisition.relative_orbit,
        model_version=through.model_version,
        comparable=acquisition.comparable,
        stats=stats,
        look_href=href,
        decision=decision,
    )
