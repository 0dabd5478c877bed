"""Chips of what people said of alerts: confirmed from the field is a landslide, dismissed is none.

Pixels are those of the kept look that made the alert (or the first optical one that supported it), on the service's
grid, as the service saw them. Of each chip only the outlines of judged events are labelled: nobody has searched the
ground around them. There is a folder of cut chips for every acquisition, so that ground which several dates show keeps
them apart; `load_cut_chips` reads all of them as one set, and groups are regions, which no split takes apart.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.files import write_atomic
from monitor.core.acquisitions import produced
from monitor.core.canvas import canvases
from monitor.core.clusters import burn
from monitor.core.grid import project, tile_geobox
from monitor.errors import BadAsset
from monitor.ports import LookArchive
from monitor.records import (
    Acquisition,
    Action,
    ActionKind,
    AlertStatus,
    Event,
    LedgerEntry,
    Look,
    Observation,
    PixelState,
    Sensor,
    Tile,
    Verdict,
)
from training.datasets.chip_files import IMAGES, LABELS, LabelCode, is_complete, read_chip, write_chip
from training.datasets.cutting import Outcome, finish

BANDS: Final = ("B04", "B03", "B02")
"""What optical looks keep."""
LINEAGE_FILE: Final = "lineage.json"
_SAID: Final = (ActionKind.CONFIRM, ActionKind.DISMISS)
_SHOWS: Final = (Verdict.OPENS, Verdict.SUPPORTS)
_ROWS: Final = 400
"""Looks of a tile that are searched for the one that shows an event."""
_ALL: Final = 1_000_000


class History(Protocol):
    """What is read of the database (`monitor.adapters.store.SqlStore`)."""

    def events(self, region: str | None = None) -> list[Event]:
        """Events with their evidence and what people did."""

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """The newest current observations of a tile, newest first."""

    def ledger(self, region: str | None = None, limit: int = 1000) -> list[LedgerEntry]:
        """Acquisitions, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An event that people judged, and the acquisition that shows it."""

    event: Event
    reason: str
    """Class of a negative (`DismissalReason`); empty: it is a landslide."""
    acquisition: Acquisition

    @property
    def lineage(self) -> dict[str, object]:
        """Where its label comes from. Who said so is nobody's business here."""
        event = self.event
        return {
            "event": event.id,
            "label": "stable" if self.reason else "landslide",
            "class": self.reason or "landslide",
            "detector": event.detector.value,
            "model": event.model_version,
            "status": event.status.value,
            "acquisitions": [one.acquisition_id for one in event.evidence if one.verdict in _SHOWS],
        }


def judgements(history: History) -> tuple[list[Judgement], dict[str, str]]:
    """What people said last of every event but exercises; and, by event, why some can give no chip."""
    known: dict[str, dict[str, Acquisition]] = {}
    found, left_out = [], {}
    for event in history.events():
        said = _last_word(event.actions)
        if said is None or event.status is AlertStatus.EXERCISE:
            continue
        if event.region not in known:
            entries = history.ledger(event.region, _ALL)
            known[event.region] = {entry.acquisition.id: entry.acquisition for entry in entries}
        shown = _shown_by(event, known[event.region])
        if shown is None:
            left_out[event.id] = "no-optical-look: no optical acquisition has shown it"
            continue
        reason = said.reason if said.kind is ActionKind.DISMISS else ""
        found.append(Judgement(event=event, reason=reason, acquisition=shown))
    return found, left_out


def _last_word(actions: Sequence[Action]) -> Action | None:
    return max((one for one in actions if one.kind in _SAID), key=lambda one: one.at, default=None)


def _shown_by(event: Event, known: Mapping[str, Acquisition]) -> Acquisition | None:
    """The first optical acquisition that shows an event."""
    pieces = [one for one in event.evidence if one.verdict in _SHOWS and not one.withdrawn]
    shown = [known[one.acquisition_id] for one in pieces if one.acquisition_id in known]
    return next((one for one in shown if one.sensor is Sensor.OPTICAL), None)


