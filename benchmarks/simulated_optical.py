"""Real beside simulated: is the reflectance of the sandbox's valley, band by band, what Sentinel-2 measures?"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.real_optics import (
    BARE_NDVI,
    LIT,
    STEEP_DEG,
    Array,
    Mask,
    Reflectance,
    Scene,
    fine,
    ndvi,
    pooled,
    read_band,
    read_belgium,
    read_chittagong,
    read_desert,
    read_patches,
    read_series,
    read_slovenia,
    read_spain,
    top_of_atmosphere,
)
from benchmarks.simulated_figure import Panel
from benchmarks.simulated_optical_figure import Ground, Pooled, Seasons, draw
from monitor.sandbox.catalog_writer import SCENES
from monitor.sandbox.clouds import SceneClass
from monitor.sandbox.cover import Cover
from monitor.sandbox.spectra import BANDS, COVER
from monitor.sandbox.story import PLAIN
from monitor.sandbox.surface import season_of_year
from monitor.sandbox.world import make_world

_OVERGROWN = "slid, by the labels"
"""In the tables only: the real scars with labels are green again."""
_RIM_PX = 8
_PATCH_PX = 128
_HIDDEN = (SceneClass.CLOUD_SHADOW, SceneClass.CLOUD_MEDIUM, SceneClass.CLOUD_HIGH, SceneClass.CIRRUS)


def run(data: Path, out: Path, folder: Path, seed: int, size_px: int) -> str:
    """Compare a valley of ten bands, draw `simulated-optical.png`; returns the medians as Markdown tables.

    Args:
        data: the real data sets.
        folder: of the valley.
        seed, size_px: it was built with.
    """
    looks = list(read_looks(folder))
    valley = Scene(reflectance=looks[-1][0], classes=classes_of(*looks[-1], seed, size_px))
    slovenia = list(read_slovenia(data / "slovenia_s2_series"))
    patches = list(read_patches(data / "l4s_h5_14bands"))
    spain = read_spain(data / "spain_s1s2_chip")
    hills = read_chittagong(data / "chittagong_s2_landslides")
    fields, desert = read_belgium(data / "belgium_s1s2dem_monthly"), read_desert(data / "s2l2a_s1grd_copdem_scene")
    summer = "Slovenia, July to September"
    real: Mapping[str, Mapping[str, Reflectance]] = {
        "forest": {summer: pooled(slovenia, "forest")},
        "grass": {summer: pooled(slovenia, "grass")},
        "fields": {"Belgium, June to October": fields},
        "bare ground": {"Spain, fields and towns": spain.of("bare ground"), "Sahara, 200 m": desert},
        "slid and bare": {"bare slopes, Landslide4Sense": pooled(patches, "slid and bare")},
        _OVERGROWN: {"overgrown scars, Chittagong": hills.of(_OVERGROWN)},
        "not slid, slopes": {
            "Landslide4Sense": pooled(patches, "not slid, slopes"),
            "Chittagong": hills.of("not slid, slopes"),
        },
        "muddy water": {"Spain, in flood": spain.of("muddy water")},
    }
    grounds = [Ground(title=name, real=scenes, simulated=valley.of(name)) for name, scenes in real.items()]
    pools = read_inventories(data / "sen12landslides_stats" / "s2_raw_inventory_stats.csv")
    pools["simulated"] = pooled_statistics([reflectance for reflectance, _ in looks])
    pictures = [
        *panels("Slovenia, 2015-07-11", slovenia[-1].reflectance),
        *panels("Simulated", cut(looks[0][0], _window(valley.classes["grass"], 100))),
        *panels("Landslide4Sense", patches[0].reflectance),
        *panels("Simulated, storm", cut(valley.reflectance, _window(valley.classes["slid and bare"]))),
    ]
    drawn = [ground for ground in grounds if ground.title != _OVERGROWN]
    seasons = Seasons(real=read_series(data / "slovenia_s2_series"), simulated=seasons_of_ground())
    draw(drawn, pools, seasons, pictures, out / "simulated-optical.png")
    return f"{_bands_table(grounds)}\n\n{_pools_table(pools)}"


def read_looks(folder: Path) -> Iterator[tuple[Reflectance, NDArray[np.uint8]]]:
    """All optical looks of a valley, oldest first: reflectance and SCL, (size, size); 20 m pixels stand four times."""
    for item in sorted((folder / "catalog" / SCENES).glob("S2*"), key=lambda path: path.name[11:26]):
        bands = {band: read_band(item / f"{band}.tif") * 1e-4 - 0.1 for band in BANDS}
        side = len(bands["B02"])
        scl = fine(read_band(item / "SCL.tif"), side).astype(np.uint8)
        yield {band: fine(pixels, side) for band, pixels in bands.items()}, scl


def classes_of(reflectance: Reflectance, scl: NDArray[np.uint8], seed: int, size_px: int) -> dict[str, Mask]:
    """What the truth of a valley says of the pixels of its last look: away from clouds, borders and each other."""
    world = make_world(seed, size_px, 1, 1, PLAIN, lambda _: None)
    kind, share = world.frame.crop(world.ground.cover.kind), world.frame.crop(world.ground.scars.share)
    steep = world.frame.crop(world.relief.slope_deg) > STEEP_DEG
    clear = ~ndimage.binary_dilation(np.isin(scl, _HIDDEN), iterations=_RIM_PX)
    still = clear & (share < 0.02)

    def inner(*kinds: Cover) -> Mask:
        # A pixel beside another cover holds some of it, one of 20 m even more.
        return np.asarray(ndimage.binary_erosion(np.isin(kind, kinds), iterations=2) & still, dtype=np.bool_)

    slid, bare = clear & (share >= 0.5), ndvi(reflectance) < BARE_NDVI
    return {
        "forest": inner(Cover.BROADLEAF, Cover.CONIFER),
        "grass": inner(Cover.MEADOW),
        "fields": inner(Cover.FIELD),
        "bare ground": still & bare & (kind != Cover.WATER),
        "slid and bare": slid & bare & (reflectance["B04"] > LIT),
        "slid, by the labels": slid,
        "not slid, slopes": still & steep,
        "muddy water": inner(Cover.WATER),
    }


def seasons_of_ground() -> dict[str, Array]:
    """(365,) NDVI by day of the year at the top of the atmosphere, on flat ground of a story that lasts a year."""
    levels = np.stack([COVER * season_of_year(day) for day in range(1, 366)]).astype(np.float64)
    kinds = {"broadleaf": Cover.BROADLEAF, "conifer": Cover.CONIFER, "grass": Cover.MEADOW}
    return {
        name: ndvi(top_of_atmosphere({band: levels[:, kind, place] for place, band in enumerate(BANDS)}))
        for name, kind in kinds.items()
    }


def read_inventories(path: Path) -> dict[str, Pooled]:
    """Sen12Landslides by region: over patches, dates and bands alike, clouds and all."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[2:]
    return {row[0]: Pooled(mean=float(row[1]) / 1e4, spread=float(row[3]) / 1e4,
                           low=float(row[9]) / 1e4, high=float(row[11]) / 1e4) for row in rows}  # fmt: skip


