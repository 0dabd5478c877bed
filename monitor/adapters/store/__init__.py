"""The database: ledger, history of the tiles, events and outbox, on SQLite or PostgreSQL."""

from monitor.adapters.store.dump import dump
from monitor.adapters.store.owners import make_owner, owner_is_dead
from monitor.adapters.store.store import SqlStore
from monitor.adapters.store.views import (
    ChoiceCount,
    Chosen,
    LedgerCount,
    OutboxEntry,
    Rejection,
    RolledBack,
    TileCoverage,
)

__all__ = [
    "ChoiceCount",
    "Chosen",
    "LedgerCount",
    "OutboxEntry",
    "Rejection",
    "RolledBack",
    "SqlStore",
    "TileCoverage",
    "dump",
    "make_owner",
    "owner_is_dead",
]
