"""What every table of the database is made of: types of columns, and the base of all tables."""

from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import BigInteger, Boolean, DateTime, Double, Integer, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import JSON, TypeDecorator

JsonValue = dict[str, object] | list[object]


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC in and out. SQLite keeps no offset, so it gets naive UTC text, which sorts as time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; the database takes aware times only")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all tables; `Table.metadata` is what the migrations must add up to."""

    type_annotation_map: ClassVar[dict[object, object]] = {
        datetime: UtcTime(),
        float: Double(),
        bool: Boolean(),
        str: Text(),
        JsonValue: JSON().with_variant(JSONB(), "postgresql"),
    }


# SQLite numbers rows by itself only where the key is exactly INTEGER.
OptionalJson = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
RowId = BigInteger().with_variant(Integer(), "sqlite")
Name = String(200)
