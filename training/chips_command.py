"""`python -m training chips`: cut labelled chips from any STAC catalog."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog import Asking, Collections, StacApiCatalog, StaticCatalog
from monitor.adapters.catalog.items import OPTICAL_COLLECTIONS
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.reach import Reach, plain_path
from monitor.adapters.signing import PlanetaryComputer, Signers
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.cli.exits import Exit, exit_code
from monitor.errors import ConfigError, ScarpwatchError
from monitor.looking import surroundings
from monitor.ports import Catalog
from training.datasets.cutting import Cutter, Order, Outcome, begin, finish
from training.datasets.ground_truth import GroundTruth, HazardMap, MappedLandslides, read_polygons
from training.datasets.manifest import sha256_of
from training.feedback_command import feedback_chips

Number = TypeVar("Number", int, float)

NO_LANDSLIDES: Final = "none"
"""In place of a file of polygons: nothing slid in the area, which makes quiet ground."""

_CATALOG: Final = "catalog"
_DAY: Final = ["%Y-%m-%d"]


def chips_command(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder to write: images/, labels/ and manifest.json; or --out.")
    ] = None,
    catalog: Annotated[str, typer.Option(help="STAC API, or path or URL of a static catalog.json.")] = "",
    labels: Annotated[
        Path | None, typer.Option(help="Landslide polygons (GeoJSON), raster of hazard zones (.tif), or: none.")
    ] = None,
    start: Annotated[datetime | None, typer.Option("--from", formats=_DAY, help="First day of the scenes.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=_DAY, help="Last day of the scenes.")] = None,
    area: Annotated[str, typer.Option(help="What was mapped completely: west,south,east,north or GeoJSON.")] = "",
    hazard_values: Annotated[str, typer.Option(help="Values of the raster that are hazard, such as 1,2.")] = "",
    bands: Annotated[str, typer.Option(help="Bands, also elevation, slope, tri.")] = "B04,B03,B02",
    event: Annotated[str, typer.Option(help="Event or region of all chips; default: name of the folder.")] = "",
    collection: Annotated[list[str] | None, typer.Option(help="Optical collections; default: Sentinel-2.")] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign links for the Planetary Computer.")] = False,
    min_clear: Annotated[float, typer.Option(min=0, max=1, help="Least share of labelled ground seen.")] = 0.5,
    licence: Annotated[str, typer.Option(help="Of scenes and labels, for the manifest.")] = "not stated",
    from_feedback: Annotated[
        bool, typer.Option("--from-feedback", help="Of alerts that people confirmed or dismissed, with --config.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="Configuration of the watch, for --from-feedback.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder, if it is not named first.")] = None,
) -> None:
    """Cut labelled chips on the service's grid, with the pixels the service sees; run again to go on."""
    folder = folder or out
    if folder is None:
        raise typer.BadParameter("say where to write", param_hint="FOLDER")
    if from_feedback:
        _from_feedback(folder, config, licence)
        return
    if not catalog or labels is None or start is None or end is None:
        raise typer.BadParameter("--catalog, --labels, --from and --to say what is cut", param_hint="--catalog")
    try:
        order = Order(
            bands=tuple(bands.split(",")),
            start=start.replace(tzinfo=UTC),
            end=datetime.combine(end, time.max, tzinfo=UTC),
            event=event or folder.name,
            min_clear=min_clear,
        )
        truth = _ground_truth(labels, hazard_values, area)
        begin(folder, _facts(order, catalog, collection, labels, hazard_values, truth))
        cutter = _cutter(order, truth, _open_catalog(catalog, collection), sign)
        outcomes = _cut(cutter, folder)
        _tell(outcomes)
        source = f"cut from {catalog} ({start:%Y-%m-%d} to {end:%Y-%m-%d}), labels {labels.name}"
        manifest = finish(folder, order.bands, outcomes, source, licence)
    except ScarpwatchError as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(exit_code(err)) from err
    counts = manifest.labels
    typer.echo(f"{manifest.chips} chips in {folder}: {counts.landslide} landslide and {counts.stable} stable pixels")
    if any(one.failed for one in outcomes):
        typer.echo("Some tiles could not be read: run the same command again.", err=True)
        raise typer.Exit(Exit.FAILED)


