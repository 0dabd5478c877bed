"""Files that people upload, read with limits: what a file claims is looked at before anything of it is unpacked.

A file is told by what it holds, not by its name. Bands are told by their descriptions, by names given by hand, or, of
three and four bands, guessed and said so.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePath

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError  # raised bare by some readers; there is no public name
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader, MemoryFile

from monitor.adapters.georeference import Ground, pixel_ha
from monitor.adapters.landslide4sense import BANDS, RESOLUTION_M, read_image
from monitor.adapters.raster_headers import header_problem, on_ground
from monitor.core.features import OPTICAL_BANDS
from monitor.errors import BadAsset
from monitor.lab.image import Image
from monitor.records import PixelState

MOST_UPLOAD_MB = 200
"""Of a file as it is sent."""
MOST_PX = 1 << 22
"""Height times width, unpacked: 2,048 x 2,048."""
MOST_VALUES = 1 << 26
"""Height times width times bands, unpacked: 256 MiB as float32."""
SUFFIXES = ("h5", "hdf5", "tif", "tiff")

_ALONE = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO"}
"""Files beside it, which may refer to any other, are not looked for."""
_HDF5 = b"\x89HDF\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ZIP = b"PK"
_PUBLISHED_HA = RESOLUTION_M**2 / 1e4
_BROKEN = (RasterioError, CPLE_BaseError, ValueError, OverflowError, MemoryError)
"""What rasterio makes of a file with single bytes changed; names of bands may be no text."""
_GUESSED = {3: ("B04", "B03", "B02"), 4: ("B04", "B03", "B02", "B08")}
_WORDS = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08", "rededge1": "B05", "swir1": "B11", "swir2": "B12"}
_PLAIN = ("slope", "elevation", "tri", "vv", "vh", *(f"land_cover:{one}" for one in ("esa-worldcover", "io-lulc")))
_HIGHEST_REFLECTANCE = 3.0
"""Clouds and sunlit snow reach 1.5."""


def read_upload(name: str, content: bytes, bands: Sequence[str] = ()) -> Image:
    """An uploaded file as an image.

    Args:
        name: as it is called where it comes from.
        bands: of a GeoTIFF, in its order; by default those it names itself.

    Raises:
        BadAsset: neither HDF5 nor GeoTIFF, too large, broken, or nobody knows its bands.
        InputFault: NaN where the format has none.
    """
    check_size(name, len(content))
    if content.startswith(_HDF5):
        return _patch(name, content)
    if content.startswith(_TIFF):
        return _raster(name, content, bands)
    if content.startswith(_ZIP):
        raise BadAsset("it is a ZIP archive", item=name, remedy="Unpack it and choose one of its files.")
    raise BadAsset(
        "it is neither HDF5 nor GeoTIFF, whatever its name says",
        item=name,
        remedy="Choose a patch of Landslide4Sense (.h5) or a GeoTIFF.",
    )


def check_size(name: str, size: int) -> None:
    """
    Raises:
        BadAsset: a file of so many bytes is not read.
    """
    if size > MOST_UPLOAD_MB << 20:
        raise _too_large(name, f"it has {size >> 20:,} MB, of which {MOST_UPLOAD_MB} may be")


def band_names(text: str) -> tuple[str, ...]:
    """Names of bands as people write them, separated by commas, as model cards write them."""
    return tuple(_band(part) for part in text.split(",") if part.strip())


def _patch(name: str, content: bytes) -> Image:
    pixels = read_image(content, name)
    return Image(
        name=PurePath(name).stem,
        bands=BANDS,
        pixels=pixels,
        state=np.zeros(pixels.shape[1:], dtype=np.uint8),
        pixel_ha=_PUBLISHED_HA,
        ground=None,
        scaled="Landslide4Sense publishes values scaled per band: no reflectance, metres or degrees.",
        notes=("The file does not say where it lies; its pixels are taken to be of 10 m, as published.",),
    )


def _raster(name: str, content: bytes, bands: Sequence[str]) -> Image:
    try:
        with _opened(content) as file:
            _check_header(name, file)
            kept = [place for place, use in enumerate(file.colorinterp, start=1) if use != ColorInterp.alpha]
            names, notes = _names(name, file, kept, bands)
            pixels, more = _observed(file, kept)
            ground = Ground(crs=file.crs, transform=file.transform) if on_ground(file) else None
            area_ha = pixel_ha(file) if ground else _PUBLISHED_HA
            kind = np.dtype(file.dtypes[0])
    except _BROKEN as err:
        raise BadAsset(
            f"it is no readable GeoTIFF ({err})", item=name, remedy="Send it again, or convert it with gdal_translate."
        ) from err
    if ground is None:
        more += ("The file does not say where it lies; its pixels are taken to be of 10 m.",)
    return Image(
        name=PurePath(name).stem,
        bands=names,
        pixels=pixels,
        state=np.where(np.isnan(pixels).any(axis=0), PixelState.NODATA, PixelState.VALID).astype(np.uint8),
        pixel_ha=area_ha,
        ground=ground,
        scaled=_scaled(names, pixels, kind),
        noise=kind == np.uint8,
        notes=(*notes, *more),
    )


@contextmanager
def _opened(content: bytes) -> Iterator[DatasetReader]:
    """GeoTIFF and nothing else; files beside it are not looked for."""
    with rasterio.Env(**_ALONE), MemoryFile(content) as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(driver="GTiff") as file:
            yield file


def _check_header(name: str, file: DatasetReader) -> None:
    problem = header_problem(file)
    if problem is not None:
        raise _too_large(name, f"it {problem[1]}")
    pixels = file.width * file.height
    if pixels > MOST_PX:
        raise _too_large(name, f"it claims {file.width:,} x {file.height:,} pixels, of which {MOST_PX:,} may be")
    if pixels * file.count > MOST_VALUES:
        raise _too_large(name, f"it claims {file.count} bands of {file.width:,} x {file.height:,} pixels")


def _too_large(name: str, problem: str) -> BadAsset:
    return BadAsset(
        problem,
        item=name,
        remedy="Cut a piece out of it (gdal_translate -srcwin), or let the watch look at the region.",
        reason="too-large",
    )


def _names(
    name: str, file: DatasetReader, kept: Sequence[int], given: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the bands that are kept, and what was supposed."""
    own = tuple(_band(file.descriptions[place - 1] or "") for place in kept)
    notes: tuple[str, ...] = ()
    if given:
        chosen = tuple(given)
    elif all(own):
        chosen = own
    elif len(kept) in _GUESSED:
        chosen = _GUESSED[len(kept)]
        said = "red, green, blue" + (" and near infrared" if len(kept) == 4 else "")
        notes = (f"The file does not name its bands: taken for {said} ({', '.join(chosen)}). Name them if not.",)
    else:
        chosen = ()
    if len(chosen) != len(kept) or len(set(chosen)) != len(chosen):
        said = f"{len(chosen)} are named ({', '.join(chosen)})" if chosen else "it does not name them"
        raise BadAsset(
            f"it has {len(kept)} bands, and {said}",
            item=name,
            remedy="Name each of them once, in the order of the file: B04, B03, B02.",
            reason="bands-disagree",
        )
    return chosen, notes


