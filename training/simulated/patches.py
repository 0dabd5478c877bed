"""Landslide4Sense-like patches from one valley of the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.adapters.landslide4sense import BANDS
from monitor.sandbox.cover import Cover, LandCover, grow_cover
from monitor.sandbox.fields import farm
from monitor.sandbox.frame import fractal, place_frame, stream
from monitor.sandbox.scars import Scars, fail_slopes
from monitor.sandbox.surface import make_ground
from monitor.sandbox.terrain import Relief, build_relief
from training.samples import LANDSLIDE, STABLE, Samples
from training.simulated.spectra import CROP, PUBLISHED_UNIT, Day, draw_day, observe

_T = TypeVar("_T", bound=np.generic)

PATCH_PX: Final = 128
PATCHES_PER_SIDE: Final = 3
PATCHES_PER_VALLEY: Final = PATCHES_PER_SIDE**2
IDS_PER_VALLEY: Final = 100
"""Wider than a valley and its guards, so a split by blocks of ids keeps whole valleys apart."""

_GREEN: Final = BANDS.index("B03")
_SANDBOX_GREEN: Final = 0.164
"""Green reflectance of the sandbox's bare earth, whose hue leaves green alone: painted over it gives the tone."""
_STORMS: Final = (0.2, 0.3, 0.25, 0.25)
"""Probability of a valley in which 0, 1, 2 or 3 times as many slopes failed as in one of the sandbox's storms."""
_NO_SCARS: Final = Scars(share=np.zeros((0, 0), np.float32), reflectance=np.zeros((3, 0, 0), np.float32), each=())
_FLOOD_SHARE: Final = 0.5
_HIGHEST_BASE_M: Final = 2200.0
_NOISE_M: Final = 2.0
"""Standard deviation of the noise in the elevation model that slopes were made of."""


def simulate_valley(seed: int, valley: int) -> Samples:
    """The nine patches of one valley after a storm, side by side: ids 100, 101, … times the number of the valley.

    Args:
        seed: of the set; the same seed and number give the same values.
        valley: 1, 2, …
    """
    own_seed = int(np.random.default_rng((seed, valley)).integers(2**31))
    frame = place_frame(own_seed, PATCH_PX * PATCHES_PER_SIDE)
    relief = build_relief(frame, own_seed)
    cover = grow_cover(frame, relief, own_seed)
    rng = stream(own_seed, "landslide4sense")
    day = draw_day(rng)
    count = int(rng.choice(len(_STORMS), p=_STORMS))
    storms = [fail_slopes(frame, relief, cover, own_seed + storm) for storm in range(count)]
    surface = _surface(cover, storms, day, own_seed, flooded=rng.uniform() < _FLOOD_SHARE)
    values = np.concatenate([observe(surface, relief, day, rng), _terrain(relief, rng)])
    published = values / np.array(PUBLISHED_UNIT)[:, None, None]
    labels = np.full(cover.kind.shape, STABLE, dtype=np.int8)
    for storm in storms:
        labels[storm.share >= 0.5] = LANDSLIDE
    first = IDS_PER_VALLEY * valley
    return Samples(
        name="simulated-valleys",
        bands=BANDS,
        ids=np.arange(first, first + PATCHES_PER_VALLEY),
        pixels=_patches(frame.crop(published.astype(np.float32))),
        labels=_patches(frame.crop(labels)[None])[:, 0],
        groups=np.full(PATCHES_PER_VALLEY, f"valley-{valley}"),
        touching=np.zeros((0, 2), dtype=np.int64),
    )


def _surface(cover: LandCover, storms: Sequence[Scars], day: Day, seed: int, *, flooded: bool) -> NDArray[np.float32]:
    """(12, padded, padded) surface reflectance."""
    # Scars are painted below in 12 bands; of the sandbox's surface only the texture is wanted.
    texture = make_ground(cover, _NO_SCARS, seed).texture
    image = np.moveaxis(day.cover[cover.kind], -1, 0) * texture
    fields = cover.kind == Cover.FIELD
    crops = farm(cover.parcels, fields, seed, quiet=1, after=0)[0]
    per_field = CROP[crops] * (1.0 + 0.10 * cover.parcels.tone)[:, None]
    image[:, fields] = per_field[cover.parcels.field[fields]].T * (1.0 + 0.05 * cover.parcels.rows[fields])
    if flooded:
        image[:, cover.flood] = day.cover[Cover.GRAVEL][:, None] * texture[cover.flood]
    for storm in storms:
        tone = storm.reflectance[_GREEN - 1] / np.float32(_SANDBOX_GREEN)
        image = image * (1.0 - storm.share) + storm.share * day.earth[:, None, None] * tone
    return np.asarray(image, dtype=np.float32)


def _terrain(relief: Relief, rng: np.random.Generator) -> NDArray[np.float64]:
    """(2, padded, padded) slope in whole degrees and elevation in whole metres, as the files have them."""
    base = rng.uniform(0.0, _HIGHEST_BASE_M)
    noise = _NOISE_M * fractal(len(relief.slope_deg), rng, beta=2.0, longest_px=20)
    seen = ndimage.gaussian_filter(relief.elevation_m + noise, 1.0)
    south, east = np.gradient(seen, 10.0)
    return np.rint([np.degrees(np.arctan(np.hypot(south, east))), np.maximum(relief.elevation_m + base, 0.0)])


def _patches(image: NDArray[_T]) -> NDArray[_T]:
    """(C, 384, 384) to (9, C, 128, 128), row by row."""
    bands, side = image.shape[0], PATCHES_PER_SIDE
    cut = image.reshape(bands, side, PATCH_PX, side, PATCH_PX)
    return np.ascontiguousarray(cut.transpose(1, 3, 0, 2, 4).reshape(-1, bands, PATCH_PX, PATCH_PX))
