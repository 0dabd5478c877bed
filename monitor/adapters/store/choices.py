"""Which sensor was the evidence of record, tile by tile. Functions take the session of one transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.adapters.store.database import insert_new
from monitor.adapters.store.schema import ChoiceRow
from monitor.adapters.store.views import ChoiceCount
from monitor.core.grid import tile_from_id
from monitor.records import Choice, ChoiceReason, Sensor, Tile


def append(session: Session, region: str, choices: Sequence[Choice]) -> None:
    """Append what is not there yet: a version of an acquisition that is processed again chooses the same."""
    insert_new(session, ChoiceRow, [_values(region, one) for one in choices])


def before(session: Session, region: str, sensor: Sensor, end: datetime, since: datetime) -> dict[Tile, Choice]:
    """The newest choice of every tile at an acquisition of `sensor`, sensed in [since, end)."""
    rows = session.scalars(
        select(ChoiceRow)
        .where(
            ChoiceRow.region == region,
            ChoiceRow.sensor == sensor.value,
            ChoiceRow.sensing_time >= since,
            ChoiceRow.sensing_time < end,
        )
        .order_by(ChoiceRow.sensing_time, ChoiceRow.id)
    )
    return {(one := _choice(row)).tile: one for row in rows}  # later rows take the place of earlier ones


def counts(session: Session, since: datetime) -> list[ChoiceCount]:
    """Tiles by region, sensor of the acquisition, evidence of record and reason, sensed at or after a time."""
    columns = (ChoiceRow.region, ChoiceRow.sensor, ChoiceRow.record, ChoiceRow.reason)
    rows = session.execute(select(*columns, func.count()).where(ChoiceRow.sensing_time >= since).group_by(*columns))
    found = [
        ChoiceCount(
            region=region,
            sensor=Sensor(sensor),
            record=Sensor(record) if record else None,
            reason=ChoiceReason(reason),
            count=count,
        )
        for region, sensor, record, reason, count in rows
    ]
    return sorted(found, key=lambda one: (one.region, one.sensor, one.record or "", one.reason))


def _values(region: str, one: Choice) -> dict[str, object]:
    return {
        "region": region,
        "tile": one.tile.id,
        "acquisition_key": one.acquisition_key,
        "acquisition_version": one.acquisition_version,
        "sensing_time": one.sensing_time,
        "sensor": one.sensor.value,
        "clear_fraction": float(one.clear_fraction),
        "record": one.record.value if one.record else None,
        "reason": one.reason.value,
    }


def _choice(row: ChoiceRow) -> Choice:
    return Choice(
        tile=tile_from_id(row.tile),
        acquisition_key=row.acquisition_key,
        acquisition_version=row.acquisition_version,
        sensing_time=row.sensing_time,
        sensor=Sensor(row.sensor),
        clear_fraction=row.clear_fraction,
        record=Sensor(row.record) if row.record else None,
        reason=ChoiceReason(row.reason),
    )
