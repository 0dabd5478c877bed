"""What one simulated year gives, as kept in a file of JSON per seed: small, and enough for every table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 2
"""Of the files; results of another format are made again."""
OPTICS, RADAR, EITHER = "optics", "radar", "either"
SENSORS = (OPTICS, RADAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScarRecord:
    """One landslide of the storm. All times are days since the storm; None: never."""

    area_ha: float
    slope_deg: float
    shown: Mapping[str, float | None]
    """By sensor: the first look after the storm that shows at least half of its ground, seen before as well."""
    evidence: Mapping[str, float | None]
    """By sensor: the first look of it that opened or supported an event on this scar."""
    alert: float | None
    """When the first event on it became an alert."""
    opened_by: str | None
    """Sensor that opened the first event on it."""
    looks: tuple[tuple[float, str, float], ...] = ()
    """Every look after the storm that shows at least half of it: day, sensor, and light (1 as on level ground;
    -1: does not matter, or is not known)."""
    events: tuple[str, ...] = ()
    """Ids of the events that found it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Exposure of one kind of ground."""

    detector: str
    strata: tuple[str, ...]
    """Words of `monitor.core.strata`."""
    km2_years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event, true or false."""

    id: str
    sensor: str
    """That opened it."""
    day: float
    """Since the storm; negative: before it."""
    date: str
    area_ha: float
    slope_deg: float
    true: bool
    """Opened after the storm, and touches a scar or its rim."""
    alerted: bool
    """Was an alert at some time."""
    ended: str
    """State at the end of the year, and the reason."""
    cause: str
    """Label of the ground that changed there for another reason, or "none". Empty of a true event."""
    longitude: float
    latitude: float
    detail: str
    strength: float
    """Of the cluster that opened it."""
    strata: tuple[str, ...]
    said: tuple[tuple[float, str, str, bool], ...]
    """Every look's day since the storm, verdict, detector, and whether it was of record: enough to replay the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YearRecord:
    """A valley's whole year."""

    seed: int
    storm: str
    years: float
    km2: float
    """Ground that was ever seen."""
    km2_years: Mapping[str, float]
    """Exposure by sensor and by either: ground times the time since it was last seen, wherever it was compared."""
    looks: Mapping[str, int]
    """Acquisitions that were compared, by sensor, and all of them under "optics in all", "radar in all"."""
    parked: Mapping[str, int]
    """Acquisitions set aside, by reason."""
    traps: Mapping[str, int]
    """Pieces of ground that changed for another cause and lie apart, summed over the looks."""
    scars: tuple[ScarRecord, ...]
    events: tuple[EventRecord, ...]
    seconds: Mapping[str, float]
    cells: tuple[Cell, ...] = ()
    """Exposure by kind of ground."""
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One detector over its thresholds, on the comparisons of one valley."""

    thresholds: tuple[float, ...]
    false_quiet: tuple[int, ...]
    """Clusters in quiet comparisons, by threshold."""
    false_storm: tuple[int, ...]
    """Clusters that touch no scar in comparisons across the storm, by threshold."""
    found: tuple[tuple[int, ...], ...]
    """Indices into `TrialRecord.scars`, by threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """A network beside the baseline of its sensor on some comparisons of one valley."""

    seed: int
    model: str
    sensor: str
    quiet: int
    """Comparisons without the storm between the looks."""
    storm: int
    km2: float
    """Jointly observed, summed over the comparisons."""
    scars: tuple[float, ...]
    """Hectares of every scar and comparison across the storm that shows half of it."""
    network: Sweep
    baseline: Sweep
    seconds: float
    looks: tuple[str, ...] = field(default=())
    """What was compared: date and, in brackets, the dates of its reference."""
    format: int = FORMAT


def save(record: YearRecord | TrialRecord, path: Path) -> None:
    """Write a record; a run that is cut off leaves no half of one."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def load_year(path: Path) -> YearRecord | None:
    """The record of a seed, or None where there is none of this format."""
    found = _read(path)
    if found is None:
        return None
    scars = tuple(_scar(one) for one in found.pop("scars"))
    events = tuple(_event(one) for one in found.pop("events"))
    cells = tuple(Cell(**one | {"strata": tuple(one["strata"])}) for one in found.pop("cells"))
    return YearRecord(scars=scars, events=events, cells=cells, **found)


def _scar(found: dict[str, Any]) -> ScarRecord:
    looks = tuple((day, sensor, light) for day, sensor, light in found.pop("looks"))
    return ScarRecord(looks=looks, events=tuple(found.pop("events")), **found)


def _event(found: dict[str, Any]) -> EventRecord:
    said = tuple((day, verdict, detector, of_record) for day, verdict, detector, of_record in found.pop("said"))
    return EventRecord(said=said, strata=tuple(found.pop("strata")), **found)


def load_trial(path: Path) -> TrialRecord | None:
    """The record of a seed and a network, or None where there is none of this format."""
    found = _read(path)
    if found is None:
        return None
    network, baseline = _sweep(found.pop("network")), _sweep(found.pop("baseline"))
    scars, looks = tuple(found.pop("scars")), tuple(found.pop("looks"))
    return TrialRecord(network=network, baseline=baseline, scars=scars, looks=looks, **found)


def _sweep(found: Mapping[str, Sequence[Any]]) -> Sweep:
    return Sweep(
        thresholds=tuple(found["thresholds"]),
        false_quiet=tuple(found["false_quiet"]),
        false_storm=tuple(found["false_storm"]),
        found=tuple(tuple(one) for one in found["found"]),
    )


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if found.get("format") == FORMAT else None
