"""Tables of what is known of upstream, and of the ground that is asked about."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from monitor.adapters.store.columns import JsonValue, Name, Table


class RegionPollRow(Table):
    """How the catalogs of a region did when they were last asked."""

    __tablename__ = "region_poll"

    region: Mapped[str] = mapped_column(Name, primary_key=True)
    answered: Mapped[datetime | None]
    """When all of them last answered; NULL: never."""
    fallback: Mapped[str] = mapped_column(server_default="")
    """Catalogs that stand in for them, joined by commas; empty: none."""
    fallback_since: Mapped[datetime | None]
    fallback_reason: Mapped[str] = mapped_column(server_default="")


class ReportRow(Table):
    """The newest report of each kind on each subject."""

    __tablename__ = "report"

    kind: Mapped[str] = mapped_column(Name, primary_key=True)
    subject: Mapped[str] = mapped_column(Name, primary_key=True)
    at: Mapped[datetime]
    body: Mapped[JsonValue]


class WatchedTileRow(Table):
    """A tile of a region as it was last configured. The watch never reads it: it places tiles on maps."""

    __tablename__ = "watched_tile"

    region: Mapped[str] = mapped_column(Name, primary_key=True)
    tile: Mapped[str] = mapped_column(Name, primary_key=True)
    longitude: Mapped[float]
    """Of its centre, degrees, EPSG:4326."""
    latitude: Mapped[float]
