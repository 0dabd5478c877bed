"""The group `catalogs`: places that list scenes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from monitor.core.land_cover import COLLECTIONS


def _known_land_cover(name: str) -> str:
    """Refuse a map whose classes nobody can read: it would be left aside without a word."""
    if name not in COLLECTIONS:
        known = {"name": name, "known": ", ".join(COLLECTIONS)}
        raise PydanticCustomError("unknown_land_cover", "the classes of {name} are not known (known: {known})", known)
    return name


class CollectionSettings(BaseModel):
    """Which collections of a catalog hold what; None: those that are known, an empty list: none."""

    model_config = ConfigDict(extra="forbid")

    optical: tuple[str, ...] | None = None
    radar: tuple[str, ...] | None = None
    """Terrain-corrected backscatter (RTC)."""
    terrain: tuple[str, ...] | None = None
    land_cover: tuple[Annotated[str, AfterValidator(_known_land_cover)], ...] | None = None


class CatalogSettings(BaseModel):
    """One place that lists scenes."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["static", "stac"]
    """static: a catalog of files; stac: a STAC API."""
    href: Annotated[str, StringConstraints(min_length=1)]
    """URL or absolute path."""
    collections: CollectionSettings = CollectionSettings()
    sign: Literal["planetary-computer"] | None = None
    """How hrefs are signed just before reading."""
