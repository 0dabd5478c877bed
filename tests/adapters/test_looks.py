"""Looks come back as the numbers they were, or not at all."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

from monitor.adapters.looks import LookFiles, look_href
from monitor.core.grid import tile_from_id, tile_geobox
from monitor.core.quantise import quantise
from monitor.core.statistics import tile_stats
from monitor.errors import AssetUnavailable, BadAsset, DiskFull
from monitor.records import Look, PixelState
from tests.adapters.small_disk import run_on_small_disk

HREF = "looks/UTM54N-0150-1842/S2_20181022T012600_R017_ab12__1.0.0.tif"


@pytest.fixture
def look() -> Look:
    """A look with clouds, nodata and every kind of value."""
    rng = np.random.default_rng(5)
    probability = rng.random((256, 256), dtype=np.float32)
    probability[:64] = np.nan
    state = np.zeros((256, 256), dtype=np.uint8)
    state[:32] = PixelState.CLOUD
    state[32:64] = PixelState.NODATA
    reflectance = rng.normal(0.1, 0.1, (3, 256, 256)).astype(np.float32)
    reflectance[:, 32:64] = np.nan
    return Look(
        tile=tile_from_id("UTM54N-0150-1842"),
        acquisition_id="S2_20181022T012600_R017_ab12",
        sensing_time=datetime(2018, 10, 22, 1, 26, 0, 123000, tzinfo=UTC),
        probability=probability,
        spread=np.where(np.isnan(probability), np.nan, probability / 4).astype(np.float32),
        pixels=reflectance,
        state=state,
    )


def test_a_look_comes_back_as_its_quantised_self(tmp_path: Path, look: Look) -> None:
    """Every field and every pixel of the quantised look survives, and so do its statistics."""
    archive = LookFiles(tmp_path)
    quantised = quantise(look)

    href = archive.write(quantised, "1.0.0")
    kept = archive.read(href)

    assert href == HREF
    assert (kept.tile, kept.acquisition_id, kept.sensing_time) == (look.tile, look.acquisition_id, look.sensing_time)
    for name in ("probability", "spread", "pixels", "state"):
        assert np.array_equal(getattr(kept, name), getattr(quantised, name), equal_nan=name != "state"), name
    assert tile_stats(kept.probability, kept.spread, kept.state, 0.5) == tile_stats(
        quantised.probability, quantised.spread, quantised.state, 0.5
    )


def test_the_file_opens_in_any_gis(tmp_path: Path, look: Look) -> None:
    """CRS, place, band names and tags are in the file itself."""
    path = tmp_path / LookFiles(tmp_path).write(look, "1.0.0")

    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == 32654
        assert dataset.transform == tile_geobox(look.tile).transform
        assert dataset.descriptions == ("probability", "spread", "red", "green", "blue", "state")
        assert dataset.tags()["SENSING_TIME"] == "2018-10-22T01:26:00.123000+00:00"
        assert dataset.read(6)[0, 0] == PixelState.CLOUD


def test_writing_again_keeps_one_file(tmp_path: Path, look: Look) -> None:
    """The same look has the same name; a corrected one replaces it whole."""
    archive = LookFiles(tmp_path)
    archive.write(look, "1.0.0")
    archive.write(replace(look, state=np.full_like(look.state, PixelState.SNOW)), "1.0.0")

    assert [path.name for path in (tmp_path / HREF).parent.iterdir()] == [Path(HREF).name]
    assert (archive.read(HREF).state == PixelState.SNOW).all()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.97, 0.99])
def test_a_cut_file_is_never_read_as_a_look(tmp_path: Path, look: Look, share: float) -> None:
    """However much of it is left, the error names the file and what to do."""
    archive = LookFiles(tmp_path)
    path = tmp_path / archive.write(look, "1.0.0")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(BadAsset, match="not a complete look") as caught:
        archive.read(HREF)

    assert str(path) == caught.value.item


def test_a_lost_look_is_named(tmp_path: Path) -> None:
    """A deleted file is a lost look, with a remedy."""
    with pytest.raises(BadAsset, match=r"is gone.*Restore the file from a backup.*goes on with the looks that remain"):
        LookFiles(tmp_path).read(HREF)


def test_a_look_that_cannot_be_read_now_is_not_lost(tmp_path: Path, look: Look) -> None:
    """Trouble with the disk passes; only a file that is gone or wrong is a lost look."""
    archive = LookFiles(tmp_path)
    href = archive.write(look, "m")
    (tmp_path / href).unlink()
    assert not archive.exists(href)
    (tmp_path / href).mkdir()
    with pytest.raises(AssetUnavailable, match=r"cannot be read now \(Is a directory\)"):
        archive.read(href)


def test_a_foreign_raster_is_not_a_look(tmp_path: Path) -> None:
    """A GeoTIFF of another kind in the archive is refused."""
    path = tmp_path / HREF
    path.parent.mkdir(parents=True)
    profile = {"driver": "GTiff", "width": 256, "height": 256, "count": 1, "dtype": "uint16", "crs": "EPSG:32654"}
    with rasterio.open(path, "w", transform=rasterio.Affine(10, 0, 0, 0, -10, 0), **profile) as dataset:
        dataset.write(np.zeros((1, 256, 256), dtype=np.uint16))

    with pytest.raises(BadAsset, match="it holds"):
        LookFiles(tmp_path).read(HREF)


@pytest.mark.parametrize("href", ["../secret.tif", "looks/../../secret.tif", "/etc/passwd"])
def test_only_looks_of_the_archive_are_read(tmp_path: Path, href: str) -> None:
    """A href from a damaged database cannot leave the product folder."""
    with pytest.raises(BadAsset, match="not a look of this product folder"):
        LookFiles(tmp_path).read(href)


@pytest.mark.parametrize("part", ["a/b", "", ".hidden", "a\\b"])
def test_unsafe_ids_are_refused(look: Look, part: str) -> None:
    """An id that would change the path is a mistake of the caller."""
    with pytest.raises(ValueError, match="file name"):
        look_href(look.tile, part, "1.0.0")


def test_parts_left_by_a_killed_process_are_taken_away(tmp_path: Path, look: Look) -> None:
    """A dead writer's hidden file goes, a living writer's stays."""
    archive = LookFiles(tmp_path)
    folder = (tmp_path / archive.write(look, "1.0.0")).parent
    root = str(Path(__file__).parents[2])
    code = f"import os, pathlib, sys; sys.path.insert(0, {root!r}); from monitor.adapters.files import part_path;"
    code += "p = part_path(pathlib.Path(sys.argv[1])); p.write_bytes(b'half'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / HREF)], check=False)
    dead = [path for path in folder.iterdir() if path.name.startswith(".")]
    living = folder / dead[0].name.replace(dead[0].name.split("-")[-3], str(os.getppid()))
    living.write_bytes(b"half")
    assert len(dead) == 1

    archive.write(look, "1.0.0")

    assert not dead[0].exists()
    assert living.exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """On a file system with no room the error is DiskFull, and the folder holds only whole looks."""
    printed = run_on_small_disk(
        tmp_path / "disk",
        700,
        """
        from datetime import UTC, datetime
        import numpy as np
        from monitor.adapters.looks import LookFiles
        from monitor.core.grid import tile_from_id
        from monitor.errors import DiskFull
        from monitor.records import Look

        noise = np.random.default_rng(0).random((3, 256, 256), dtype=np.float32)
        archive = LookFiles(disk)
        hrefs = []
        try:
            for number in range(4):
                hrefs.append(archive.write(Look(
                    tile=tile_from_id("UTM54N-0150-1842"), acquisition_id=f"A{number}",
                    sensing_time=datetime(2018, 1, 1, tzinfo=UTC), probability=noise[0], spread=noise[1],
                    pixels=noise, state=np.zeros((256, 256), dtype=np.uint8)), "1"))
        except DiskFull as err:
            print("full:", err.item, err.remedy)
        assert hrefs, "the disk was too small for one look"
        files = sorted(str(p.relative_to(disk)) for p in disk.rglob("*") if p.is_file())
        assert files == hrefs, files
        assert [archive.read(href).acquisition_id for href in hrefs] == [f"A{n}" for n in range(len(hrefs))]
        """,
    )

    assert printed.startswith("full:")
    assert "Free space" in printed
    assert DiskFull.default_reason == "disk-full"
