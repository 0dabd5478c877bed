"""What the pipeline needs from the world, as Protocols of a few methods. Adapters provide them; tests may too."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.core.exposure import LayersAtHand
from monitor.core.next_pass import Passed
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    Bands,
    Channel,
    ChannelCount,
    Choice,
    Declaration,
    Detector,
    Event,
    Fallback,
    FiledReport,
    KeptLook,
    LedgerEntry,
    Look,
    Message,
    Observation,
    Rejected,
    ReportKind,
    SceneItem,
    Sensor,
    Terrain,
    Tile,
)


class Catalog(Protocol):
    """A place that lists scenes."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    def search(
        self, geometry: BaseGeometry, start: datetime, end: datetime, sensor: Sensor = Sensor.OPTICAL
    ) -> tuple[list[SceneItem], list[Rejected]]:
        """Items sensed in [start, end] whose footprint intersects `geometry` (EPSG:4326), and what was refused.

        Raises:
            CatalogUnavailable: the catalog cannot be asked now.
        """

    def terrain(self, geometry: BaseGeometry) -> list[SceneItem]:
        """Elevation model items over `geometry`; they have no place in time."""

    def land_cover(self, geometry: BaseGeometry) -> list[SceneItem]:
        """Land-cover maps over `geometry` (EPSG:4326), of every year there is."""


