"""Chips of simulated valleys on disk: one HDF5 file per valley, with the ground once and every look beside it.

    ground      (K, 3, H, W) float16   elevation, slope, tri; NaN = void
    land_cover  (K, H, W) uint8        classes of the legend, 0 = none
    scars       (K, H, W) uint8        1 where the storm of this valley made a landslide
    traps       (K, H, W) uint8        1 where something else changed: fields, flood, felled forest, snow
    look-NN     (K, C, H, W) float16   red, green, blue and further reflectance, or VV, VH linear power; NaN = hidden

What shows landslides is decided when the file is read: a chip of a look after the storm is labelled with the scars
that this look sees. 16 bits keep reflectance to 0.0001 and power to 0.01 dB.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from monitor.core.features import TERRAIN
from monitor.errors import BadAsset, ConfigError
from monitor.records import Sensor
from monitor.sandbox.valley import Valley
from training.simulated.reading import BANDS, FURTHER, GROUND, Ground, Seen, ValleyReader, bands_of

CHIP_PX: Final = 128
FURTHER_BANDS: Final = "further_bands"
"""Key of a valley's order: optical bands beside red, green and blue. Orders of old have none."""
_PACKED: Final = {"compression": "gzip", "compression_opts": 3, "shuffle": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One look of a valley, as its file lists it."""

    number: int
    """Of the data set look-NN."""
    acquisition: str
    sensor: str
    track: str
    """Comparability class: looks of one track may be put side by side."""
    time: str
    """ISO 8601."""
    after: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ValleyFile:
    """The chips of one valley; arrays are read when they are asked for."""

    path: Path
    seed: int
    order: Mapping[str, Any]
    views: tuple[View, ...]
    """Oldest first."""

    @property
    def group(self) -> str:
        """The valley's name in splits."""
        return group_of(self.seed)

    def bands(self, sensor: Sensor) -> tuple[str, ...]:
        """Layers of its looks with a sensor."""
        return bands_of(sensor, self.order.get(FURTHER_BANDS, ()))

    def layer(self, name: str, view: View | None = None) -> NDArray[np.generic]:
        """(K, H, W) one layer of every chip, in 16 bits or as classes: of the ground, or a band of a view.

        Raises:
            ConfigError: there is no such layer.
        """
        with _open(self.path) as file:
            if name in TERRAIN:
                return np.asarray(file["ground"][:, TERRAIN.index(name)])
            if name in GROUND:
                return np.asarray(file["land_cover"][:])
            bands = self.bands(Sensor(view.sensor)) if view is not None else ()
            if view is None or name not in bands:
                there = ", ".join((*bands, *GROUND))
                other = f", or simulate valleys with `--bands {name}`" if name in FURTHER else ""
                raise ConfigError(
                    f"there is no layer {name}", item=str(self.path), remedy=f"Choose among {there}{other}.",
                    reason="missing-band",
                )  # fmt: skip
            return np.asarray(file[f"look-{view.number:02d}"][:, bands.index(name)])

    def mask(self, name: str) -> NDArray[np.bool_]:
        """(K, H, W) scars or traps."""
        with _open(self.path) as file:
            return np.asarray(file[name][:] > 0)


def group_of(seed: int) -> str:
    """A valley's name in splits."""
    return f"valley-{seed}"


def file_of(folder: Path, seed: int) -> Path:
    """Where the chips of a valley lie."""
    return folder / f"valley-{seed:05d}.h5"


def open_valley(path: Path) -> ValleyFile:
    """The list of what a file holds.

    Raises:
        BadAsset: it is no file of chips.
    """
    try:
        with _open(path) as file:
            views = tuple(View(**one) for one in json.loads(str(file.attrs["views"])))
            return ValleyFile(
                path=path, seed=int(file.attrs["seed"]), order=json.loads(str(file.attrs["order"])), views=views
            )
    except (KeyError, ValueError, TypeError) as err:
        raise _bad(path, f"it holds no chips of a valley ({err})") from err


def write_valley(path: Path, valley: Valley, order: Mapping[str, Any]) -> int:
    """Read a valley as the service does and write its chips; returns their number. A file is whole or not there."""
    reader = ValleyReader(valley, order.get(FURTHER_BANDS, ()))
    ground = reader.ground()
    window = _known(ground)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    views: list[View] = []
    with h5py.File(part, "w") as file:
        _write_ground(file, ground, window)
        for sensor in BANDS:
            for seen in reader.looks(sensor):
                views.append(_view(seen, len(views)))
                _write(file, f"look-{views[-1].number:02d}", _chips(seen.bands[:, *window]).astype(np.float16))
        file.attrs["seed"] = valley.seed
        file.attrs["order"] = json.dumps(order, sort_keys=True)
        file.attrs["views"] = json.dumps([asdict(one) for one in views])
        count = len(file["scars"])
    os.replace(part, path)
    return count


def _write_ground(file: h5py.File, ground: Ground, window: tuple[slice, slice]) -> None:
    _write(file, "ground", _chips(ground.terrain[:, *window]).astype(np.float16))
    for name, layer in (("land_cover", ground.classes), ("scars", ground.scars), ("traps", ground.traps)):
        _write(file, name, _chips(layer[None, *window])[:, 0].astype(np.uint8))


def _view(seen: Seen, number: int) -> View:
    return View(
        number=number,
        acquisition=seen.acquisition.id,
        sensor=seen.acquisition.sensor.value,
        track=seen.acquisition.comparable,
        time=seen.acquisition.sensing_time.isoformat(),
        after=seen.after,
    )


def _known(ground: Ground) -> tuple[slice, slice]:
    """The valley's own rectangle on the canvas of its tiles: where its land cover map has classes."""
    rows, columns = (np.flatnonzero((ground.classes > 0).any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _chips(layers: NDArray[Any]) -> NDArray[Any]:
    """(C, H, W) to (K, C, 128, 128), row by row; what is left over at the right and below is dropped."""
    down, across = layers.shape[1] // CHIP_PX, layers.shape[2] // CHIP_PX
    whole = layers[:, : down * CHIP_PX, : across * CHIP_PX]
    cut = whole.reshape(len(layers), down, CHIP_PX, across, CHIP_PX)
    return np.ascontiguousarray(cut.transpose(1, 3, 0, 2, 4).reshape(-1, len(layers), CHIP_PX, CHIP_PX))


def _write(file: h5py.File, name: str, chips: NDArray[Any]) -> None:
    file.create_dataset(name, data=chips, chunks=(1, *chips.shape[1:]), **_PACKED)


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as err:
        raise _bad(path, f"it is no readable HDF5 file ({err})") from err


def _bad(path: Path, problem: str) -> BadAsset:
    return BadAsset(problem, item=str(path), remedy="Remove it and run `python -m training simulate-valleys` again.")


def valley_files(folder: Path) -> Sequence[ValleyFile]:
    """All valleys of a folder, by seed.

    Raises:
        BadAsset: there is none, or one is broken.
    """
    found = [open_valley(path) for path in sorted(folder.glob("valley-*.h5"))]
    if not found:
        raise BadAsset(
            "there is no valley-*.h5", item=str(folder), remedy=f"Run `python -m training simulate-valleys {folder}`."
        )
    return sorted(found, key=lambda one: one.seed)
