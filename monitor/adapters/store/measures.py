"""What Prometheus is told of the database. Every question goes by an index, and none is asked tile by tile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from monitor.adapters.store.database import Database
from monitor.adapters.store.ledger import NOTHING_USABLE, PROCESSED_AGAIN
from monitor.adapters.store.schema import AcquisitionRow, EventRow, ObservationRow
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.look_figures import LookRows, TileRow
from monitor.core.pass_count import Listed
from monitor.records import AcquisitionState, EventState, Sensor

_AT_ONCE = 500
"""Names in one query: well below the number of parameters that SQLite and PostgreSQL take."""
_EARLIER_LOOKS = 60
"""That the newest look is set against, at most ..."""
_EARLIER = timedelta(days=365)
"""... and from so long before it."""
_ALL_STATES = [state.value for state in AcquisitionState]
"""Named, so that the index of the queue is of use."""
_DONE = AcquisitionState.DONE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionRows:
    """What the tables hold of one region."""

    listed: list[Listed] = field(default_factory=list)
    """Since the time that was asked for."""
    states: dict[AcquisitionState, int] = field(default_factory=dict)
    """Of all acquisitions there ever were."""
    parked: dict[tuple[Sensor, str], int] = field(default_factory=dict)
    """By sensor and reason."""
    alerts: dict[EventState, int] = field(default_factory=dict)


class SqlMeasures:
    """The part of `SqlStore` that measures. Every method is one transaction and may raise StoreBusy."""

    database: Database

    def region_rows(self, regions: Iterable[str], since: datetime) -> Iterator[tuple[str, RegionRows]]:
        """How every region stands, some hundreds with a few questions; what they listed since a time."""
        for some in _chunks(regions):
            found = {region: RegionRows() for region in some}
            with self.database.read() as session:
                _fill(session, found, since)
            yield from found.items()

    def oldest_due(self, regions: Iterable[str], now: datetime) -> dict[str, datetime]:
        """Since when the acquisition that waits longest is due, history apart; regions with none are left out."""
        row = AcquisitionRow
        ripe = or_(row.not_before.is_(None), row.not_before <= now)
        waits = and_(row.state == AcquisitionState.DISCOVERED.value, ripe)
        left = and_(row.state == AcquisitionState.CLAIMED.value, row.lease_until <= now)
        due_since = case((left, row.lease_until), else_=func.coalesce(row.not_before, row.updated))
        unfinished = row.state.in_([AcquisitionState.DISCOVERED.value, AcquisitionState.CLAIMED.value])
        found: dict[str, datetime] = {}
        for some in _chunks(regions):
            due = (row.region.in_(some), unfinished, ~row.history, or_(waits, left))
            with self.database.read() as session:
                rows = session.execute(select(row.region, func.min(due_since)).where(*due).group_by(row.region))
                found |= {region: since for region, since in rows}
        return found

    def newest_ever(self, region: str, sensor: Sensor) -> tuple[datetime | None, datetime | None]:
        """Sensing time of the newest acquisition of a sensor, and of the newest that showed ground, however old."""
        row = AcquisitionRow
        usable = case((_is_usable(), row.sensing_time))
        chosen = (row.region == region, row.sensor == sensor.value, _is_listed())
        with self.database.read() as session:
            newest, shown = session.execute(select(func.max(row.sensing_time), func.max(usable)).where(*chosen)).one()
            return newest, shown

    def newest_look(self, region: str, sensor: Sensor, tiles: Sequence[str]) -> LookRows:
        """What the newest look of a sensor that showed ground says of a region's tiles, and looks of its kind before.

        Walks an index that ends with the acquisition or the year: the cost goes with tiles, not with the history.
        """
        with self.database.read() as session:
            looks = session.execute(_usable_looks(region, sensor)).all()
            if not looks:
                return LookRows()
            newest, *earlier = ((key, version) for key, version, _ in looks)
            kinds, rows = _rows_of(session, *newest, tiles)
            if not rows:
                return LookRows()
            model, comparable = kinds
            since = looks[0].sensing_time - _EARLIER
            keys = [key for (key, _), look in zip(earlier, looks[1:], strict=True) if look.sensing_time >= since]
            return LookRows(tiles=rows, before=_means(session, keys, since, (model, comparable), list(rows)))

    def found_at(self, region: str, at: datetime) -> set[tuple[str, str]]:
        """Key and version of what one poll put into the ledger of a region, history apart."""
        row = AcquisitionRow
        chosen = (row.region == region, row.state.in_(_ALL_STATES), row.discovered == at, ~row.history)
        with self.database.read() as session:
            return {(key, version) for key, version in session.execute(select(row.key, row.version).where(*chosen))}


def _fill(session: Session, found: Mapping[str, RegionRows], since: datetime) -> None:
    row, regions = AcquisitionRow, list(found)
    of_regions, parked = row.region.in_(regions), row.state == AcquisitionState.PARKED.value
    columns = (
        *(row.region, row.sensor, row.platform, row.relative_orbit, row.sensing_time, row.state),
        _is_usable(),
    )
    recent = (of_regions, row.state.in_(_ALL_STATES), row.sensing_time >= since, _is_listed())
    for region, sensor, platform, orbit, at, state, usable in session.execute(select(*columns).where(*recent)):
        # What is to be done again counts as it was until then.
        state = AcquisitionState.DONE if state == AcquisitionState.SUPERSEDED.value else AcquisitionState(state)
        found[region].listed.append(
            Listed(
                sensor=Sensor(sensor),
                platform=platform,
                relative_orbit=orbit,
                sensing_time=at,
                state=state,
                usable=bool(usable),
            )
        )
    states = select(row.region, row.state, func.count()).where(of_regions).group_by(row.region, row.state)
    for region, state, count in session.execute(states):
        found[region].states[AcquisitionState(state)] = count
    why = (row.region, row.sensor, row.reason)
    for region, sensor, reason, count in session.execute(
        select(*why, func.count()).where(of_regions, parked).group_by(*why)
    ):
        found[region].parked[Sensor(sensor), reason or "parked"] = count
    event = EventRow
    is_alert = (event.region.in_(regions), event.state.in_([state.value for state in ALERT_STATES]))
    alerts = select(event.region, event.state, func.count()).where(*is_alert).group_by(event.region, event.state)
    for region, state, count in session.execute(alerts):
        found[region].alerts[EventState(state)] = count


def _is_usable() -> ColumnElement[bool]:
    """It showed ground. Of what is to be done again that is not known any more, and taken to be so."""
    row = AcquisitionRow
    return or_(and_(row.state == _DONE, row.reason != NOTHING_USABLE), row.reason == PROCESSED_AGAIN)


def _is_listed() -> ColumnElement[bool]:
    row = AcquisitionRow
    return or_(row.state != AcquisitionState.SUPERSEDED.value, row.reason == PROCESSED_AGAIN)


def _usable_looks(region: str, sensor: Sensor) -> Select[str, str, datetime]:
    """Key, version and sensing time of the newest acquisitions that are done and showed ground, newest first."""
    row = AcquisitionRow
    return (
        select(row.key, row.version, row.sensing_time)
        .where(row.region == region, row.state == _DONE, row.sensor == sensor.value, row.reason != NOTHING_USABLE)
        .order_by(row.sensing_time.desc(), row.key.desc())
        .limit(1 + _EARLIER_LOOKS)
    )


def _rows_of(
    session: Session, key: str, version: str, tiles: Sequence[str]
) -> tuple[tuple[str, str], dict[str, TileRow]]:
    """Model and comparability class of an acquisition's newest rows with a probability, and these by tile."""
    row = ObservationRow
    columns = (
        row.id,
        row.model_version,
        row.comparable,
        row.tile,
        row.mean,
        row.mean_change,
        row.p95_change,
        row.shared_fraction,
        row.hazard_area_ha,
    )
    of_look = (row.acquisition_key == key, row.acquisition_version == version, row.current, row.mean.is_not(None))
    found = [
        one for some in _chunks(tiles) for one in session.execute(select(*columns).where(*of_look, row.tile.in_(some)))
    ]
    if not found:
        return ("", ""), {}
    newest = max(found, key=lambda one: one.id)
    rows = {
        one.tile: TileRow(
            mean=one.mean or 0.0,
            mean_change=one.mean_change,
            p95_change=one.p95_change,
            shared_fraction=one.shared_fraction,
            hazard_area_ha=one.hazard_area_ha,
        )
        for one in found
        if one.model_version == newest.model_version
    }
    return (newest.model_version, newest.comparable), rows


def _means(
    session: Session, keys: Sequence[str], since: datetime, kind: tuple[str, str], tiles: Sequence[str]
) -> tuple[float, ...]:
    """Mean probabilities of tiles in earlier looks of one model and comparability class."""
    row, (model, comparable) = ObservationRow, kind
    # The time says nothing that the keys do not, but lets the index of the looks stop as well.
    chosen = (
        row.acquisition_key.in_(keys),
        row.sensing_time >= since,
        row.model_version == model,
        row.comparable == comparable,
        row.current,
        row.mean.is_not(None),
    )
    return tuple(
        mean
        for some in _chunks(tiles)
        for mean in session.scalars(select(row.mean).where(*chosen, row.tile.in_(some)))
        if mean is not None
    )


def _chunks(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while chunk := list(islice(rest, _AT_ONCE)):
        yield chunk
