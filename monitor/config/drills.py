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
    """Radar seldom sees scars of two hectares and less."""
    hour_utc: Annotated[int, Field(ge=0, le=23)] = 2
    """When nobody waits for the machine."""
    ha: Annotated[float, Field(ge=0.05, le=LARGEST_HA)] = 2.0
    """So large that the chain decides whether they are seen, and not the ground: of half a hectare optics miss one in
    four (benchmarks/README.md)."""
    count: Annotated[int, Field(ge=1, le=50)] = 3
    deliver: bool = False
    """Whether channels that take exercises are told."""
