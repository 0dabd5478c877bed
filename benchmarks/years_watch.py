"""A simulated valley watched by the whole service for a year, with what only people need left out.

The chain is the one of the command line: catalog, ledger in SQLite, readers, masks, references, change, events, all at
the shipped settings. Left out are pictures and products, which nothing of the watch reads, and the optical network,
in whose place a constant answers: with the shipped `alerts.detectors` only the baselines open and judge events.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import PropertyMock, patch

import numpy as np
from numpy.typing import NDArray

from monitor import past, wiring
from monitor.adapters.looks import LookFiles
from monitor.adapters.store import SqlStore
from monitor.config import Settings, load
from monitor.config.tiers import TierSettings
from monitor.core.change import AlertSettings
from monitor.core.grid import region_tiles
from monitor.demo import write_config
from monitor.ports import Engine, GroundBefore
from monitor.records import (
    Acquisition,
    AcquisitionState,
    Detector,
    Event,
    Look,
    ModelCard,
    Sensor,
    Terrain,
    Tile,
)
from monitor.sandbox.story import Story
from monitor.sandbox.valley import Report, Valley, build_valley
from monitor.scene import Before, before_of
from monitor.service import PassEvent

STORY = Story(radar=True, land_cover=True, clearcut=True, year=True)
LOOKS_A_YEAR = 73
STORM_BETWEEN = (0.42, 0.70)
"""Share of the looks that lie before the storm: radar knows its ground by then, and months are left afterwards."""
_LOOKS_AT_HAND, _REFERENCES_AT_HAND = 500, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large and how long a simulated year is."""

    size_px: int = 512
    looks: int = LOOKS_A_YEAR


def make_year(folder: Path, seed: int, size: Size, report: Report = lambda _: None) -> Valley:
    """The valley of a seed with all looks of its year."""
    share = np.random.default_rng([seed, size.looks]).uniform(*STORM_BETWEEN)
    quiet = max(round(share * size.looks), 1)
    return build_valley(
        folder, seed=seed, size_px=size.size_px, quiet=quiet, after=size.looks - quiet, story=STORY, report=report
    )


def watch(folder: Path, valley: Valley, report: Callable[[PassEvent], None], unsettled: bool = False) -> Settings:
    """One pass over the whole catalog, oldest acquisition first, as `scarpwatch once` makes it.

    `unsettled`: no event is closed as settled, so that looks go on to say what they see of it.

    Returns the settings, which say where database and looks lie.

    Raises:
        RuntimeError: a catalog could not be asked, or an acquisition waits to be tried again.
    """
    settings = load(write_config(folder, valley))
    with closing(SqlStore(settings.database)) as store:
        store.upgrade()
    life = _unsettled(settings) if unsettled else nullcontext()
    with life, pictureless(), _networkless(), _references_at_hand(), closing(wiring.build(settings)) as service:
        summary = service.once(lambda: datetime.now(UTC), report)
    if summary.retried or summary.waiting:
        raise RuntimeError(f"seed {valley.seed}: {summary.waiting} acquisitions wait: {summary.errors}")
    return settings


def terrain(settings: Settings) -> dict[Tile, Terrain]:
    """The ground of the one region of a watch, as the service sees it."""
    (region,) = settings.region_records()
    with _networkless(), closing(wiring.build(settings)) as service:
        source = service._pipeline._means.instruments(region, Sensor.OPTICAL).terrain
        found = {tile: source.read(tile) for tile in region_tiles(region.geometry)}
    return {tile: one for tile, one in found.items() if one is not None}


def parked(store: SqlStore) -> Mapping[str, int]:
    """Acquisitions that were set aside, by reason."""
    return {one.reason or "": one.count for one in store.counts() if one.state is AcquisitionState.PARKED}


