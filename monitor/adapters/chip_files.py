"""Evidence chips on disk: four small GeoTIFFs per event under `alerts/<event id>/`, and its picture beside them.

The chips of the look that made the event an alert lie in that folder and stay. Where the event outgrows them, wider
ones are written to `wider/<pass>/` below it, named by the pass whose pixels surround the kept ones.
"""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from monitor.adapters.chips import Chips, Floats, RgbPatch, nothing, over_view, patch_over
from monitor.adapters.files import write_atomic
from monitor.core.quantise import NONE_CODE, decode_reflectance, encode_reflectance
from monitor.errors import AssetUnavailable, BadAsset
from monitor.records import Event

FOLDER = "alerts"
NAMES = ("before.tif", "after.tif", "probability.tif", "change.tif")
_BANDS = {"before.tif": 4, "after.tif": 4, "probability.tif": 1, "change.tif": 1}
_CLASSIFIED = "scl"
"""What told clouds where a chip does not say it (`records.Bands.mask_source`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptChips:
    """What is left of the chips in one folder, on one grid; None = the file is gone or its content is broken."""

    geobox: GeoBox
    before: RgbPatch | None
    after: RgbPatch | None
    probability: Floats | None
    change: Floats | None
    mask_source: str | None
    """None = `after` is lost, which says it."""

    @property
    def lost(self) -> tuple[str, ...]:
        """Names of the files that are not there."""
        pieces = (self.before, self.after, self.probability, self.change)
        return tuple(name for name, piece in zip(NAMES, pieces, strict=True) if piece is None)

    def whole(self) -> Chips | None:
        """All four, or None."""
        if self.before is None or self.after is None or self.probability is None or self.change is None:
            return None
        return Chips(
            geobox=self.geobox,
            before=self.before,
            after=self.after,
            probability=self.probability,
            change=self.change,
            mask_source=self.mask_source or _CLASSIFIED,
        )

    def completed(self, fresh: Chips) -> Chips:
        """What is left, and of fresh chips on the same grid what is lost."""
        return Chips(
            geobox=self.geobox,
            before=fresh.before if self.before is None else self.before,
            after=fresh.after if self.after is None else self.after,
            probability=fresh.probability if self.probability is None else self.probability,
            change=fresh.change if self.change is None else self.change,
            mask_source=self.mask_source or fresh.mask_source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    view: GeoBox
    values: NDArray[np.generic]
    tags: Mapping[str, str]


def alert_folder(event_id: str) -> str:
    """Folder of an event's evidence, relative to the product folder."""
    return f"{FOLDER}/{_safe(event_id)}"


def wider_folder(event_id: str, acquisition_key: str) -> str:
    """Folder of the wider chips that one pass made necessary, relative to the product folder.

    All versions of the pass share it, so that one that comes after a killed one replaces what that left.
    """
    return f"{alert_folder(event_id)}/wider/{_safe(acquisition_key)}"


def write_chips(root: Path, folder: str, chips: Chips, names: Sequence[str] = NAMES) -> tuple[str, ...]:
    """Keep chips in a folder; gives their paths relative to the product folder `root`.

    Files: before.tif and after.tif (red, green, blue as reflectance * 10000 + 1000, then PixelState),
    probability.tif and change.tif (float32, NaN = not observed). Each is replaced atomically.

    Args:
        names: of the files to write; the others are left as they are.

    Raises:
        DiskFull
    """
    contents = {
        "before.tif": lambda: _rgb_file(chips.geobox, chips.before, {}),
        "after.tif": lambda: _rgb_file(chips.geobox, chips.after, {"MASK_SOURCE": chips.mask_source}),
        "probability.tif": lambda: _float_file(chips.geobox, chips.probability, "model output of the later look, 0-1"),
        "change.tif": lambda: _float_file(chips.geobox, chips.change, "later look minus reference of earlier looks"),
    }
    for name in names:
        write_atomic(root / folder / name, contents[name]())
    return tuple(f"{folder}/{name}" for name in names)


def read_kept(root: Path, folder: str) -> KeptChips | None:
    """What is left of the chips in a folder; None when nothing is.

    Raises:
        AssetUnavailable: a chip is there and cannot be read now (too many open files, a disk that does not answer).
    """
    files = {name: _read(root / folder / name, _BANDS[name]) for name in NAMES}
    view = next((file.view for name in reversed(NAMES) if (file := files[name]) is not None), None)
    if view is None:
        return None
    after = files["after.tif"]
    return KeptChips(
        geobox=view,
        before=_patch(files["before.tif"], view),
        after=_patch(after, view),
        probability=_floats(files["probability.tif"], view),
        change=_floats(files["change.tif"], view),
        mask_source=after.tags.get("MASK_SOURCE", _CLASSIFIED) if after else None,
    )


