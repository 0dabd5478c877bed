"""How rare a change must be on quiet ground to be an alert, and to be a warning."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from monitor.core.declared import LONGEST_DAYS, DeclaredSettings
from monitor.core.lifecycle import LifecycleSettings

_DEFAULT, _DECLARED = LifecycleSettings(), DeclaredSettings()


class DeclaredGroup(BaseModel):
    """What holds where a person has declared an event (`scarpwatch declare`)."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = _DECLARED.days
    """After which it ends by itself."""
    rate_factor: Annotated[float, Field(ge=1, le=1000)] = _DECLARED.rate_factor
    """`watch` times this is the threshold there; `warning` stays."""
    size_factor: Annotated[float, Field(ge=1, le=10)] = _DECLARED.size_factor
    """The least area, and the least strength where no rate is known, divided by this."""

    @property
    def record(self) -> DeclaredSettings:
        """As the core takes it."""
        return DeclaredSettings(days=self.days, rate_factor=self.rate_factor, size_factor=self.size_factor)


class TierSettings(BaseModel):
    """Thresholds in false events per 1,000 km² and year: so many false ones an operator accepts."""

    model_config = ConfigDict(extra="forbid")

    watch: Annotated[float, Field(gt=0)] = _DEFAULT.watch_rate
    """A change so rare or rarer is an alert at its first look; others wait as candidates for a second one."""
    warning: Annotated[float, Field(gt=0)] = _DEFAULT.warning_rate
    """An alert so rare or rarer is a warning."""
    null_rates: Path | None = None
    """File of what quiet ground does; None: the one that is shipped, and where none is, no rate is known."""

    declared: DeclaredGroup = DeclaredGroup()
    """Where a person has declared an event."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warning > self.watch:
            raise PydanticCustomError("warning_above_watch", "warning is greater than watch: warnings are rarer")
        return self

    @property
    def lifecycle(self) -> LifecycleSettings:
        """The limits of an event's life."""
        return LifecycleSettings(watch_rate=self.watch, warning_rate=self.warning)