@contextmanager
def pictureless() -> Iterator[None]:
    """A service that is wired here draws nothing, publishes nothing, and keeps its last looks in memory.

    The composition root has no seam for this, on purpose; a benchmark may reach in.
    """
    with (
        patch.object(wiring, "Illustrations", _NoPictures),
        patch.object(wiring, "ProductFolder", _NoProducts),
        patch.object(wiring, "LookFiles", LooksAtHand),
    ):
        yield


@contextmanager
def _unsettled(settings: Settings) -> Iterator[None]:
    """A service that is wired here waits for more supporting looks than there are, before it closes an event."""
    endless = replace(settings.tiers.lifecycle, settle_looks=10_000)
    with patch.object(TierSettings, "lifecycle", PropertyMock(return_value=endless)):
        yield


@contextmanager
def _networkless() -> Iterator[None]:
    """A service that is wired here has a constant in place of its network."""
    with patch.object(wiring, "open_engine", _constant):
        yield


@contextmanager
def _references_at_hand() -> Iterator[None]:
    """References that are made of the same looks as before are not made again: those of open events never change.

    Only for a service with one network for each sensor: a look is known by its tile and acquisition.
    """
    kept: OrderedDict[tuple[Tile, tuple[str, ...]], Before | None] = OrderedDict()

    def build(looks: Sequence[Look], settings: AlertSettings) -> Before | None:
        if not looks:
            return None
        key = (looks[0].tile, tuple(look.acquisition_id for look in looks))
        if key not in kept:
            kept[key] = before_of(looks, settings)
        kept.move_to_end(key)
        while len(kept) > _REFERENCES_AT_HAND:
            kept.popitem(last=False)
        return kept[key]

    def references(looks: Mapping[Tile, Sequence[Look]], settings: AlertSettings) -> dict[Tile, Before]:
        built = {tile: build(earlier, settings) for tile, earlier in looks.items()}
        return {tile: reference for tile, reference in built.items() if reference is not None}

    with patch.object(past, "references", references):
        yield


def _constant(_card: ModelCard, _threads: int, _provider: str) -> Engine:
    return ConstantEngine()


class ConstantEngine:
    """Says 0 of every pixel."""

    name = "constant"

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C, H, W) to (N, H, W) zeros."""
        return np.zeros((windows.shape[0], *windows.shape[2:]), np.float32)


class LooksAtHand(LookFiles):
    """The archive of looks, the last of them kept in memory: every pass reads a dozen earlier ones again."""

    def __init__(self, root: Path) -> None:
        """As `LookFiles`."""
        super().__init__(root)
        self._at_hand: OrderedDict[str, Look] = OrderedDict()

    def read(self, href: str) -> Look:
        """As `LookFiles.read`; arrays cannot be written to, since others hold them too."""
        if href not in self._at_hand:
            look = super().read(href)
            for array in (look.probability, look.spread, look.pixels, look.state):
                array.flags.writeable = False
            self._at_hand[href] = look
        self._at_hand.move_to_end(href)
        while len(self._at_hand) > _LOOKS_AT_HAND:
            self._at_hand.popitem(last=False)
        return self._at_hand[href]


class _NoPictures:
    """Draws nothing."""

    def __init__(self, *_wiring: object) -> None:
        """Nothing is kept."""

    def illustrate(
        self,
        events: Sequence[Event],
        now: Mapping[Tile, Look],
        change: Mapping[Detector, Mapping[Tile, NDArray[np.float32]]],
        before: GroundBefore,
        mask_source: str,
    ) -> dict[str, str]:
        """No picture of any event."""
        return {}


class _NoProducts:
    """Publishes nothing."""

    def __init__(self, root: Path) -> None:
        """`root` is where products would lie."""
        self._root = root

    def publish(
        self,
        acquisition: Acquisition,
        layers: Mapping[str, Mapping[Tile, NDArray[np.float32]]],
        properties: Mapping[str, object],
    ) -> Path:
        """Where the item would lie."""
        return self._root / f"{acquisition.id}.json"