def _band(text: str) -> str:
    """A band's name as in model cards: "b4", "red" and "B04" are one; what nobody knows stays as it is."""
    word = text.strip()
    low = word.lower()
    number = re.fullmatch(r"b?0?(\d{1,2})", low)
    if number and (name := f"B{int(number[1]):02d}") in (*OPTICAL_BANDS, "B10"):
        return name
    if low in ("b8a", "8a"):
        return "B8A"
    return _WORDS.get(low, low if low in _PLAIN else word.upper() if low in ("ndvi", "ndwi", "ndmi", "nbr") else word)


def _observed(file: DatasetReader, kept: Sequence[int]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """(C, H, W) in the unit that the file states, NaN = no observation; and what was supposed."""
    pixels: NDArray[np.float32] = file.read(list(kept), out_dtype="float32")
    hidden = file.read_masks(list(kept)) == 0
    notes: tuple[str, ...] = ()
    whole = np.dtype(file.dtypes[0]).kind in "iu"
    if whole and not hidden.any() and (empty := (pixels == 0).all(axis=0)).any():
        hidden |= empty
        notes = (f"{int(empty.sum()):,} pixels are 0 in every band: taken for not observed.",)
    for layer, place in zip(pixels, kept, strict=True):
        scale, offset = file.scales[place - 1], file.offsets[place - 1]
        if (scale, offset) != (1.0, 0.0):
            layer *= np.float32(scale)
            layer += np.float32(offset)
    pixels[hidden | ~np.isfinite(pixels)] = np.nan
    return pixels, notes


def _scaled(names: Sequence[str], pixels: NDArray[np.float32], kind: np.dtype[np.generic]) -> str:
    """Why values are no reflectance; nothing where they may be."""
    if kind == np.uint8:
        return "An 8-bit picture has no absolute reflectance."
    optical = [layer for name, layer in zip(names, pixels, strict=True) if name in OPTICAL_BANDS]
    if any(np.nanmax(layer, initial=0.0) > _HIGHEST_REFLECTANCE for layer in optical):
        return "Its values are scaled, by a factor that the file does not state: they are no absolute reflectance."
    radar = [layer for name, layer in zip(names, pixels, strict=True) if name in ("vv", "vh")]
    if any(np.nanmin(layer, initial=0.0) < 0 for layer in radar):
        return "Its backscatter is below 0: decibels, where linear power is wanted."
    return ""
