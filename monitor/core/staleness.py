"""Whether catalogs that answer have stopped listing what satellites see."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from monitor.core.fleet import Fleet, serves
from monitor.core.next_pass import Passed, next_passes
from monitor.core.sensors import NAMES
from monitor.records import Sensor


def stale(
    listed: Iterable[Passed],
    known: Sequence[Passed],
    sensors: Collection[Sensor],
    now: datetime,
    margin: timedelta,
    fleet: Fleet,
) -> str:
    """Which sensor's scenes are older than the cycle of its orbits allows, in a sentence; empty: of none is that known.

    Args:
        listed: what the catalogs list of a region's look-back.
        known: every pass that any catalog ever listed, as far as passes are learned from it.
        margin: so long after a pass its scene may be listed.
    """
    still = [one for one in [*known, *listed] if serves(fleet, one.platform, now)]
    newest: dict[Sensor, datetime] = {}
    for one in listed:
        newest[one.sensor] = max(one.sensing_time, newest.get(one.sensor, one.sensing_time))
    for sensor in sorted(sensors):
        own = [one for one in still if one.sensor is sensor]
        if sensor not in newest:
            if own and now - max(one.sensing_time for one in own) > margin:
                return f"no scene of {NAMES[sensor]} is listed any more"
            continue
        coming = next_passes(own, newest[sensor], fleet)
        if coming and now - coming[0].expected > margin:
            return (
                f"the newest scene of {NAMES[sensor]} is of {newest[sensor]:%Y-%m-%d}, "
                f"and one of {coming[0].expected:%Y-%m-%d} was expected"
            )
    return ""