def write_feedback(
    folder: Path, judged: Iterable[Judgement], history: History, looks: LookArchive, licence: str
) -> Iterator[Outcome]:
    """Write the chips, acquisition by acquisition, each with its manifest and lineage.

    A chip that was made of the same judgements is kept as it is; one about which people have said more since is written
    anew.

    Raises:
        AssetUnavailable: a kept look cannot be read now.
        DiskFull
    """
    by_acquisition: defaultdict[str, list[Judgement]] = defaultdict(list)
    for one in judged:
        by_acquisition[one.acquisition.id].append(one)
    for name, group in sorted(by_acquisition.items()):
        part = folder / name
        outcomes = [_write_tile(part, tile, group, history, looks) for tile in _tiles(group)]
        yield from outcomes
        if any(one.has_chip for one in outcomes):
            finish(part, BANDS, outcomes, "alerts that people confirmed or dismissed", licence)
            told = sorted((one.lineage for one in group), key=lambda one: str(one["event"]))
            write_atomic(part / LINEAGE_FILE, (json.dumps(told, indent=1, sort_keys=True) + "\n").encode())


def _tiles(group: Iterable[Judgement]) -> list[Tile]:
    return sorted({tile for one in group for tile in one.event.tiles})


def _write_tile(part: Path, tile: Tile, group: Sequence[Judgement], history: History, looks: LookArchive) -> Outcome:
    here = sorted((one for one in group if tile in one.event.tiles), key=lambda one: one.event.id)
    lineage = json.dumps([one.lineage for one in here], sort_keys=True)
    there = is_complete(part, tile.id)
    if there and _lineage_of(part, tile) == lineage:
        return Outcome(tile=tile, reason="kept", detail="complete since an earlier run")
    acquisition = here[0].acquisition
    look = _look(tile, acquisition, history, looks)
    if look is None:
        lost = "the look that shows it is gone"
        return Outcome(tile=tile, reason="kept" if there else "no-look", detail=lost, failed=not there)
    codes = _codes(tile, here, look)
    if not codes.any():
        return Outcome(tile=tile, reason="no-label", detail="the look shows nothing of the outlines on this tile")
    tags = {
        "TILE": tile.id,
        "EVENT": acquisition.region,
        "ACQUISITION": acquisition.id,
        "SENSING_TIME": acquisition.sensing_time.isoformat(),
        "SIMULATED": str(any(item.simulated for item in acquisition.items)).lower(),
        "LINEAGE": lineage,
    }
    pixels = np.where(look.state == PixelState.VALID, look.pixels, np.float32(np.nan)).astype(np.float32)
    write_chip(part, tile.id, tile_geobox(tile), dict(zip(BANDS, pixels, strict=True)), codes, tags)
    classes = ", ".join(sorted({one.reason or "landslide" for one in here}))
    return Outcome(tile=tile, reason="cut", detail=f"{len(here)} judged: {classes}")


def _lineage_of(part: Path, tile: Tile) -> str | None:
    image, label = (part / kind / f"{tile.id}.tif" for kind in (IMAGES, LABELS))
    return read_chip(image, label).tags.get("LINEAGE")


def _look(tile: Tile, acquisition: Acquisition, history: History, looks: LookArchive) -> Look | None:
    """The kept look of an acquisition at a tile, of its current processing; None: there is none, or it is lost."""
    wanted = acquisition.key, produced(acquisition.version)
    rows = (
        one
        for one in history.history(tile, _ROWS)
        if (one.acquisition_key, produced(one.acquisition_version)) == wanted
    )
    href = next((one.look_href for one in rows if one.look_href), None)
    try:
        return None if href is None else looks.read(href)
    except BadAsset:
        return None


def _codes(tile: Tile, judged: Sequence[Judgement], look: Look) -> NDArray[np.uint8]:
    """(256, 256) LabelCode; where people contradict one another nothing is labelled."""
    (canvas,) = canvases([tile])
    slid, stable = (np.zeros(look.state.shape, dtype=np.bool_) for _ in range(2))
    for one in judged:
        ground = burn(project(one.event.geometry, 4326, tile.epsg), canvas)
        if one.reason:
            stable |= ground
        else:
            slid |= ground
    codes = np.select([slid & ~stable, stable & ~slid], [LabelCode.LANDSLIDE, LabelCode.STABLE], LabelCode.UNLABELLED)
    return np.where(look.state == PixelState.VALID, codes, LabelCode.UNLABELLED).astype(np.uint8)
