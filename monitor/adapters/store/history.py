"""The history of the tiles: append-only observations. Functions take the session of one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.orm import Session

from monitor.adapters.store.codec import observation, observation_values
from monitor.adapters.store.database import insert_new
from monitor.adapters.store.schema import ObservationRow
from monitor.adapters.store.views import TileCoverage
from monitor.records import Observation, Sensor, Tile

# Tiles per query: well below the number of parameters that SQLite and PostgreSQL take.
_TILES_PER_QUERY = 500


def append(session: Session, observations: Sequence[Observation], now: datetime) -> int:
    """Append what is not there yet and make it current instead of older versions. Returns the number of new rows."""
    known = _known(session, observations)
    new = [one for one in observations if _unique_key(one) not in known]
    if not new:
        return 0
    replaced = update(ObservationRow.__table__).where(  # type: ignore[arg-type]
        ObservationRow.acquisition_key == bindparam("of_key"),
        ObservationRow.model_version == bindparam("of_model"),
        ObservationRow.tile == bindparam("of_tile"),
        ObservationRow.current,
    )
    places = [{"of_key": one.acquisition_key, "of_model": one.model_version, "of_tile": one.tile.id} for one in new]
    session.connection().execute(replaced.values(current=False), places)
    rows = [observation_values(one) | {"current": True, "created": now} for one in new]
    return insert_new(session, ObservationRow, rows)


def _known(session: Session, observations: Sequence[Observation]) -> set[tuple[str, str, str, str]]:
    """Unique keys of what is stored of the acquisitions that these observations belong to."""
    known: set[tuple[str, str, str, str]] = set()
    for key, version in {(one.acquisition_key, one.acquisition_version) for one in observations}:
        rows = session.execute(
            select(ObservationRow.model_version, ObservationRow.tile).where(
                ObservationRow.acquisition_key == key, ObservationRow.acquisition_version == version
            )
        )
        known.update((key, version, model_version, tile) for model_version, tile in rows)
    return known


def _unique_key(one: Observation) -> tuple[str, str, str, str]:
    return one.acquisition_key, one.acquisition_version, one.model_version, one.tile.id


def looks_before(
    session: Session, tile: Tile, model_version: str, sensor: Sensor, before: datetime, limit: int
) -> list[Observation]:
    """The newest current observations with a look of a tile, sensed strictly before a time, newest first."""
    return [observation(row) for row in session.scalars(last_looks(tile, model_version, sensor, before, limit))]


def last_looks(tile: Tile, model_version: str, sensor: Sensor, before: datetime, limit: int) -> Select[ObservationRow]:
    """The query of `looks_before`; it must walk `ix_observation_looks` without sorting."""
    return (
        select(ObservationRow)
        .where(
            ObservationRow.tile == tile.id,
            ObservationRow.sensor == sensor.value,
            ObservationRow.model_version == model_version,
            ObservationRow.sensing_time < before,
            ObservationRow.current,
            ObservationRow.look_href.is_not(None),
        )
        .order_by(ObservationRow.sensing_time.desc(), ObservationRow.acquisition_key.desc())
        .limit(limit)
    )


def of_tile(session: Session, tile: Tile, limit: int) -> list[Observation]:
    """The newest current observations of a tile by any sensor and model, newest first."""
    rows = session.scalars(
        select(ObservationRow)
        .where(ObservationRow.tile == tile.id, ObservationRow.current)
        .order_by(ObservationRow.sensing_time.desc(), ObservationRow.id.desc())
        .limit(limit)
    )
    return [observation(row) for row in rows]


def coverage(
    session: Session, tiles: Iterable[Tile], since: datetime, sensor: Sensor | None
) -> dict[Tile, TileCoverage]:
    """For every tile its last look with valid pixels sensed at or after a time; also tiles that have none."""
    seen: dict[Tile, TileCoverage] = {}
    for chunk in _chunks(tiles):
        rows = {tile: (time, valid) for tile, time, valid in session.execute(_last_valid(chunk, since, sensor))}
        for tile in chunk:
            last_look, valid_fraction = rows.get(tile.id, (None, 0.0))
            seen[tile] = TileCoverage(tile=tile, last_look=last_look, valid_fraction=valid_fraction)
    return seen


def _last_valid(tiles: Sequence[Tile], since: datetime, sensor: Sensor | None) -> Select[str, datetime, float]:
    valid = [
        ObservationRow.tile.in_([tile.id for tile in tiles]),
        ObservationRow.sensing_time >= since,
        ObservationRow.current,
        ObservationRow.valid_fraction > 0,
    ]
    if sensor is not None:
        valid.append(ObservationRow.sensor == sensor.value)
    newest = (
        select(ObservationRow.tile.label("tile"), func.max(ObservationRow.sensing_time).label("sensing_time"))
        .where(*valid)
        .group_by(ObservationRow.tile)
        .subquery()
    )
    same = (ObservationRow.tile == newest.c.tile) & (ObservationRow.sensing_time == newest.c.sensing_time)
    return (
        select(ObservationRow.tile, ObservationRow.sensing_time, func.max(ObservationRow.valid_fraction))
        .join(newest, same)
        .where(*valid)
        .group_by(ObservationRow.tile, ObservationRow.sensing_time)
    )


def _chunks(tiles: Iterable[Tile]) -> Iterator[list[Tile]]:
    rest = iter(tiles)
    while chunk := list(islice(rest, _TILES_PER_QUERY)):
        yield chunk
