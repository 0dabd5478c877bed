"""What looking at a region's past will take: disk, time, and how long until there are references."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from monitor.core.radar import LEAST_PASSES
from monitor.core.sensors import NAMES
from monitor.records import Acquisition, AcquisitionState, LedgerEntry, Sensor

TYPICAL_MB: Mapping[Sensor, float] = {Sensor.OPTICAL: 0.5, Sensor.SAR: 0.25}
"""A look at a tile, where none has been kept yet."""
_WITH_RASTERS = 1.6
"""What is kept of an acquisition, over its looks alone: the rasters for people take somewhat more than half as much."""
TYPICAL_SECONDS_PER_TILE = 0.5
"""On two cores with the shipped model, files at hand (benchmarks/README.md); what comes over a network takes longer."""
_REPEAT = {Sensor.OPTICAL: timedelta(days=5), Sensor.SAR: timedelta(days=12)}
"""Of a single satellite of each kind, or of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was measured here; what was not is taken as is typical."""

    look_mb: Mapping[Sensor, float] = field(default_factory=dict)
    """Of a look at a tile."""
    seconds: float | None = None
    """From one acquisition of the region to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceWait:
    """From when on there is a whole reference in one comparability class."""

    comparable: str
    looks: int
    """That there are, or will be once what the catalogs list was looked at."""
    needed: int
    ready: datetime
    """Sensing time of the look that completes it; of one that is still to come if `looks` are too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What looking at some acquisitions will take."""

    acquisitions: Mapping[Sensor, int]
    """To be looked at."""
    tiles: int
    disk_mb: float
    seconds: float
    measured: bool
    """Whether the seconds were measured in this region, or are typical ones."""
    references: tuple[ReferenceWait, ...]


def to_be_there(found: Sequence[Acquisition], ledger: Sequence[LedgerEntry]) -> list[Acquisition]:
    """What there are looks of once the found acquisitions were looked at: each once, and none that is parked.

    Args:
        ledger: of the region.
    """
    known = {(one.acquisition.key, one.acquisition.version) for one in ledger}
    parked = {one.acquisition.key for one in ledger if one.state is AcquisitionState.PARKED}
    # A newer version of what is parked is looked at.
    coming = {one.key: one for one in found if one.key not in parked or (one.key, one.version) not in known}
    done = (one.acquisition for one in ledger if one.state is AcquisitionState.DONE)
    return [*coming.values(), *(one for one in done if one.key not in coming)]


def estimate(
    there: Sequence[Acquisition], new: Sequence[Acquisition], tiles: int, cost: Cost, optical_looks: int = 3
) -> Estimate:
    """What it takes to look at the `new` ones of the acquisitions that there are.

    Args:
        tiles: of the region; flat and hidden ones cost less, so this errs to the larger side.
        optical_looks: that make up a reference; radar needs `core.radar.LEAST_PASSES`.
    """
    counts = Counter(one.sensor for one in new)
    each_mb = {**TYPICAL_MB, **cost.look_mb}
    seconds = tiles * TYPICAL_SECONDS_PER_TILE if cost.seconds is None else cost.seconds
    return Estimate(
        acquisitions=dict(sorted(counts.items())),
        tiles=tiles,
        disk_mb=_WITH_RASTERS * tiles * sum(count * each_mb[sensor] for sensor, count in counts.items()),
        seconds=seconds * len(new),
        measured=cost.seconds is not None,
        references=tuple(_waits(there, optical_looks)),
    )


def _waits(there: Iterable[Acquisition], optical_looks: int) -> Iterable[ReferenceWait]:
    times: defaultdict[tuple[Sensor, str], list[datetime]] = defaultdict(list)
    for one in there:
        times[one.sensor, one.comparable].append(one.sensing_time)
    for (sensor, comparable), seen in sorted(times.items()):
        needed = optical_looks if sensor is Sensor.OPTICAL else LEAST_PASSES
        yield ReferenceWait(
            comparable=comparable, looks=len(seen), needed=needed, ready=_ready(sorted(seen), needed, _REPEAT[sensor])
        )


def _ready(times: Sequence[datetime], needed: int, repeat: timedelta) -> datetime:
    """When the last needed look was, or will be if looks go on coming as they did."""
    if len(times) >= needed:
        return times[needed - 1]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    usual = timedelta(seconds=median(gaps)) if gaps else repeat
    return times[-1] + (needed - len(times)) * usual


def told(estimate: Estimate) -> list[str]:
    """The estimate in sentences."""
    counts = ", ".join(f"{count} of {NAMES[sensor]}" for sensor, count in estimate.acquisitions.items())
    number = sum(estimate.acquisitions.values())
    source = "measured here" if estimate.measured else "typical; slow networks and clouds change it"
    lines = [
        f"{number} acquisition(s) to look at{f' ({counts})' if counts else ''} on {estimate.tiles} tile(s): "
        f"about {_size(estimate.disk_mb)} of disk and {about(estimate.seconds)} ({source})"
    ]
    for wait in estimate.references:
        when = f"from {wait.ready:%Y-%m-%d} on" if wait.looks >= wait.needed else f"about {wait.ready:%Y-%m-%d}"
        lines.append(f"references of {wait.comparable}: {when}{_made_of(wait)}")
    return lines


def _made_of(wait: ReferenceWait) -> str:
    """Of what it is whole, and what is compared before: nobody has looked at what is only known yet."""
    if wait.comparable.startswith(Sensor.OPTICAL.value):
        return (
            f" where the sky is clear (whole with {wait.needed} clear looks of a place, which is compared from its "
            f"second on; {wait.looks} scene(s) are known)"
        )
    return f" ({wait.needed} passes come before the first that is compared; {wait.looks} are known)"


def _size(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def about(seconds: float) -> str:
    """A time that is estimated, as people say it."""
    said = duration(seconds)
    return f"about {said}" if said[0].isdigit() else said


def duration(seconds: float) -> str:
    """A time to wait, as people say it."""
    minutes = seconds / 60
    if minutes < 1:
        return "less than a minute"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
