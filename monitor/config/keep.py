"""The groups `keep` and `postgres`: how long what is kept, and what is taken of a PostgreSQL server."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_Days = Annotated[int | None, Field(ge=60)]


class KeepSettings(BaseModel):
    """Left out: for ever. Events, evidence, messages and deliveries are never removed."""

    model_config = ConfigDict(extra="forbid")

    looks_days: _Days = None
    """Kept looks, but for those that references are made of."""
    observations_days: _Days = None
    """History rows of tiles without a kept look."""
    products_days: _Days = None
    """Rasters of acquisitions."""
    products_gb: Annotated[float | None, Field(gt=0)] = None
    """The oldest rasters go while there are more."""
    choices_days: _Days = None
    """Which sensor counted on every tile."""
    rejections_days: _Days = 400
    """Refused items since no poll saw them."""


class PostgresSettings(BaseModel):
    """What a process takes of a PostgreSQL server; SQLite needs none of it."""

    model_config = ConfigDict(extra="forbid")

    connections: Annotated[int, Field(ge=2, le=200)] = 15
    """At most, of each of the three pools of `scarpwatch run`: work, delivery, API."""
    statement_timeout_s: Annotated[float, Field(ge=1)] = 300.0
    """After which the server ends a statement; upgrades have no limit."""
