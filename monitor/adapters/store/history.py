"""The history of the tiles: append-only observations. Functions take the session of one transaction."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from monitor.adapters.store import kept_looks
from monitor.adapters.store.codec import observation, observation_values
from monitor.adapters.store.database import insert_new
from monitor.adapters.store.schema import ObservationRow
from monitor.adapters.store.views import TileCoverage
from monitor.core.flat import FLAT
from monitor.core.masks import LOOKED, NO_ELEVATION, UNDER_SNOW
from monitor.records import NetworkAnswer, Observation, Sensor, Sighting, Tile

# Tiles per query: well below the number of parameters that SQLite and PostgreSQL take.
_TILES_PER_QUERY = 500
_CLOUDED = 0.5
"""Of a tile that clouds hide more of, what is called snow is not believed: they are often taken for it."""
# Plain columns: to make an object of a row that is only read takes as long as to read it.
_RECORDED = tuple(one for one in ObservationRow.__table__.c if one.name not in {"id", "current", "created"})
_SAYS_NOTHING = frozenset({NO_ELEVATION, FLAT})
"""Decisions that were made without the pixels."""


def append(session: Session, observations: Sequence[Observation], now: datetime) -> int:
    """Append what is not there yet and make it current instead of older versions. Returns the number of new rows.

    That a region's catalogs know no elevation, or that the ground is flat by theirs, says nothing of the pixels, which
    another region may have looked at: such a row gives way to a look, whichever comes first.
    """
    stored = _stored(session, observations)
    new = [one for one in observations if _adds(one, stored.get(_place(one), {}))]
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
    for one in new:
        if one.acquisition_version in stored.get(_place(one), {}):
            session.execute(delete(ObservationRow).where(*_same_row(one)))
    rows = [observation_values(one) | {"current": True, "created": now} for one in new]
    added = insert_new(session, ObservationRow, rows)
    kept_looks.drop(session, (one.tile.id for one in new if _place(one) in stored))
    looked = [one for one in new if one.look_href]
    for comparable in {one.comparable for one in looked}:
        kept_looks.renew(session, (one.tile.id for one in looked if one.comparable == comparable), comparable)
    return added


_Place = tuple[str, str, str]
"""Acquisition key, model version and tile: of all versions of an acquisition one row is current here."""


def _place(one: Observation) -> _Place:
    return one.acquisition_key, one.model_version, one.tile.id


def _stored(session: Session, observations: Sequence[Observation]) -> dict[_Place, dict[str, str]]:
    """Decisions by version of what is stored of the acquisitions that these observations belong to."""
    stored: dict[_Place, dict[str, str]] = {}
    columns = (
        ObservationRow.model_version,
        ObservationRow.tile,
        ObservationRow.acquisition_version,
        ObservationRow.decision,
    )
    for key in sorted({one.acquisition_key for one in observations}):
        for model, tile, version, decision in session.execute(
            select(*columns).where(ObservationRow.acquisition_key == key)
        ):
            stored.setdefault((key, model, tile), {})[version] = decision
    return stored


def _adds(one: Observation, versions: Mapping[str, str]) -> bool:
    """Whether a row says more than the versions that are stored."""
    if one.decision in _SAYS_NOTHING:
        return not versions
    return versions.get(one.acquisition_version, NO_ELEVATION) in _SAYS_NOTHING


def _same_row(one: Observation) -> list[ColumnElement[bool]]:
    return [
        ObservationRow.acquisition_key == one.acquisition_key,
        ObservationRow.acquisition_version == one.acquisition_version,
        ObservationRow.model_version == one.model_version,
        ObservationRow.tile == one.tile.id,
    ]


def forget_looks(session: Session, exists: Callable[[str], bool]) -> int:
    """Take back the href of every look that does not exist any more; how many there were."""
    looks = select(ObservationRow.look_href, ObservationRow.tile).where(ObservationRow.look_href.is_not(None))
    lost = {href: tile for href, tile in session.execute(looks.distinct()) if href and not exists(href)}
    gone = [{"of_href": href} for href in lost]
    if gone:
        kept_looks.drop(session, lost.values())
        forget = update(ObservationRow.__table__).where(ObservationRow.look_href == bindparam("of_href"))  # type: ignore[arg-type]
        session.connection().execute(forget.values(look_href=None), gone)
    return len(gone)


def newest_looks(session: Session, limit: int) -> list[tuple[Sensor, str]]:
    """Sensor and href of the looks that were kept last."""
    rows = session.execute(
        select(ObservationRow.sensor, ObservationRow.look_href)
        .where(ObservationRow.look_href.is_not(None))
        .order_by(ObservationRow.id.desc())
        .limit(limit)
    )
    return [(Sensor(sensor), href) for sensor, href in rows if href is not None]


def looks_before(
    session: Session, tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
) -> list[Observation]:
    """The newest current observations with a look of a tile, sensed strictly before a time, newest first."""
    return [observation(row) for row in session.execute(last_looks(tile, model_version, comparable, before, limit))]


def last_looks(
    tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
) -> Select[*tuple[Any, ...]]:
    """The query of `looks_before`."""
    asked = kept_looks.before_of(model_version, comparable, before)
    return kept_looks.newest_first(_RECORDED, ObservationRow.tile == tile.id, *asked).limit(limit)


def all_white(session: Session, tile: Tile, before: datetime) -> bool:
    """Whether the newest that optics saw of a tile before a time, clouds apart, was nothing but snow."""
    newest = session.scalar(
        select(ObservationRow.decision)
        .where(
            ObservationRow.tile == tile.id,
            ObservationRow.comparable == Sensor.OPTICAL.value,
            ObservationRow.current,
            ObservationRow.decision.in_((LOOKED, UNDER_SNOW)),
            ObservationRow.sensing_time < before,
        )
        .order_by(ObservationRow.sensing_time.desc(), ObservationRow.id.desc())
        .limit(1)
    )
    return newest == UNDER_SNOW


def most_snow(session: Session, tiles: Iterable[Tile], since: datetime, before: datetime) -> float:
    """The largest share under snow of what one pass of optics saw of tiles, from `since` to before `before`."""
    snow: defaultdict[str, float] = defaultdict(float)
    seen: defaultdict[str, float] = defaultdict(float)
    for chunk in chunks(tiles):
        rows = session.execute(
            select(
                ObservationRow.acquisition_key,
                func.sum(func.coalesce(ObservationRow.snow_fraction, 0.0)),
                func.sum(ObservationRow.valid_fraction),
            )
            .where(
                ObservationRow.tile.in_([tile.id for tile in chunk]),
                ObservationRow.comparable == Sensor.OPTICAL.value,
                ObservationRow.current,
                ObservationRow.sensing_time >= since,
                ObservationRow.sensing_time < before,
                ObservationRow.cloud_fraction <= _CLOUDED,
            )
            .group_by(ObservationRow.acquisition_key)
        )
        for key, white, valid in rows:
            snow[key] += white
            seen[key] += white + valid
    return max((snow[key] / seen[key] for key in snow if snow[key] > 0), default=0.0)


def kinds_of_look(session: Session, tile: Tile) -> list[str]:
    """Every comparability class in which a tile has looks, sorted."""
    with_look = (ObservationRow.tile == tile.id, ObservationRow.current, ObservationRow.look_href.is_not(None))
    return sorted(session.scalars(select(ObservationRow.comparable).where(*with_look).distinct()))


def of_tile(session: Session, tile: Tile, limit: int) -> list[Observation]:
    """The newest current observations of a tile by any sensor and model, newest first."""
    return [observation(row) for row in session.execute(newest_rows(tile, limit))]


def newest_rows(tile: Tile, limit: int) -> Select[*tuple[Any, ...]]:
    """The query of `of_tile`: it must walk `ix_observation_tile` without sorting."""
    return (
        select(*_RECORDED)
        .where(ObservationRow.tile == tile.id, ObservationRow.current)
        .order_by(ObservationRow.sensing_time.desc(), ObservationRow.id.desc())
        .limit(limit)
    )


def sightings(session: Session, tile: Tile, limit: int) -> list[Sighting]:
    """What the rows of `of_tile` say of what was seen: a fifth of their cost, as nothing else is read."""
    return [
        Sighting(
            at, Sensor(sensor), decision, comparable, model, href, NetworkAnswer(network) if network else None, joint
        )
        for at, sensor, decision, comparable, model, href, network, joint in session.execute(
            _SIGHTINGS, {"tile": tile.id, "limit": limit}
        )
    ]


_SIGHTINGS = (
    select(
        ObservationRow.sensing_time,
        ObservationRow.sensor,
        ObservationRow.decision,
        ObservationRow.comparable,
        ObservationRow.model_version,
        ObservationRow.look_href,
        ObservationRow.network,
        ObservationRow.jointly_valid_fraction,
    )
    .where(ObservationRow.tile == bindparam("tile"), ObservationRow.current)
    .order_by(ObservationRow.sensing_time.desc(), ObservationRow.id.desc())
    .limit(bindparam("limit"))
)


def coverage(
    session: Session, tiles: Iterable[Tile], since: datetime, sensor: Sensor | None
) -> dict[Tile, TileCoverage]:
    """For every tile its last look with valid pixels sensed at or after a time; also tiles that have none."""
    seen: dict[Tile, TileCoverage] = {}
    for chunk in chunks(tiles):
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


def chunks(tiles: Iterable[Tile]) -> Iterator[list[Tile]]:
    """Tiles by so many as one query, or one transaction, may ask for."""
    rest = iter(tiles)
    while chunk := list(islice(rest, _TILES_PER_QUERY)):
        yield chunk