def pooled_statistics(looks: Sequence[Reflectance]) -> Pooled:
    """The same of simulated looks: of every patch of 128 pixels, look and band, then their means."""
    found = []
    for reflectance in looks:
        for pixels in reflectance.values():
            side = len(pixels) // _PATCH_PX * _PATCH_PX
            cut_up = pixels[:side, :side].reshape(side // _PATCH_PX, _PATCH_PX, side // _PATCH_PX, _PATCH_PX)
            patches = np.clip(cut_up.transpose(0, 2, 1, 3).reshape(-1, _PATCH_PX**2), 1e-4, 1.0)
            low, high = np.percentile(patches, (1, 99), axis=1)
            found.append(np.stack([patches.mean(axis=1), patches.std(axis=1), low, high]))
    mean, spread, low, high = np.concatenate(found, axis=1).mean(axis=1).tolist()
    return Pooled(mean=mean, spread=spread, low=low, high=high)


def panels(title: str, reflectance: Reflectance) -> list[Panel]:
    """True colour, near infrared and shortwave infrared of one piece of ground."""
    nir = "B8A" if "B8A" in reflectance else "B08"
    kinds = (
        ("true colour", ("B04", "B03", "B02"), (0.16, 0.16, 0.16)),
        ("B08 B04 B03", ("B08", "B04", "B03"), (0.5, 0.2, 0.2)),
        (f"B12 {nir} B04", ("B12", nir, "B04"), (0.35, 0.5, 0.25)),
    )
    return [
        Panel(
            title=f"{title}: {kind}",
            picture=np.stack([_bytes(reflectance[b] / most) for b, most in zip(bands, full, strict=True)], axis=-1),
        )
        for kind, bands, full in kinds
    ]


def _bytes(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.asarray(255.0 * np.clip(share, 0.0, 1.0) ** 0.8, dtype=np.uint8)


def cut(reflectance: Reflectance, window: tuple[slice, slice]) -> Reflectance:
    """A piece of a scene."""
    return {band: pixels[window] for band, pixels in reflectance.items()}


def _window(mask: Mask, side: int = _PATCH_PX) -> tuple[slice, slice]:
    """The square with most of a mask's pixels."""
    count = ndimage.uniform_filter(mask.astype(np.float64), side, mode="constant")
    half = side // 2
    inner = count[half:-half, half:-half]
    row, column = np.unravel_index(int(inner.argmax()), inner.shape)
    return slice(int(row), int(row) + side), slice(int(column), int(column) + side)


def _bands_table(grounds: Sequence[Ground]) -> str:
    lines = [f"| ground | {' | '.join(BANDS)} | NDVI (10–90 %) |", f"| --- |{' --- |' * (len(BANDS) + 1)}"]
    for ground in grounds:
        for name, reflectance in {**ground.real, "simulated": ground.simulated}.items():
            shown = [f"{np.median(reflectance[band]):.3f}" if band in reflectance else "" for band in BANDS]
            low, middle, high = np.percentile(ndvi(reflectance), (10, 50, 90))
            lines.append(f"| {ground.title}: {name} | {' | '.join(shown)} | {middle:.2f} ({low:.2f} to {high:.2f}) |")
    return "\n".join(lines)


def _pools_table(pools: Mapping[str, Pooled]) -> str:
    real = [pool for name, pool in pools.items() if name != "simulated"]
    lines = [
        "| all bands, dates and skies | mean | spread within a patch | 1 % | 99 % |",
        "| --- | --- | --- | --- | --- |",
    ]
    kinds: Mapping[str, Callable[[list[float]], float]] = {"lowest": min, "median": _median, "highest": max}
    rows = {f"{name} of 13 regions": [of([one.values()[place] for one in real]) for place in range(4)]
            for name, of in kinds.items()}  # fmt: skip
    rows["simulated"] = list(pools["simulated"].values())
    return "\n".join(
        [*lines, *(f"| {name} | {' | '.join(f'{one:.3f}' for one in row)} |" for name, row in rows.items())]
    )


def _median(values: list[float]) -> float:
    return float(np.median(values))
