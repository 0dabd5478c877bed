"""Events that people have declared. Functions take the session of one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from shapely.geometry import shape
from sqlalchemy import Index, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from monitor.adapters.store.codec import clean, geometry_to_json
from monitor.adapters.store.database import affected
from monitor.adapters.store.schema import JsonValue, Name, OptionalJson, RowId, Table
from monitor.records import Declaration, DeclarationKind


class DeclarationRow(Table):
    """An event that a person has declared. Only how it ended ever changes."""

    __tablename__ = "declaration"
    __table_args__ = (Index("uq_declaration_storm", "storm", unique=True), Index("ix_declaration_region", "region"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    region: Mapped[str] = mapped_column(Name)
    at: Mapped[datetime]
    until: Mapped[datetime]
    geometry: Mapped[JsonValue | None] = mapped_column(OptionalJson)
    kind: Mapped[str] = mapped_column(Name)
    name: Mapped[str]
    rate_factor: Mapped[float]
    size_factor: Mapped[float]
    storm: Mapped[str] = mapped_column(Name)
    by: Mapped[str] = mapped_column(Name)
    declared: Mapped[datetime]
    ended: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(Name)


def add(session: Session, one: Declaration) -> int:
    """Write a declaration, whatever number it has; returns the number it gets."""
    row = DeclarationRow(
        region=one.region,
        at=one.at,
        until=one.until,
        geometry=None if one.geometry is None else geometry_to_json(one.geometry),
        kind=one.kind.value,
        name=clean(one.name),
        rate_factor=one.rate_factor,
        size_factor=one.size_factor,
        storm=one.storm,
        by=clean(one.by),
        declared=one.declared,
    )
    session.add(row)
    session.flush()
    return row.id


def end(session: Session, number: int, by: str, now: datetime) -> bool:
    """End a declaration that holds; False when there is no such one."""
    standing = update(DeclarationRow).where(
        DeclarationRow.id == number, DeclarationRow.ended.is_(None), DeclarationRow.until > now
    )
    return affected(session, standing.values(ended=now, ended_by=clean(by))) == 1


def read(session: Session, region: str | None = None) -> list[Declaration]:
    """All there ever were (of a region), in the order in which they were entered."""
    statement = select(DeclarationRow).order_by(DeclarationRow.id)
    if region is not None:
        statement = statement.where(DeclarationRow.region == region)
    return [_declaration(row) for row in session.scalars(statement)]


def declared_regions(session: Session, regions: Sequence[str], now: datetime) -> set[str]:
    """Those of some regions in which a declaration is in force."""
    held = select(DeclarationRow.region).where(
        DeclarationRow.region.in_(regions),
        DeclarationRow.ended.is_(None),
        DeclarationRow.declared <= now,
        DeclarationRow.until > now,
    )
    return set(session.scalars(held))


def _declaration(row: DeclarationRow) -> Declaration:
    return Declaration(
        id=row.id,
        region=row.region,
        at=row.at,
        until=row.until,
        geometry=None if row.geometry is None else shape(cast("dict[str, object]", row.geometry)),
        kind=DeclarationKind(row.kind),
        name=row.name,
        rate_factor=row.rate_factor,
        size_factor=row.size_factor,
        storm=row.storm,
        by=row.by,
        declared=row.declared,
        ended=row.ended,
        ended_by=row.ended_by,
    )
