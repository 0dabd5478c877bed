"""Tables of what is known of upstream."""

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
