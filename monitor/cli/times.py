"""Times that people type."""

from datetime import UTC, datetime


def as_utc(given: datetime | None) -> datetime | None:
    """A time without zone is UTC, as everything that Scarpwatch prints."""
    return None if given is None else given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
