"""A small world with real files: a simulated valley, a tiny network, a configuration; run in-process or as a process.

The network answers with the redness of a pixel against the ground around it, so a fresh scar is a rise of its
probability and every stage behind it has real work.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import yaml

from monitor.adapters.static_files import FOLDER
from monitor.adapters.store import SqlStore
from monitor.adapters.store.dump import dump
from monitor.config import Settings, load
from monitor.records import AcquisitionState, Event, LedgerEntry
from monitor.sandbox.valley import Valley, build_valley
from monitor.service import PassEvent, PassSummary, Service
from monitor.wiring import build
from tests.adapters.tiny_model import write_card, write_filter

ROOT = Path(__file__).parents[2]
SCENES = "sentinel-2-l2a"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
REGION = "valley"

Content = dict[str, list[dict[str, object]]]
Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What every world is copied from."""

    valley: Valley
    model: Path
    """Folder of the tiny network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def actions(self) -> list[str]:
        """The `action` of every log line."""
        return [str(json.loads(line).get("action")) for line in self.err.splitlines() if line.startswith("{")]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One folder with a catalog to spoil, and one database."""

    folder: Path
    database: str
    valley: Valley
    """The truth; its own catalog is only copied."""

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "config.yaml"

    @property
    def catalog(self) -> Path:
        """The root of this world's own copy of the catalog."""
        return self.folder / "catalog" / "catalog.json"

    @property
    def products(self) -> Path:
        """The product folder."""
        return self.folder / "products"

    def item(self, index: int) -> Path:
        """The document of the scene with this place in time."""
        stamp = f"{self.valley.times[index]:%Y%m%dT%H%M%S}"
        return next((self.folder / "catalog" / SCENES).glob(f"*_{stamp}_*/*.json"))

    def asset(self, index: int, band: str) -> Path:
        """A raster of that scene."""
        return self.item(index).parent / f"{band}.tif"

    def edit_item(self, index: int, edit: Callable[[Json], object]) -> None:
        """Change the document of a scene."""
        edit_json(self.item(index), edit)

    def hide(self, index: int) -> None:
        """Take a scene off the catalog, as if it were not published yet."""
        name = self.item(index).name
        edit_json(self._collection, lambda document: document.update(links=_without(document["links"], name)))

    def publish(self) -> None:
        """List every scene."""
        shutil.copy(self.valley.catalog.parent / SCENES / "collection.json", self._collection)

    def reprocess(self, index: int) -> None:
        """Publish a newer version of a scene, with the same pixels."""
        newer = {"s2:processing_baseline": "05.12", "s2:generation_time": "2025-12-01T00:00:00Z"}
        self.edit_item(index, lambda document: cast(Json, document["properties"]).update(newer))

    @property
    def _collection(self) -> Path:
        return self.folder / "catalog" / SCENES / "collection.json"

    def configure(self, **changes: object) -> None:
        """Write the configuration with these keys replaced."""
        document = yaml.safe_load(self.config.read_text(encoding="utf-8")) | changes
        self.config.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def settings(self) -> Settings:
        """The configuration as the service reads it."""
        return load(self.config)

    def service(self) -> Service:
        """A service in this process; close it."""
        return build(self.settings())

    def once(self, now: datetime = START, report: Callable[[PassEvent], None] = lambda _event: None) -> PassSummary:
        """One pass in this process at a time that stands still."""
        with closing(self.service()) as service:
            return service.once(lambda: now, report)

    def store(self) -> SqlStore:
        """The database; close it."""
        return SqlStore(self.settings().database)

    def dump(self) -> Content:
        """The content of the database without ids, times of processing and owners, and without this folder's name."""
        with closing(self.store()) as store:
            text = json.dumps(dump(store), sort_keys=True)
        content: Content = json.loads(text.replace(str(self.folder), "."))
        return content

    def events(self) -> list[Event]:
        """All events, strongest first."""
        with closing(self.store()) as store:
            return store.events()

    def ledger(self) -> list[LedgerEntry]:
        """The ledger, oldest acquisition first."""
        with closing(self.store()) as store:
            return sorted(store.ledger(), key=lambda entry: (entry.acquisition.sensing_time, entry.acquisition.region))

    def states(self) -> list[tuple[AcquisitionState, str | None]]:
        """State and reason of every acquisition, oldest first."""
        return [(entry.state, entry.reason) for entry in self.ledger()]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`python -m monitor …`, running; `processes.Running` saves the two seconds of its imports."""
        return subprocess.Popen(
            [sys.executable, "-m", "monitor", *arguments, "--config", str(self.config)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _without(links: object, name: str) -> list[Mapping[str, object]]:
    return [link for link in cast(list[Mapping[str, object]], links) if not str(link["href"]).endswith(name)]


def edit_json(path: Path, edit: Callable[[Json], object]) -> None:
    """Change a JSON document in place."""
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def environment() -> dict[str, str]:
    """The environment of a command: nothing of ours may configure it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SCARPWATCH_")}


def make_source(folder: Path, seed: int, size_px: int) -> Source:
    """Simulate a valley with two quiet looks and two after its storm, and write the network: once for all worlds."""
    valley = build_valley(folder / "valley", seed=seed, size_px=size_px, quiet=2, after=2)
    return Source(valley=valley, model=make_model_folder(folder / "models"))


def make_model_folder(models: Path) -> Path:
    """The tiny network of redness in a folder of models."""
    model = models / "redness"
    model.mkdir(parents=True)
    # sigmoid(2 * normalised red - 4): 0.02 on ground like its surroundings, near 1 on bare earth.
    write_filter(model / "model.onnx", np.array([2.0, 0.0, 0.0], dtype=np.float32).reshape(3, 1, 1), -4.0)
    write_card(model)
    return model


def make_world(folder: Path, source: Source, database: str = "sqlite:///watch.db") -> World:
    """A fresh world in `folder` with an empty database of the newest version."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source.valley.catalog.parent, folder / "catalog")
    shutil.copytree(source.model, folder / "models" / source.model.name)
    west, south, east, north = source.valley.bbox
    document = {
        "database": database,
        "products": "./products",
        "models": "./models",
        "model": source.model.name,
        "threads": 1,
        "catalogs": {"local": {"type": "static", "href": "catalog/catalog.json"}},
        "regions": {REGION: region(west, south, east, north)},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    world = World(folder=folder, database=database, valley=source.valley)
    with closing(world.store()) as store:
        store.upgrade()
    return world


def region(west: float, south: float, east: float, north: float, catalog: str = "local") -> Json:
    """A region of the configuration."""
    return {
        "geometry": {"bbox": [west, south, east, north]},
        "catalogs": [catalog],
        "lookback_days": 20000,
        "sensor_policy": "optical_only",
    }


def files(world: World) -> Mapping[str, str]:
    """SHA-256 of every product file by name; locks, the (empty) staging folder and kept static layers are none."""
    return {
        str(path.relative_to(world.products)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(world.products.rglob("*"))
        if path.is_file() and path.name != ".lock" and FOLDER not in path.relative_to(world.products).parts
    }


def later(minutes: float) -> datetime:
    """So long after the first pass."""
    return START + timedelta(minutes=minutes)
