"""What came before its time: whether an acquisition is late or history, and looks younger than it.

Functions take the session of one transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from monitor.adapters.store.codec import ledger_entry, observation
from monitor.adapters.store.ledger import NOTHING_USABLE, PROCESSED_AGAIN, is_this
from monitor.adapters.store.schema import AcquisitionRow, ObservationRow
from monitor.core.acquisitions import processing
from monitor.records import Acquisition, AcquisitionState, Observation, Sensor, Tile

_One = TypeVar("_One")
_AT_ONCE = 400
"""Tiles, and keys of acquisitions, per query: both are below the number of parameters that SQLite takes."""


def is_late(session: Session, acquisition: Acquisition) -> bool:
    """True when a newer one of its kind is done: of the region and sensor, for radar of the track.

    A clouded newer one compared nothing and is none.
    """
    of_track = [AcquisitionRow.relative_orbit.is_not_distinct_from(acquisition.relative_orbit)]
    newer = exists().where(
        *(of_track if acquisition.sensor is Sensor.SAR else []),
        AcquisitionRow.region == acquisition.region,
        AcquisitionRow.sensor == acquisition.sensor.value,
        AcquisitionRow.state == AcquisitionState.DONE.value,
        AcquisitionRow.reason != NOTHING_USABLE,
        AcquisitionRow.sensing_time > acquisition.sensing_time,
    )
    return bool(session.scalar(select(newer)))


def is_history(session: Session, acquisition: Acquisition) -> bool:
    """True when it was too old for alerts as it arrived, or people have it done again and newer ones are done."""
    if session.scalar(select(exists().where(is_this(acquisition), AcquisitionRow.history))):
        return True
    return _is_done_again(session, acquisition) and is_late(session, acquisition)


def _is_done_again(session: Session, acquisition: Acquisition) -> bool:
    """Whether it takes the place of a processing that counts till then: not of one that was taken back."""
    if processing(acquisition.version) == 1:
        return False
    last = session.scalar(
        select(AcquisitionRow.reason)
        .where(
            AcquisitionRow.region == acquisition.region,
            AcquisitionRow.key == acquisition.key,
            AcquisitionRow.state == AcquisitionState.SUPERSEDED.value,
        )
        .order_by(AcquisitionRow.updated.desc(), AcquisitionRow.id.desc())
        .limit(1)
    )
    return last == PROCESSED_AGAIN


def looks_after(
    session: Session, region: str, tiles: Collection[Tile], after: datetime
) -> list[tuple[Acquisition, list[Observation]]]:
    """Acquisitions of a region that are done and no history, sensed later, oldest first, with looks at some tiles.

    Of each tile of an acquisition the current look, through the model that looked last.
    """
    done = session.scalars(
        select(AcquisitionRow)
        .where(
            AcquisitionRow.region == region,
            AcquisitionRow.state == AcquisitionState.DONE.value,
            AcquisitionRow.sensing_time > after,
            ~AcquisitionRow.history,
        )
        .order_by(AcquisitionRow.sensing_time, AcquisitionRow.key)
    ).all()
    looks = _looks(session, [row.key for row in done], tiles)
    found = [(ledger_entry(row).acquisition, looks.get((row.key, row.version), {})) for row in done]
    return [(acquisition, [rows[tile] for tile in sorted(rows)]) for acquisition, rows in found if rows]


def _looks(
    session: Session, keys: Sequence[str], tiles: Collection[Tile]
) -> dict[tuple[str, str], dict[Tile, Observation]]:
    """Current looks by key and version, and by tile."""
    looks: defaultdict[tuple[str, str], dict[Tile, Observation]] = defaultdict(dict)
    for some_keys in _parts(keys):
        for some in _parts(sorted(tiles)):
            rows = session.scalars(
                select(ObservationRow)
                .where(
                    ObservationRow.acquisition_key.in_(some_keys),
                    ObservationRow.tile.in_([tile.id for tile in some]),
                    ObservationRow.current,
                    ObservationRow.look_href.is_not(None),
                )
                .order_by(ObservationRow.id)
            )
            for row in map(observation, rows):
                looks[row.acquisition_key, row.acquisition_version][row.tile] = row
    return looks


def _parts(things: Sequence[_One]) -> list[Sequence[_One]]:
    return [things[start : start + _AT_ONCE] for start in range(0, len(things), _AT_ONCE)]
