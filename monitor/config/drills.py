"""Exercises that the service makes by itself at night."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from monitor.core.paint import LARGEST_HA


class DrillSettings(BaseModel):
    """The group `drills`: a canary. What `scarpwatch drill` does, every so many days, told as metrics."""

    model_config = ConfigDict(extra="forbid")

    regions: Annotated[tuple[str, ...], Field(min_length=1)]
    every_days: Annotated[int, Field(ge=1, le=366)] = 7
    sensor: Literal["optical", "radar"] = "optical"
    """Optics show a scar of half a hectare; radar seldom one of less than two."""
    hour_utc: Annotated[int, Field(ge=0, le=23)] = 2
    """When nobody waits for the machine."""
    ha: Annotated[float, Field(ge=0.05, le=LARGEST_HA)] = 0.5
    count: Annotated[int, Field(ge=1, le=50)] = 3
    deliver: bool = False
    """Whether channels that take exercises are told."""