def _from_feedback(folder: Path, config: Path | None, licence: str) -> None:
    try:
        feedback_chips(folder, config, licence)
    except ScarpwatchError as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(exit_code(err)) from err


def _cut(cutter: Cutter, folder: Path) -> list[Outcome]:
    outcomes = []
    for number, one in enumerate(cutter.cut(folder), start=1):
        typer.echo(f"{number}/{len(cutter.tiles)} {one.tile.id} {one.reason}: {one.detail}", err=True)
        outcomes.append(one)
    return outcomes


def _tell(outcomes: list[Outcome]) -> None:
    reasons = [one.reason for one in outcomes]
    typer.echo(", ".join(f"{reasons.count(reason)} {reason}" for reason in sorted(set(reasons))))


def _cutter(order: Order, truth: GroundTruth, catalog: Catalog, sign: bool) -> Cutter:
    signed = Signers({_CATALOG: PlanetaryComputer()} if sign else {})
    terrain = None
    if order.terrain:
        terrain = RasterTerrainSource(catalog.terrain(surroundings(truth.area)), signed)
    return Cutter(order, truth, catalog, RasterImageSource(signed), terrain)


def _open_catalog(href: str, collections: list[str] | None) -> Catalog:
    """A static catalog is one JSON document; anything else is taken for an API."""
    wanted = Collections(optical=tuple(collections)) if collections else Collections()
    if href.lower().endswith(".json"):
        path = plain_path(href)
        address = path if "://" in path else str(Path(path).resolve())
        return StaticCatalog(name=_CATALOG, href=address, collections=wanted, asking=_asking(address))
    return StacApiCatalog(name=_CATALOG, href=href, collections=wanted, asking=_asking(href))


def _asking(address: str) -> Asking:
    """What a catalog may name; one on disk is the caller's own."""
    return Asking(reach=Reach(catalog=_CATALOG, home=address) if "://" in address else None)


def _ground_truth(labels: Path, hazard_values: str, area: str) -> GroundTruth:
    mapped = _area(area) if area else None
    if labels.suffix.lower() in (".tif", ".tiff"):
        return HazardMap(labels, _numbers(hazard_values, int, "--hazard-values"), mapped)
    if mapped is None:
        raise ConfigError(
            "polygons alone do not say where ground is stable",
            item=str(labels),
            remedy="Add --area: what was searched for landslides completely (a box or GeoJSON).",
        )
    return MappedLandslides(Polygon() if str(labels) == NO_LANDSLIDES else read_polygons(labels), mapped)


def _area(text: str) -> BaseGeometry:
    if text.endswith("json"):
        return read_polygons(Path(text))
    sides = _numbers(text, float, "--area")
    if len(sides) != 4 or not (-180 <= sides[0] < sides[2] <= 180 and -90 <= sides[1] < sides[3] <= 90):
        raise ConfigError(f"{text!r} is no box", item="--area", remedy="Write west,south,east,north in degrees.")
    west, south, east, north = sides
    return box(west, south, east, north)


def _numbers(text: str, kind: type[Number], option: str) -> list[Number]:
    try:
        return [kind(part) for part in text.split(",") if part.strip()]
    except ValueError as err:
        raise ConfigError(f"{text!r} is no list of numbers", item=option, remedy="Write them with commas.") from err


def _facts(
    order: Order,
    catalog: str,
    collections: list[str] | None,
    labels: Path,
    hazard_values: str,
    truth: GroundTruth,
) -> dict[str, object]:
    """Everything that decides what the chips look like."""
    return {
        "bands": list(order.bands),
        "from": order.start.isoformat(),
        "to": order.end.isoformat(),
        "event": order.event,
        "min_clear": order.min_clear,
        "catalog": catalog,
        "collections": collections or list(OPTICAL_COLLECTIONS),
        "labels_sha256": NO_LANDSLIDES if str(labels) == NO_LANDSLIDES else sha256_of(labels),
        "hazard_values": hazard_values,
        "area": truth.area.wkt,
    }
