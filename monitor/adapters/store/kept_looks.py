"""The last looks of many tiles at once, as references are made of them. Functions take the session of one transaction.

A history of ten years lies far apart on disk and in memory, and to walk an index of it tile by tile takes its time. So
the newest looks of a tile in each class stand in one row of a small table as well. The row is written anew in whatever
transaction adds a look, and dropped in whatever takes one away. It never is the last word: a tile without a row, or
of which more is asked than the row tells, is looked for in the history.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, String, any_, bindparam, column, delete, func, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, Session, mapped_column

from monitor.adapters.store.columns import Name, Table
from monitor.adapters.store.database import insert_new, is_sqlite
from monitor.adapters.store.schema import ObservationRow
from monitor.records import KeptLook, Tile

NEWEST: Final = 12
"""Looks in a row: as many as a radar reference is made of by default; optics need three."""


class NewestLooksRow(Table):
    """The newest looks of a tile in one class, taken from the history: one row to read instead of a walk."""

    __tablename__ = "newest_looks"

    tile: Mapped[str] = mapped_column(Name, primary_key=True)
    comparable: Mapped[str] = mapped_column(Name, primary_key=True)
    looks: Mapped[str]
    """A line for each look, newest first: the fields of `KeptLook` between tabs."""


_OBSERVATION, _NEWEST_LOOKS = ObservationRow.__table__.c, NewestLooksRow.__table__.c
_COLUMNS: Final = tuple(_OBSERVATION[name] for name in KeptLook._fields)


def newest(
    session: Session, tiles: Collection[Tile], model_version: str | None, comparable: str, before: datetime, limit: int
) -> dict[Tile, list[KeptLook]]:
    """The newest `limit` current looks of every tile, sensed strictly before a time, newest first.

    Args:
        session: a reading one.
        tiles: any number.
        model_version: None is any model.
        comparable: the class of the looks.
        before: a time with an offset from UTC.
        limit: for each tile.
    """
    ids = [tile.id for tile in tiles]
    found: dict[str, list[KeptLook]] = {}
    for tile, looks in session.execute(rows_of(session, ids, comparable)).all():
        if (last := _last(looks, model_version, before, limit)) is not None:
            found[tile] = last
    if lacking := [one for one in ids if one not in found]:
        found |= _from_history(session, lacking, before_of(model_version, comparable, before), limit)
    return {tile: found[one] for tile, one in zip(tiles, ids, strict=True)}


def rows_of(session: Session, tiles: list[str], comparable: str) -> Select[str, str]:
    """The rows of tiles, by id: tile and looks."""
    return select(_NEWEST_LOOKS.tile, _NEWEST_LOOKS.looks).where(
        _among(session, _NEWEST_LOOKS.tile, tiles), _NEWEST_LOOKS.comparable == comparable
    )


def renew(session: Session, tiles: Iterable[str], comparable: str) -> None:
    """Write the rows of tiles, by id, whose looks of this class are others now."""
    history = _from_history(session, sorted(set(tiles)), [_OBSERVATION.comparable == comparable], NEWEST)
    same_class = _NEWEST_LOOKS.comparable == comparable
    session.execute(delete(NewestLooksRow).where(_among(session, _NEWEST_LOOKS.tile, [*history]), same_class))
    rows = [(tile, _packed(looks)) for tile, looks in history.items()]
    values = [{"tile": tile, "comparable": comparable, "looks": packed} for tile, packed in rows if packed]
    insert_new(session, NewestLooksRow, values)


def drop(session: Session, tiles: Iterable[str]) -> None:
    """Drop the rows of tiles, by id, that a look was taken from: the history knows what is left of them."""
    session.execute(delete(NewestLooksRow).where(_among(session, _NEWEST_LOOKS.tile, sorted(set(tiles)))))


def newest_first(columns: Sequence[ColumnElement[Any]], *asked: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The query of looks in the history: with a tile and a class it walks `ix_observation_looks` without sorting."""
    order = (_OBSERVATION.sensing_time.desc(), _OBSERVATION.acquisition_key.desc(), _OBSERVATION.model_version)
    return select(*columns).where(*asked, _OBSERVATION.current, _OBSERVATION.look_href.is_not(None)).order_by(*order)


def before_of(model_version: str | None, comparable: str, before: datetime) -> list[ColumnElement[bool]]:
    """Of a class and a model (None is any), sensed strictly before a time."""
    through = [] if model_version is None else [_OBSERVATION.model_version == model_version]
    return [_OBSERVATION.comparable == comparable, _OBSERVATION.sensing_time < before, *through]


def _last(looks: str, model_version: str | None, before: datetime, limit: int) -> list[KeptLook] | None:
    """What a row tells; None where older looks may be asked for than it holds."""
    lines = looks.split("\n")
    last: list[KeptLook] = []
    for line in lines:
        key, version, at, orbit, model, href = line.split("\t")
        sensed = datetime.fromisoformat(at)
        if sensed < before and model_version in {None, model}:
            last.append(KeptLook(key, version, sensed, int(orbit) if orbit else None, model, href))
            if len(last) == limit:
                return last
    return last if len(lines) < NEWEST else None


def _packed(looks: Collection[KeptLook]) -> str:
    """A row; empty where there is nothing to tell, or a name would tear it (JSON takes twice the time to read)."""
    lines = [
        (
            one.acquisition_key,
            one.acquisition_version,
            one.sensing_time.isoformat(),
            "" if one.relative_orbit is None else str(one.relative_orbit),
            one.model_version,
            one.look_href,
        )
        for one in looks
    ]
    torn = any("\t" in word or "\n" in word for line in lines for word in line)
    return "" if torn else "\n".join("\t".join(line) for line in lines)


def _from_history(
    session: Session, tiles: list[str], asked: Collection[ColumnElement[bool]], limit: int
) -> dict[str, list[KeptLook]]:
    """The newest looks of every tile, by id."""
    found: dict[str, list[KeptLook]] = {tile: [] for tile in tiles}
    if is_sqlite(session):
        for tile in tiles:
            looks = newest_first(_COLUMNS, _OBSERVATION.tile == tile, *asked).limit(limit)
            found[tile] += map(KeptLook._make, session.execute(looks))
    else:
        for row in session.execute(_of_all(asked, limit), {"tiles": tiles}).all():
            found[str(row[0])].append(KeptLook._make(row[1:]))
    return found


def _of_all(asked: Collection[ColumnElement[bool]], limit: int) -> Select[*tuple[object, ...]]:
    """The newest looks of each of `:tiles`, newest first: every tile ends its own walk of `ix_observation_looks`."""
    tiles = func.unnest(bindparam("tiles", type_=postgresql.ARRAY(String))).table_valued(column("id", String))
    wanted = tiles.render_derived(name="wanted")
    looks = newest_first(_COLUMNS, _OBSERVATION.tile == wanted.c.id, *asked)
    of_tile = looks.limit(limit).lateral("of_tile")
    return select(wanted.c.id, *of_tile.c).join(of_tile, true())


def _among(session: Session, what: ColumnElement[str], tiles: list[str]) -> ColumnElement[bool]:
    """One parameter, however many tiles there are: SQLite takes some thousands, and either reads one sooner.

    PostgreSQL is told by a query, as its planner would weigh each name of a list.
    """
    if is_sqlite(session):
        return what.in_(select(func.json_each(json.dumps(tiles)).table_valued("value").c.value))
    return what == any_(func.array(select(func.unnest(func.string_to_array(" ".join(tiles), " "))).scalar_subquery()))
