"""What looks added to events: its table, and records to rows and back."""

from datetime import datetime
from math import nan
from typing import cast

from sqlalchemy import ForeignKey, Index, Select, false, select
from sqlalchemy.orm import Mapped, mapped_column

from monitor.adapters.store import codec
from monitor.adapters.store.schema import JsonValue, Name, RowId, Table
from monitor.core.grid import tile_from_id
from monitor.records import Growth


class GrowthRow(Table):
    """Ground that one look added to an event; the acquisition is empty for what the event was before."""

    __tablename__ = "growth"
    __table_args__ = (Index("uq_growth", "event_id", "acquisition_id", unique=True),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    event_id: Mapped[str] = mapped_column(Name, ForeignKey("event.id"))
    acquisition_id: Mapped[str]
    sensing_time: Mapped[datetime]
    geometry: Mapped[JsonValue]
    area_ha: Mapped[float]
    foreign_ha: Mapped[float]
    mean_change: Mapped[float | None]
    tiles: Mapped[JsonValue]
    took_in: Mapped[str]
    """Ids, joined by commas."""
    warning: Mapped[bool]
    withdrawn: Mapped[bool] = mapped_column(server_default=false())
    """Taken back by a person: the only column that ever changes."""


def values(event_id: str, growth: Growth) -> codec.Values:
    """Columns of a growth row."""
    return {
        "event_id": event_id,
        "acquisition_id": growth.acquisition_id,
        "sensing_time": growth.sensing_time,
        "geometry": codec.geometry_to_json(growth.geometry),
        "area_ha": float(growth.area_ha),
        "foreign_ha": float(growth.foreign_ha),
        "mean_change": codec.number(growth.mean_change),
        "tiles": [tile.id for tile in growth.tiles],
        "took_in": codec.joined(growth.took_in),
        "warning": growth.warning,
        "withdrawn": growth.withdrawn,
    }


def record(row: GrowthRow) -> Growth:
    """A growth row as a record."""
    return Growth(
        acquisition_id=row.acquisition_id,
        sensing_time=row.sensing_time,
        geometry=codec.geometry_from_json(row.geometry),
        area_ha=row.area_ha,
        foreign_ha=row.foreign_ha,
        mean_change=nan if row.mean_change is None else row.mean_change,
        tiles=tuple(tile_from_id(str(tile)) for tile in cast("list[object]", row.tiles)),
        took_in=codec.names(row.took_in),
        warning=row.warning,
        withdrawn=row.withdrawn,
    )


def in_order() -> Select[GrowthRow]:
    """All of it, event by event, as it came to be."""
    before = GrowthRow.acquisition_id != ""  # false of what the event was before
    return select(GrowthRow).order_by(GrowthRow.event_id, before, GrowthRow.sensing_time, GrowthRow.acquisition_id)