class ImageSource(Protocol):
    """Pixels of one acquisition on the grid: optics or radar."""

    def read(self, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        """The tile's own 256x256 px; several items are mosaicked, clear pixels first.

        Raises:
            BadAsset, BadItem: the item cannot be read, ever.
            AssetUnavailable: it cannot be read now.
        """


class TerrainSource(Protocol):
    """Elevation and what follows from it, on the grid."""

    def read(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile, or None where no elevation model covers it."""

    def known(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile as far as it is at hand; None says nothing of the ground."""


class SlopeSights(Protocol):
    """Where it is kept which slopes of a tile a radar track never sees."""

    def known(self, tile: Tile, track: str, key: str) -> bool:
        """Whether it is kept, made of exactly what `key` stands for."""

    def write(self, tile: Tile, track: str, key: str, sights: NDArray[np.uint8]) -> None:
        """Keep `core.slope_sight.Sight` (256, 256) of a track, such as R046-ascending."""

    def read(self, tile: Tile) -> Mapping[str, NDArray[np.uint8]]:
        """(256, 256) Sight by track, as far as it is kept."""


class ExposureLayers(Protocol):
    """What an operator knows to lie on the ground."""

    def of(self, region: str, epsg: int) -> LayersAtHand | None:
        """The layers of a region in a metric CRS; None where it has none. A file that is wrong never raises here."""


class PassHistory(Protocol):
    """The part of the ledger that knows when satellites came."""

    def passes(self, region: str, since: datetime, until: datetime) -> list[Passed]:
        """Every pass over a region, sensed in [since, until], that a catalog listed, in order of time."""


class Engine(Protocol):
    """A network that is ready to answer."""

    @property
    def name(self) -> str:
        """The engine really in use, such as onnxruntime-cpu."""

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C, H, W) normalised input to (N, H, W) probability."""


class LookArchive(Protocol):
    """Where the looks of every tile are kept for comparison."""

    def write(self, look: Look, model_version: str) -> str:
        """Keep a look (same content, same name; atomic) and return its href relative to the product folder."""

    def read(self, href: str) -> Look:
        """A kept look.

        Raises:
            BadAsset: the file is gone or broken.
            AssetUnavailable: it cannot be read now.
        """


class Publisher(Protocol):
    """Where people find the results of an acquisition."""

    def publish(
        self,
        acquisition: Acquisition,
        layers: Mapping[str, Mapping[Tile, NDArray[np.float32]]],
        properties: Mapping[str, object],
    ) -> Path:
        """Write layers as COG with a STAC item, per tile (256, 256), NaN = unseen.

        Layers are "probability", "spread", "change" (of the network) and "brightening" (the baseline's change).

        Atomic per acquisition: a half-written product is never listed.

        Raises:
            DiskFull
        """


class Store(Protocol):
    """The database. Every method is one transaction."""

    def discover(
        self,
        region: str,
        acquisitions: Sequence[Acquisition],
        rejected: Sequence[Rejected],
        now: datetime,
        complete: bool = True,
        history_before: datetime | None = None,
    ) -> int:
        """Upsert what a poll saw; newer versions supersede. Returns the number of new ledger rows.

        `complete` is False when a catalog did not answer: then no version takes the place of one that shows more.
        New ones sensed before `history_before` are history.
        """

    def claim(self, owner: str, lease: timedelta, now: datetime, regions: Sequence[str]) -> LedgerEntry | None:
        """Claim the oldest due acquisition by one conditional UPDATE; a region's are taken in order of time."""

    def following(self, owner: str, now: datetime, regions: Sequence[str]) -> LedgerEntry | None:
        """What `owner` would claim now if it were done with what it holds; nothing is claimed."""

    def extend(self, acquisition: Acquisition, owner: str, lease: timedelta, now: datetime) -> bool:
        """Prolong a lease; False when it was lost."""

    def complete(self, acquisition: Acquisition, owner: str, result: AcquisitionResult, now: datetime) -> bool:
        """Write the result and mark the acquisition done; False (and nothing written) when the lease was lost."""

    def retry(
        self,
        acquisition: Acquisition,
        owner: str,
        reason: str,
        detail: str,
        not_before: datetime,
        now: datetime,
        counted: bool = True,
    ) -> bool:
        """Give the acquisition back for a later try; this one counts as a try unless `counted` is False."""

    def park(self, acquisition: Acquisition, owner: str, reason: str, detail: str, now: datetime) -> bool:
        """Set the acquisition aside until a person acts."""

    def looks_before(
        self, tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> list[Observation]:
        """The newest `limit` current observations of a tile that have a look, sensed before a time, newest first.

        `model_version` None means through any model; `comparable` is `Acquisition.comparable`.
        """

    def kept_looks(
        self, tiles: Collection[Tile], model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> dict[Tile, list[KeptLook]]:
        """The same for many tiles at once, with no more of the rows than a reference needs."""

    def all_white(self, tile: Tile, before: datetime) -> bool:
        """Whether the newest that optics saw of a tile before a time, clouds apart, was nothing but snow."""

    def most_snow(self, tiles: Iterable[Tile], since: datetime, before: datetime) -> float:
        """The largest share under snow, 0 to 1, of what one pass of optics saw of tiles, `since` to before `before`.

        What clouds hid the most of does not count: they are often taken for snow.
        """

    def kinds_of_look(self, tile: Tile) -> list[str]:
        """Every comparability class in which a tile has looks, sorted."""

    def events(
        self, region: str | None = None, open_only: bool = False, ended_since: datetime | None = None
    ) -> list[Event]:
        """Events with their evidence and transitions, strongest first.

        `ended_since` adds to the open ones those with a transition at or after it.
        """

    def declarations(self, region: str) -> list[Declaration]:
        """What people have declared in a region, also what is over, in the order in which it was entered."""

    def reference(self, event_id: str, comparable: str) -> dict[Tile, list[str]]:
        """Look hrefs of an event's frozen reference in one comparability class, per tile."""

    def choices_before(self, region: str, sensor: Sensor, before: datetime, since: datetime) -> dict[Tile, Choice]:
        """The newest choice of every tile at an acquisition of `sensor`, sensed in [since, before)."""

    def waiting(self, regions: Sequence[str]) -> int:
        """Acquisitions of these regions that are neither done nor parked nor superseded."""

    def is_history(self, acquisition: Acquisition) -> bool:
        """True when it was too old for alerts as it arrived, or people have it done again and newer ones are done."""

    def is_late(self, acquisition: Acquisition) -> bool:
        """True when a newer acquisition of its kind is already done.

        Of its kind: of the region and sensor, for radar also of the relative orbit.
        """

    def looks_after(
        self, region: str, tiles: Collection[Tile], after: datetime
    ) -> list[tuple[Acquisition, list[Observation]]]:
        """Acquisitions of a region that are done and no history, sensed later, oldest first, with looks at some tiles.

        Of each tile of an acquisition the current look, through the model that looked last.
        """


class RegionStore(Store, Protocol):
    """The database of who polls as well."""

    def cap_leases(self, lease: timedelta, now: datetime, regions: Sequence[str]) -> list[LedgerEntry]:
        """Let leases that end later than any can end after `lease`; the acquisitions as they were held."""

    def take_back(self, owner: str, now: datetime, regions: Sequence[str]) -> list[LedgerEntry]:
        """Put back into the queue what `owner` holds and does not work on; the acquisitions as they were held."""

    def searched_since(self, region: str) -> datetime | None:
        """From when on the catalogs of a region were searched beyond a look-back; None: never."""

    def known(self, region: str, start: datetime, end: datetime) -> set[tuple[str, str]]:
        """Key and version of a region's acquisitions sensed in [start, end)."""

    def ledger(self, region: str | None = None, limit: int = 1000) -> list[LedgerEntry]:
        """Ledger rows, newest acquisition first."""

    def found_at(self, region: str, at: datetime) -> set[tuple[str, str]]:
        """Key and version of what the poll of that time put into the ledger of a region, history apart."""

    def pace(self, region: str) -> float | None:
        """Seconds from one acquisition of a region to the next while there were some to be done; None: not known."""

    def note_sources(self, answered: Iterable[str], silent: Mapping[str, str], now: datetime) -> None:
        """Note which catalogs answered a poll, and which did not and why."""

    def note_searched(self, region: str, since: datetime) -> None:
        """Note that the catalogs of a region were searched from then on."""

    def last_answer(self, region: str) -> datetime | None:
        """When all catalogs of a region last answered a poll; None: never, as far as is known."""

    def note_answer(self, region: str, now: datetime) -> None:
        """Note that all catalogs of a region answered."""

    def fallback(self, region: str) -> Fallback | None:
        """The catalogs that stand in for those of a region; None: none do."""

    def note_fallback(self, region: str, one: Fallback | None) -> None:
        """Note which catalogs stand in for those of a region; None: none do any more."""

    def sensed(self, region: str, start: datetime, end: datetime) -> list[LedgerEntry]:
        """Acquisitions of a region sensed in [start, end), oldest first, without versions that were replaced."""

    def put_report(self, kind: ReportKind, report: FiledReport) -> None:
        """Keep a report; the one before of its kind and subject is forgotten."""

    def note_tiles(self, region: str, tiles: Sequence[Tile]) -> None:
        """Note which tiles a region has, and where they lie; of other tiles that it had nothing is left."""


class Turn(Protocol):
    """Which of several instances does what one alone should do."""

    def hold(self) -> bool:
        """Whether it is the turn of this one, which keeps it once it has it.

        Raises:
            StoreBusy: nobody can tell now.
        """

    def give_up(self) -> None:
        """Leave it to another one."""


GroundBefore = Callable[[Event, Sequence[Tile]], Mapping[Tile, Look]]
"""Looks at the ground of these tiles as it was before an event, the one that shows most of its ground first."""


class Illustrator(Protocol):
    """Pictures and evidence chips, kept because upstream scenes vanish."""

    def illustrate(
        self,
        events: Sequence[Event],
        now: Mapping[Tile, Look],
        change: Mapping[Detector, Mapping[Tile, NDArray[np.float32]]],
        before: GroundBefore,
        mask_source: str,
    ) -> dict[str, str]:
        """Write picture and chips of alerts (atomic, same name for the same event); picture hrefs by event id.

        An alert that was drawn before keeps the pixels of its chips, and its picture says how it stands now.
        One that none of these looks shows and that has no chips is left out. `mask_source` is that of `now`.

        Raises:
            DiskFull
            AssetUnavailable: chips that are there cannot be read now.
        """


class Outlet(Protocol):
    """One receiver of alerts (`monitor.adapters.channels`)."""

    def send(self, messages: Sequence[Message], now: datetime) -> str:
        """Send messages as one and return, in words, the receiver's acknowledgement.

        Raises:
            Transient: it was not acknowledged; the same messages are sent again.
            Permanent: sending again cannot help.
        """


class Deliveries(Protocol):
    """Where it is kept what is to be told to whom."""

    def plan_deliveries(self, channels: Sequence[Channel], now: datetime) -> int:
        """Write what every channel is to hear of new messages, and set aside what is silenced; how many were new."""

    def claim_deliveries(self, channel: Channel, owner: str, lease: timedelta, now: datetime) -> list[Message]:
        """Claim the next message of a channel, or the revisions that make up one; empty: nothing is due."""

    def delivered(self, messages: Sequence[Message], owner: str, detail: str, now: datetime) -> int:
        """Note that the receiver acknowledged them, as one message; how many were still held by `owner`."""

    def put_off(self, messages: Sequence[Message], owner: str, reason: str, detail: str, until: datetime) -> int:
        """A try failed: they are due again at `until`; how many were still held by `owner`."""

    def park_deliveries(self, messages: Sequence[Message], owner: str, reason: str, detail: str) -> int:
        """Set them aside until a person acts; how many were still held by `owner`."""

    def pause_channel(self, channel: str, until: datetime, now: datetime) -> None:
        """Put off everything that is due on a channel."""

    def channel_counts(self, channel: str | None = None) -> list[ChannelCount]:
        """How every channel stands that ever had a message; of one channel only what is due, parked or held."""
