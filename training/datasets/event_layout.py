"""Where the rasters of an event lie: one folder for each event, as docs/datasets.md describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitor.errors import BadAsset, ConfigError

EVENTS_FILE: Final = "events.yaml"
LAYOUT: Final = "Lay it out as docs/datasets.md says (Events), or say in events.yaml what its files are called."

Sensor = Literal["radar", "optical"]
SENSORS: Final[tuple[Sensor, ...]] = ("radar", "optical")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileNames(_Section):
    """Patterns within the folder of an event."""

    radar_before: str = "s1/before/*.tif"
    radar_after: str = "s1/after/*.tif"
    optical_before: str = "s2/before/*.tif"
    optical_after: str = "s2/after/*.tif"
    elevation: str = "elevation.tif"
    slope: str = "slope.tif"
    labels: str = "labels.*"
    searched: str = "searched.*"
    """Where landslides were looked for; an event without it was searched wherever it has an elevation."""

    def scenes(self, sensor: Sensor, when: Literal["before", "after"]) -> str:
        """The pattern of a sensor's scenes on one side of the event."""
        return str(getattr(self, f"{sensor}_{when}"))


class BandNames(_Section):
    """Bands of files that name none, in their order."""

    radar: tuple[str, ...] = ("vv", "vh")
    optical: tuple[str, ...] = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")


class EventsFile(_Section):
    """What events.yaml may say of a set; all of it may be left out."""

    source: str = ""
    """Where the set comes from, for its manifest."""
    licence: str = "not stated"
    independent: tuple[str, ...] = ()
    """Events that are scored and never trained on."""
    threshold: tuple[str, ...] = ()
    """Events that choose temperature and threshold."""
    radar_unit: Literal["power", "decibel"] = "power"
    """Of vv and vh."""
    reflectance_scale: Annotated[float, Field(gt=0)] = 1.0
    """Value of a reflectance of 1: 10000 where Sentinel-2 is stored as whole numbers."""
    landslide_values: tuple[int, ...] = (1,)
    """Of labels that are a raster."""
    bands: BandNames = BandNames()
    files: FileNames = FileNames()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One acquisition, in one file or in several."""

    name: str
    """What its files have in common, up to the first dot: its date."""
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFolder:
    """One event."""

    folder: Path
    settings: EventsFile

    @property
    def name(self) -> str:
        """The group of its chips."""
        return self.folder.name

    def scenes(self, sensor: Sensor, when: Literal["before", "after"]) -> tuple[Scene, ...]:
        """A sensor's scenes on one side of the event, oldest first; there may be none."""
        return _scenes(self.folder.glob(self.settings.files.scenes(sensor, when)))

    def looks(self, sensor: Sensor, dates: Sequence[str]) -> dict[str, Scene]:
        """The scene of every date that inputs name ("", ":after2", ":before" …), newest first on either side.

        Of more scenes than are asked for, those nearest to the event are taken.

        Raises:
            BadAsset: the event has too few scenes of the sensor on one side.
        """
        after, before = (
            _numbered([one for one in dates if one.startswith(":before") == earlier]) for earlier in (False, True)
        )
        newest = self._nearest(sensor, "after", max(after, default=0))[::-1]
        older = self._nearest(sensor, "before", max(before, default=0))[::-1]
        return {
            **{date: newest[place - 1] for place, date in after.items()},
            **{date: older[place - 1] for place, date in before.items()},
        }

    def raster(self, name: str) -> Path:
        """A layer of the ground: elevation or slope.

        Raises:
            BadAsset: it is not there.
        """
        return self._one(name, getattr(self.settings.files, name))

    def labels(self) -> Path:
        """The landslides, as a raster or as polygons.

        Raises:
            BadAsset: they are not there, or there are several.
        """
        return self._one("labels", self.settings.files.labels)

    def searched(self) -> Path | None:
        """Polygons of the ground that was searched, if the event has them.

        Raises:
            BadAsset: there are several.
        """
        pattern = self.settings.files.searched
        return self._one("searched", pattern) if self._found(pattern) else None

    def _nearest(self, sensor: Sensor, when: Literal["before", "after"], count: int) -> tuple[Scene, ...]:
        there = self.scenes(sensor, when)
        if len(there) < count:
            pattern = self.settings.files.scenes(sensor, when)
            raise BadAsset(
                f"it has {len(there) or 'no'} {sensor} scenes {when} the event ({pattern}), the inputs want {count}",
                item=str(self.folder),
                remedy="Add scenes, ask for fewer dates, or take the folder out of the set.",
                reason="missing-scenes",
            )
        return (there[:count] if when == "after" else there[-count:]) if count else ()

    def _found(self, pattern: str) -> list[Path]:
        # GDAL leaves NAME.tif.aux.xml beside rasters that somebody looked at.
        return [one for one in sorted(self.folder.glob(pattern)) if one.suffix != ".xml"]

    def _one(self, what: str, pattern: str) -> Path:
        found = self._found(pattern)
        if len(found) != 1:
            listed = ", ".join(one.name for one in found) or "none"
            raise BadAsset(f"{what} is one file {pattern}; there is {listed}", item=str(self.folder), remedy=LAYOUT)
        return found[0]


