"""The groups `platforms` and `audit`: what is known of satellites, and when ledger and catalogs are compared."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from monitor.config.refusing import refuse
from monitor.core.fleet import Service


def _utc(value: datetime) -> datetime:
    """A day, or a time without offset, is UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Time = Annotated[datetime, AfterValidator(_utc)]


class PlatformSettings(BaseModel):
    """When one satellite serves; an end that is left out is open."""

    model_config = ConfigDict(extra="forbid")

    since: Time | None = None
    """Scenes of before are looked at, and nothing is expected of them."""
    until: Time | None = None
    """From then on none of its passes is waited for."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.until <= self.since:
            error = PydanticCustomError("ends_before", "it ends before it begins")
            refuse([(("until",), error, self.until)])
        return self

    @property
    def service(self) -> Service:
        """The same for the watch."""
        return Service(since=self.since, until=self.until)


def named_as_in_catalogs(value: object) -> object:
    """Names as items have them once they are read: Sentinel-1B and `sentinel 1b` are sentinel-1b."""
    if not isinstance(value, Mapping):
        return value
    return {re.sub(r"\s+", "-", str(name).lower()): one for name, one in value.items()}


class AuditSettings(BaseModel):
    """The group `audit`: every night `scarpwatch run` compares its ledger with the catalogs."""

    model_config = ConfigDict(extra="forbid")

    nightly: bool = True
    hour_utc: Annotated[int, Field(ge=0, le=23)] = 3
    """An hour after the default one of drills."""
