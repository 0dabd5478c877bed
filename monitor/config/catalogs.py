"""The group `catalogs`: places that list scenes."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from monitor.adapters.reach import Reach, is_listable, plain_path
from monitor.core.land_cover import COLLECTIONS


def _known_land_cover(name: str) -> str:
    """Refuse a map whose classes nobody can read: it would be left aside without a word."""
    if name not in COLLECTIONS:
        known = {"name": name, "known": ", ".join(COLLECTIONS)}
        raise PydanticCustomError("unknown_land_cover", "the classes of {name} are not known (known: {known})", known)
    return name


def _host(entry: str) -> str:
    """Refuse what no host is called: it would allow nothing, without a word."""
    if not is_listable(entry.lower()):
        raise PydanticCustomError(
            "bad_host", "{entry} is not a host (write host, host:port, *.domain or s3://bucket)", {"entry": entry}
        )
    return entry.lower()


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
    asset_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] | None = None
    """Hosts that it may name, wherever they are, and no others beside its own; None: every public one."""
    asset_folders: tuple[Path, ...] | None = None
    """Of a static catalog on disk: folders beside its own whose files it may name; None: the one that holds its own."""

    def reach(self, name: str) -> Reach:
        """What the catalog of this name may name."""
        return Reach(catalog=name, home=plain_path(self.href), hosts=self.asset_hosts, folders=self.asset_folders)