def event_folders(path: Path) -> tuple[EventFolder, ...]:
    """The events of a set, by name.

    Raises:
        BadAsset: the folder is not there, or is another data set.
        ConfigError: events.yaml says what nobody knows, or names events that are not there.
    """
    if not path.is_dir():
        raise BadAsset("there is no such folder", item=str(path), remedy="Name the folder that holds the events.")
    settings = read_events_file(path)
    folders = [one for one in sorted(path.iterdir()) if one.is_dir() and not one.name.startswith(".")]
    if not any(list(one.glob(settings.files.elevation)) for one in folders):
        raise BadAsset(
            f"it holds no event: no folder has {settings.files.elevation}{_looks_like(path)}",
            item=str(path),
            remedy=LAYOUT,
            reason="other-data-set",
        )
    names = [one.name for one in folders]
    for name in (*settings.independent, *settings.threshold):
        if name not in names:
            raise ConfigError(
                f"it names the event {name}, which has no folder",
                item=str(path / EVENTS_FILE),
                remedy=f"There are {', '.join(names)}.",
            )
    return tuple(EventFolder(folder=one, settings=settings) for one in folders)


def read_events_file(path: Path) -> EventsFile:
    """What events.yaml in a folder says; the defaults where there is none.

    Raises:
        ConfigError: it is no YAML, or says what nobody knows.
    """
    file = path / EVENTS_FILE
    if not file.exists():
        return EventsFile()
    try:
        return EventsFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"it is no readable YAML ({err})", item=str(file), remedy="Correct the file.") from err
    except ValidationError as err:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in err.errors())
        raise ConfigError(faults, item=str(file), remedy="Correct these settings (docs/datasets.md).") from err


def _scenes(files: Iterable[Path]) -> tuple[Scene, ...]:
    found: dict[str, list[Path]] = {}
    for file in sorted(files):
        found.setdefault(file.name.partition(".")[0], []).append(file)
    return tuple(Scene(name=name, files=tuple(group)) for name, group in sorted(found.items()))


def _numbered(dates: Sequence[str]) -> Mapping[int, str]:
    """Dates of one side by their place, counted back from the newest: 1, 2, …"""
    return {int(date[-1]) if date[-1:].isdigit() else 1: date for date in dates}


def _looks_like(path: Path) -> str:
    """A hint at what else it may be."""
    if any(path.glob("valley-*.h5")):
        return "; it holds simulated valleys"
    if any(path.rglob("*.h5")):
        return "; it holds HDF5 patches, such as Landslide4Sense"
    return "; it holds chips" if (path / "images").is_dir() or any(path.glob("*/images")) else ""
