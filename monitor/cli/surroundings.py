"""What a valid configuration needs around it: files, folders, drivers. `config check` looks; the service finds out."""

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from monitor.adapters.model_store import load_radar_card, load_watch_card
from monitor.cli.channel_faults import writable_folder
from monitor.cli.layer_files import odd_layers, unreadable_layers
from monitor.cli.static_catalogs import absent_collections
from monitor.config import Mistake, Settings, unknown_variables
from monitor.config.extent import LARGE_KM2, burden, held_km2
from monitor.errors import BadModel
from monitor.records import SensorPolicy


def missing(settings: Settings) -> tuple[Mistake, ...]:
    """What will keep the service from working."""
    return (
        *_catalogs(settings),
        *_model(settings),
        *_products(settings),
        *_database(settings),
        *_cluster(settings),
        *unreadable_layers(settings),
    )


def doubtful(settings: Settings, environ: Mapping[str, str]) -> tuple[Mistake, ...]:
    """What works, but is hardly meant."""
    found = [
        Mistake(name, "this variable sets nothing", "Correct its name; groups are joined by two underscores.")
        for name in unknown_variables(environ)
    ]
    if not settings.regions:
        found.append(Mistake("regions", "no region is watched", "Add one; the shipped config.yaml shows how."))
    used = {name for region in settings.regions.values() for name in region.catalogs}
    found += [
        Mistake(f"catalogs.{name}", "no region uses this catalog", "Name it in a region's `catalogs`, or remove it.")
        for name in settings.catalogs
        if name not in used
    ]
    rest = (*absent_collections(settings), *_large(settings), *odd_layers(settings))
    return (*found, *_blind(settings), *rest)


def unknown_model(settings: Settings) -> tuple[Mistake, ...]:
    """A model of a name that no folder has: most likely misspelt."""
    asked = {"model": settings.model, "radar_model": settings.radar_model}
    absent = {key: name for key, name in asked.items() if name is not None and not (settings.models / name).is_dir()}
    names = [path.name for path in settings.models.iterdir() if path.is_dir()] if settings.models.is_dir() else []
    return tuple(
        Mistake(key, f"there is no model {name} in {settings.models}", _meant(name, names))
        for key, name in absent.items()
    )


def _meant(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}? See: scarpwatch models" if close else "See: scarpwatch models"


def _blind(settings: Settings) -> list[Mistake]:
    """Regions that none of their catalogs lists scenes for, as far as the configuration says."""
    kinds = {SensorPolicy.OPTICAL_ONLY: ("optical",), SensorPolicy.RADAR_ONLY: ("radar",)}
    return [
        Mistake(
            f"regions.{name}.catalogs",
            "nothing is ever watched: every catalog has an empty list of " + " and of ".join(wanted) + " collections",
            "Name collections under `collections` of a catalog, or leave the key out: those that are known.",
        )
        for name, region in settings.regions.items()
        for wanted in (kinds.get(region.sensor_policy, ("optical", "radar")),)
        if all(getattr(settings.catalogs[one].collections, kind) == () for one in region.catalogs for kind in wanted)
    ]


def _large(settings: Settings) -> list[Mistake]:
    held = {name: held_km2(region.geometry) for name, region in settings.regions.items()}
    return [
        Mistake(f"regions.{name}.geometry", f"this is a large region: {burden(km2)}", "Cut it if this is too much.")
        for name, km2 in held.items()
        if km2 > LARGE_KM2
    ]


def _catalogs(settings: Settings) -> list[Mistake]:
    return [
        Mistake(f"catalogs.{name}.href", f"there is no file {catalog.href}", "Correct the path of the catalog.json.")
        for name, catalog in settings.catalogs.items()
        if "://" not in catalog.href and not Path(catalog.href).is_file()
    ]


def _model(settings: Settings) -> list[Mistake]:
    wrong = list(unknown_model(settings))
    unknown = {one.place for one in wrong}
    cards = {"model": load_watch_card, "radar_model": load_radar_card}
    asked = {"model": settings.model, "radar_model": settings.radar_model}
    for key, name in asked.items():
        try:
            if name is not None and key not in unknown:
                cards[key](settings.models / name)
        except BadModel as error:
            wrong.append(Mistake(key, f"{error.item}: {error.message}", error.remedy))
    return wrong


def _products(settings: Settings) -> list[Mistake]:
    if writable_folder(settings.products):
        return []
    remedy = "Choose a folder that the user running Scarpwatch may write."
    return [Mistake("products", f"{settings.products} cannot be written", remedy)]


def _database(settings: Settings) -> list[Mistake]:
    url = settings.database_url
    if url.get_backend_name() != "sqlite":
        if find_spec("psycopg") is None:
            return [Mistake("database", "the PostgreSQL driver is missing", "pip install 'scarpwatch[postgres]'")]
        return []
    path = Path(url.database or "")
    if not (_writable_file(path) and writable_folder(path.parent)):
        remedy = "Choose a file in a folder that the user running Scarpwatch may write."
        return [Mistake("database", f"{path} cannot be written", remedy)]
    return []


def _cluster(settings: Settings) -> list[Mistake]:
    """What is lacking here; whether the cluster is there is found out when it is needed."""
    if settings.executor == "local" or settings.dask is None:
        return []
    wrong = []
    if find_spec("distributed") is None:
        wrong.append(Mistake("executor", "the library of Dask is missing", "pip install 'scarpwatch[dask]'"))
    tls = settings.dask.tls
    files = {"ca_file": tls.ca_file, "cert_file": tls.cert_file, "key_file": tls.key_file} if tls else {}
    return wrong + [
        Mistake(f"dask.tls.{key}", f"{path} cannot be read", "Correct the path, or let the user read it.")
        for key, path in files.items()
        if not os.access(path, os.R_OK)
    ]


def _writable_file(path: Path) -> bool:
    """Whether a file can be written, or is not there yet: opened for writing, and left as it is."""
    if not os.path.lexists(path):
        return True
    try:
        with path.open("r+b"):
            return True
    except OSError:
        return False
