"""What travels to workers and back: records, and files of looks.

No secret travels: links are signed by whoever reads them, with what its own environment gives.
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from monitor.adapters.reach import Reach
from monitor.errors import ScarpwatchError
from monitor.records import Acquisition, ModelCard, Observation, SceneItem, Sensor, Tile

if TYPE_CHECKING:
    from monitor.block import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files of certificates (PEM)."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster that is there."""

    address: str
    """Of the scheduler, tcp:// or tls://."""
    tls: Tls | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    """What a block takes of a worker, such as GPU=1."""
    retries: int = 2
    """Of a block that failed unexpectedly, on whichever worker."""
    wait: timedelta = timedelta(minutes=5)
    """For a worker with the resources."""
    timeout: timedelta = timedelta(minutes=30)
    """Without one block begun or done."""

    @property
    def named(self) -> str:
        """For messages."""
        return f"dask {self.address}"


BEGUN = "scarpwatch-begun"
"""Topic on which a worker tells that it begins a block: the key of the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a worker makes what it looks with."""

    sensor: Sensor
    card: ModelCard | None
    """Of the network, as read here; the worker's own copy must be the same. None: there is none."""
    models: Path | None
    """Folder of model folders, on the worker; None: those that come with its installation."""
    engine: str
    """cpu, cuda or openvino."""
    threads: int
    """Of the engine; 0 = one for each core of the worker's machine."""
    elevation: tuple[SceneItem, ...]
    land_cover: tuple[SceneItem, ...]
    signed: frozenset[str]
    """Catalogs whose links are signed for the Planetary Computer."""
    reaches: tuple[Reach, ...]
    """Where the links of each catalog may lead."""

    def key(self) -> str:
        """The same for the same recipe within one process: what is made of it is kept under this name."""
        return sha256(pickle.dumps(self)).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One block of tiles, to be looked at."""

    key: str
    """Of this block of this try."""
    recipe: Recipe
    recipe_key: str
    acquisition: Acquisition
    ground: "Ground"
    tiles: tuple[Tile, ...]

    def again(self) -> "Order":
        """The same block, as another task."""
        return replace(self, key=new_key(self.acquisition))


def new_key(acquisition: Acquisition) -> str:
    """Of a task that there never was; the scheduler shows the part before the number as its name."""
    return f"look-{acquisition.key}-{uuid4().hex}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of one tile (`monitor.block.Seen`), its look as the file that it becomes."""

    tile: Tile
    look: bytes | None
    row: Observation | None
    clear: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a worker sends back."""

    worker: str
    """Its address."""
    engine: str = ""
    """What really ran; empty: no network was asked."""
    seen: tuple[Sent, ...] = ()
    mask_sources: frozenset[str] = frozenset()
    without_elevation: frozenset[Tile] = frozenset()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """By stage."""
    error: ScarpwatchError | None = None
    """Why the block was not looked at. Not raised on the worker: there it would count as a defect, and be repeated."""
