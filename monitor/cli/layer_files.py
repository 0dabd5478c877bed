"""What is wrong with an operator's layers: looked at by `config check`, where alerts only say that it is unknown."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from monitor.config import Mistake, Settings
from monitor.core.grid import project, region_tiles
from monitor.errors import BadAsset

if TYPE_CHECKING:
    from monitor.adapters.exposure_layers import ReadLayer

_NEAR_M = 20_000.0


def unreadable_layers(settings: Settings) -> list[Mistake]:
    """Layers that cannot be read, each once."""
    found = {place: error for place, _, error in _read(settings) if isinstance(error, BadAsset)}
    return [Mistake(place, f"{error.item}: {error.message}", error.remedy) for place, error in found.items()]


def odd_layers(settings: Settings) -> list[Mistake]:
    """Layers of which features are left out or mended, and those that have nothing near a region."""
    found: dict[tuple[str, str], Mistake] = {}
    for place, region, read in _read(settings):
        if isinstance(read, BadAsset):
            continue
        if said := read.complaint():
            remedy = "Mend them in the file, or live without: the rest of it is used."
            found.setdefault((place, "features"), Mistake(place, said.partition(": ")[2], remedy))
        if not _near(read, settings, region):
            remedy = "If that is not meant, look whether the file has the right CRS."
            found[place, region] = Mistake(place, f"it has nothing within 20 km of region {region}", remedy)
    return list(found.values())


def _read(settings: Settings) -> Iterator[tuple[str, str, "ReadLayer | BadAsset"]]:
    """Every layer of every region: its place in the configuration, the region, and what is read."""
    # Imported when it is needed: `--help` needs no second GDAL.
    from monitor.adapters.exposure_layers import read_layer

    for region, sources in settings.region_layers().items():
        ground = settings.regions[region].geometry
        for source in sources:
            own = source.name in settings.regions[region].layers
            place = f"regions.{region}.layers.{source.name}" if own else f"layers.{source.name}"
            try:
                yield place, region, read_layer(source, _zone(settings, region), ground)
            except BadAsset as error:
                yield place, region, error


def _zone(settings: Settings, region: str) -> int:
    return region_tiles(settings.regions[region].geometry.representative_point().buffer(1e-4))[0].epsg


def _near(read: "ReadLayer", settings: Settings, region: str) -> bool:
    ground = project(settings.regions[region].geometry.segmentize(0.1), 4326, _zone(settings, region))
    return len(read.layer.tree.query(ground, predicate="dwithin", distance=_NEAR_M)) > 0
