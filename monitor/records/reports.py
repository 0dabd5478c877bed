"""What the watch keeps of its own doings: which catalogs stand in for others, and its newest reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Catalogs of a region that stand in for those it is watched with."""

    catalogs: tuple[str, ...]
    since: datetime
    reason: str
    """A sentence."""


class ReportKind(StrEnum):
    """What a report is about."""

    AUDIT = "audit"
    """Ledger and catalogs of a region, compared."""
    NOT_AUDITED = "not-audited"
    """That they could not be compared."""
    DRILL = "drill"
    """An exercise in a region."""
    ENGINE = "engine"
    """The engine that `scarpwatch run` looks with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledReport:
    """The newest report of a kind on a region, or on all of the watch."""

    subject: str
    """The region; empty: the watch."""
    at: datetime
    body: Mapping[str, object]
    """JSON types."""
