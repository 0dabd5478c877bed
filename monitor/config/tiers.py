"""How rare a change must be on quiet ground to be an alert, and to be a warning."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from monitor.core.lifecycle import LifecycleSettings

_DEFAULT = LifecycleSettings()


class TierSettings(BaseModel):
    """Thresholds in false events per 1,000 km² and year: so many false ones an operator accepts."""

    model_config = ConfigDict(extra="forbid")

    watch: Annotated[float, Field(gt=0)] = _DEFAULT.watch_rate
    """A change so rare or rarer is an alert at its first look; others wait as candidates for a second one."""
    warning: Annotated[float, Field(gt=0)] = _DEFAULT.warning_rate
    """An alert so rare or rarer is a warning."""
    null_rates: Path | None = None
    """File of what quiet ground does; None: the one that is shipped, and where none is, no rate is known."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warning > self.watch:
            raise PydanticCustomError("warning_above_watch", "warning is greater than watch: warnings are rarer")
        return self

    @property
    def lifecycle(self) -> LifecycleSettings:
        """The limits of an event's life."""
        return LifecycleSettings(watch_rate=self.watch, warning_rate=self.warning)
