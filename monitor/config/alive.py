"""The group `alive`: when channels hear that the watch is alive."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from monitor.core.alive import Week

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class AliveSettings(BaseModel):
    """Once a week every channel that wants it is told how the watch over each region stands."""

    model_config = ConfigDict(extra="forbid")

    send: bool = True
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    hour_utc: Annotated[int, Field(ge=0, le=23)] = 6
    days: Annotated[int, Field(ge=1, le=60)] = 14
    """What was seen is told of so many days; without a look for so long, the watch is not well."""

    @property
    def week(self) -> Week:
        """When the message of a week is due."""
        return Week(weekday=_DAYS.index(self.weekday), hour_utc=self.hour_utc)