def read_chips(root: Path, folder: str) -> Chips:
    """All chips in a folder.

    Raises:
        BadAsset: a chip is gone or broken.
        AssetUnavailable: one cannot be read now.
    """
    kept = read_kept(root, folder)
    chips = kept.whole() if kept else None
    if chips is None:
        raise BadAsset(
            f"evidence chips are gone or broken ({', '.join(kept.lost if kept else NAMES)})",
            item=str(root / folder),
            remedy="Restore the folder from a backup; the alert itself is in the database.",
            reason="chip-lost",
        )
    return chips


def drop_chips(root: Path, folder: str) -> None:
    """Take a folder of chips away, if it is there."""
    shutil.rmtree(root / folder, ignore_errors=True)


def write_picture(root: Path, event: Event, png: bytes) -> str:
    """Keep the picture of an event; gives its path relative to the product folder `root`.

    Raises:
        DiskFull
    """
    href = f"{alert_folder(event.id)}/alert.png"
    write_atomic(root / href, png)
    return href


def _safe(name: str) -> str:
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise ValueError(f"{name!r} cannot be the name of a folder")
    return name


def _read(path: Path, bands: int) -> _File | None:
    """A chip; None when it is gone or broken: only the content says so, never the system's failure to give it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as err:
        raise AssetUnavailable(
            f"an evidence chip cannot be read now ({err})",
            item=str(path),
            remedy="Nothing was changed and it is tried again; if it stays, check the disk, the rights on the file "
            "and how many files may be open.",
            reason="chip-unreadable",
        ) from err
    try:
        return _parse(content, bands)
    except (RasterioError, KeyError, ValueError, NotGeoreferencedWarning):
        return None


def _parse(content: bytes, bands: int) -> _File:
    """A chip from the bytes of its file."""
    if not content:
        raise ValueError("it is empty")
    with MemoryFile(content) as memory, memory.open() as dataset:
        if dataset.count != bands or dataset.crs is None:
            raise ValueError(f"it has {dataset.count} bands, CRS {dataset.crs}")
        tags = dataset.tags()
        if bands > 1:
            for time in (tags["SENSING_TIME"], tags.get("OTHER_TIME")):
                datetime.fromisoformat(time or tags["SENSING_TIME"])
        return _File(view=GeoBox(dataset.shape, dataset.transform, dataset.crs), values=dataset.read(), tags=tags)


def _patch(file: _File | None, view: GeoBox) -> RgbPatch | None:
    """A kept patch cut to a view."""
    if file is None:
        return None
    other = file.tags.get("OTHER_TIME")
    whole = RgbPatch(
        reflectance=decode_reflectance(file.values[:3].astype(np.uint16)),
        state=file.values[3].astype(np.uint8),
        sensing_time=datetime.fromisoformat(file.tags["SENSING_TIME"]),
        other_time=datetime.fromisoformat(other) if other else None,
    )
    return patch_over(whole, file.view, nothing(view, whole.sensing_time), view)


def _floats(file: _File | None, view: GeoBox) -> Floats | None:
    """A kept layer cut to a view."""
    if file is None:
        return None
    return over_view(file.values[0].astype(np.float32), file.view, np.full(view.shape, np.nan, dtype=np.float32), view)


def _rgb_file(geobox: GeoBox, rgb: RgbPatch, more: Mapping[str, str]) -> bytes:
    codes = np.concatenate([encode_reflectance(rgb.reflectance), rgb.state[None].astype(np.uint16)])
    tags = {
        "SENSING_TIME": rgb.sensing_time.isoformat(),
        "REFLECTANCE": "(value - 1000) / 10000",
        "NONE": str(NONE_CODE),
        **({"OTHER_TIME": rgb.other_time.isoformat()} if rgb.other_time else {}),
        **more,
    }
    return geotiff(geobox, codes, ("red", "green", "blue", "state"), tags, nodata=None)


def _float_file(geobox: GeoBox, values: Floats, title: str) -> bytes:
    return geotiff(geobox, values[None].astype(np.float32), (title,), {}, nodata=math.nan)


def geotiff(
    geobox: GeoBox, values: NDArray[np.generic], names: Sequence[str], tags: Mapping[str, str], nodata: float | None
) -> bytes:
    """A compressed GeoTIFF of named bands: values (C, H, W) on the geobox."""
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=geobox.shape[1],
            height=geobox.shape[0],
            count=len(names),
            dtype=values.dtype.name,
            crs=str(geobox.crs),
            transform=geobox.transform,
            nodata=nodata,
            compress="deflate",
            predictor=3 if values.dtype.kind == "f" else 2,
        ) as dataset:
            dataset.write(values)
            dataset.descriptions = tuple(names)
            dataset.update_tags(**tags)
        return bytes(memory.getbuffer())
