"""Times that people type."""

from datetime import UTC, datetime

import typer


def as_utc(given: datetime | None) -> datetime | None:
    """A time without zone is UTC, as everything that Scarpwatch prints."""
    return None if given is None else given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


def given_time(given: str, option: str) -> datetime:
    """A day or a time.

    Raises:
        typer.BadParameter: it is none; blames the option, with an example.
    """
    try:
        time = datetime.fromisoformat(given)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the first and the last day there is have no other zone
        words = f"{given!r} is no time such as 2026-07-01 or 2026-07-01T06:00Z (without offset UTC)"
        raise typer.BadParameter(words, param_hint=option) from error
