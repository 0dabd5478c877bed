"""What is uploaded is read as what it is, or refused with a reason before it can do harm."""

import io
import tracemalloc
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.landslide4sense import BANDS
from monitor.errors import BadAsset, InputFault
from monitor.lab.uploads import MOST_PX, MOST_UPLOAD_MB, band_names, check_size, read_upload
from monitor.records import PixelState
from tests.lab.files import SIDE, claims_much, geotiff, ground, grows, patch, wide

_LEAST_GAIN_MB = 64


def test_a_published_patch_is_read_as_it_is(data_folder: Path) -> None:
    """All 14 bands in their order, with the values that h5py reads, and nobody takes them for reflectance."""
    path = data_folder / "l4s_h5_14bands" / "image_31.h5"
    image = read_upload(path.name, path.read_bytes())
    assert (image.name, image.bands, image.shape, image.ground) == ("image_31", BANDS, (128, 128), None)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(image.of(("B08",))[0], file["img"][..., 7].astype(np.float32))
    assert "scaled per band" in image.scaled
    assert image.pixel_ha == pytest.approx(0.01)


def test_a_real_chip_keeps_its_place_and_its_bands_are_guessed_aloud(data_folder: Path) -> None:
    """Red, green, blue and near infrared without names; pixels of ten metres in degrees; numbers scaled by 10,000."""
    path = data_folder / "chittagong_s2_landslides" / "images" / "000000000050.tif"
    image = read_upload(path.name, path.read_bytes())
    assert image.bands == ("B04", "B03", "B02", "B08")
    assert "taken for red, green, blue and near infrared" in image.notes[0]
    assert image.ground is not None
    assert image.ground.crs.to_epsg() == 4326
    assert 0.0085 < image.pixel_ha < 0.0105
    assert "no absolute reflectance" in image.scaled


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("B4", "b03", "B02_x"), ("B04", "B03", "B02_x")),
        (("red", "Green", "BLUE"), ("B04", "B03", "B02")),
        (("8a", "NIR", "ndvi"), ("B8A", "B08", "NDVI")),
        (("VV", "vh", "TRI"), ("vv", "vh", "tri")),
        (("B11", "12", "Slope"), ("B11", "B12", "slope")),
    ],
)
def test_bands_are_told_by_their_descriptions(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """However people write them; what nobody knows stays as it is. Nothing is supposed."""
    image = read_upload("a.tif", geotiff(ground(), names))
    assert image.bands == expected
    assert image.notes == ()


def test_names_given_by_hand_are_believed_over_all_others() -> None:
    """Also over those of the file; as many as there are bands, each once."""
    content = geotiff(ground(), ("red", "green", "blue"))
    assert read_upload("a.tif", content, band_names("B02, B03,B04")).bands == ("B02", "B03", "B04")
    for wrong in ("B02", "B02,B03,B02"):
        with pytest.raises(BadAsset, match=r"it has 3 bands, and \d are named"):
            read_upload("a.tif", content, band_names(wrong))
    with pytest.raises(BadAsset, match="it has 5 bands, and it does not name them"):
        read_upload("a.tif", geotiff(ground(5)))


def test_an_8_bit_picture_is_known_for_one() -> None:
    """Alpha is no band but says what was observed; values get noise before a network sees them."""
    pixels = np.full((4, SIDE, SIDE), 90, dtype=np.uint8)
    pixels[3, :10] = 0
    pixels[3, 10:] = 255
    image = read_upload("photo.tif", geotiff(pixels, crs=None))
    assert (image.bands, image.ground, image.noise) == (("B04", "B03", "B02"), None, True)
    assert "8-bit" in image.scaled
    assert np.isnan(image.pixels[:, :10]).all()
    assert (image.state[10:] == PixelState.VALID).all()


def test_what_was_not_observed_is_told() -> None:
    """Pixels of the file's nodata, and without one those that are 0 in every band."""
    pixels = np.full((3, SIDE, SIDE), 700, dtype=np.uint16)
    pixels[:, :5] = 0
    image = read_upload("a.tif", geotiff(pixels))
    assert np.isnan(image.pixels).sum() == 3 * 5 * SIDE
    assert "320 pixels are 0 in every band" in " ".join(image.notes)
    stated = read_upload("a.tif", geotiff(np.where(pixels == 0, 9, pixels).astype(np.uint16), nodata=9))
    assert (stated.state == image.state).all()
    assert "0 in every band" not in " ".join(stated.notes)


def test_scales_that_a_file_states_are_used() -> None:
    """Then its values are reflectance."""
    codes = (ground() * 10_000 + 1000).astype(np.uint16)
    plain = read_upload("a.tif", geotiff(codes, ("B04", "B03", "B02")))
    stated = read_upload("a.tif", geotiff(codes, ("B04", "B03", "B02"), scale=(1e-4, -0.1)))
    assert "scaled" in plain.scaled
    assert stated.scaled == ""
    np.testing.assert_allclose(stated.pixels, plain.pixels * 1e-4 - 0.1, atol=1e-6)


def test_a_file_of_two_gigabytes_is_refused_unread() -> None:
    """By its size alone."""
    check_size("small.tif", MOST_UPLOAD_MB << 20)
    with pytest.raises(BadAsset, match=r"it has 2,048 MB, of which 200 may be"):
        check_size("scene.tif", 2 << 30)


def test_a_patch_that_claims_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    """30 GB of data in a few kilobytes."""
    content = claims_much(tmp_path / "bomb.h5")
    assert len(content) < 100_000
    with pytest.raises(BadAsset, match="it claims 16384 x 16384 pixels"):
        read_upload("bomb.h5", content)


def test_a_patch_that_grows_when_it_is_unpacked_is_refused(tmp_path: Path) -> None:
    """A chunk that claims 28 kB and holds gigabytes; the memory for them is never taken."""
    content = grows(tmp_path / "bomb.h5", _LEAST_GAIN_MB)
    tracemalloc.start()
    try:
        with pytest.raises(BadAsset, match="grows far beyond what it claims"):
            read_upload("bomb.h5", content)
        assert tracemalloc.get_traced_memory()[1] < len(content) + (8 << 20) < _LEAST_GAIN_MB << 20
    finally:
        tracemalloc.stop()


def test_a_raster_that_claims_the_world_is_refused_unread(tmp_path: Path) -> None:
    """100,000 pixels wide in a file of kilobytes."""
    content = wide(tmp_path / "wide.tif", 100_000)
    assert len(content) < 1 << 20
    with pytest.raises(BadAsset, match=f"it claims 100,000 x 100,000 pixels, of which {MOST_PX:,} may be"):
        read_upload("wide.tif", content)


@pytest.mark.parametrize("name", ["a.zip", "a.h5", "a.tif"])
def test_an_archive_is_told_whatever_its_name(name: str) -> None:
    """With what to do about it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("image.tif", geotiff(ground()))
    with pytest.raises(BadAsset, match=r"ZIP archive\. Unpack it"):
        read_upload(name, file.getvalue())


def test_random_bytes_are_no_patch_whatever_their_name() -> None:
    """Neither with the name of one, nor behind the first bytes of one."""
    noise = np.random.default_rng(1).bytes(5000)
    with pytest.raises(BadAsset, match=r"image_1\.h5: it is neither HDF5 nor GeoTIFF"):
        read_upload("image_1.h5", noise)
    with pytest.raises(BadAsset, match="no readable HDF5"):
        read_upload("image_1.h5", b"\x89HDF\r\n\x1a\n" + noise)
    with pytest.raises(BadAsset, match="no readable GeoTIFF"):
        read_upload("image_1.tif", b"II*\0" + noise)
    with pytest.raises(BadAsset, match="neither HDF5 nor GeoTIFF"):
        read_upload("empty.tif", b"")


@pytest.mark.parametrize("where", [0.1, 0.5, 0.9, 0.999])
def test_files_cut_short_are_refused(data_folder: Path, where: float) -> None:
    """At any place; the message names the file."""
    for path in (
        data_folder / "l4s_h5_14bands" / "image_39.h5",
        data_folder / "chittagong_s2_landslides" / "images" / "000000000000.tif",
    ):
        content = path.read_bytes()
        with pytest.raises((BadAsset, InputFault), match=path.name):
            read_upload(path.name, content[: int(where * len(content))])


def test_a_patch_names_no_other_file(tmp_path: Path) -> None:
    """Neither by a link nor by an array that lies elsewhere: an upload must not read this machine's files."""
    secret = tmp_path / "secret.h5"
    secret.write_bytes(patch(np.ones((SIDE, SIDE, 14), dtype=np.float32)))
    layout = h5py.VirtualLayout((SIDE, SIDE, 14), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "img", (SIDE, SIDE, 14))
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(SIDE * SIDE * 14 * 4))
    for name in ("link", "virtual", "external"):
        path = tmp_path / f"{name}.h5"
        with h5py.File(path, "w") as file:
            if name == "link":
                file["img"] = h5py.ExternalLink(str(secret), "img")
            elif name == "virtual":
                file.create_virtual_dataset("img", layout)
            else:
                file.create_dataset("img", (SIDE, SIDE, 14), "f4", external=[(str(raw), 0, h5py.h5f.UNLIMITED)])
        with pytest.raises(BadAsset, match=r"no array img|lies in other files"):
            read_upload(path.name, path.read_bytes())


@pytest.mark.parametrize(
    ("image", "how", "reason"),
    [
        (np.ones((SIDE, SIDE, 7)), {}, "not height x width x 14"),
        (np.ones((SIDE, SIDE)), {}, "not height x width x 14"),
        (np.ones((SIDE, SIDE, 14), dtype="S3"), {}, "not of numbers"),
        (np.ones((SIDE, SIDE, 14)), {"compression": "lzf"}, "another way than gzip"),
        (np.full((SIDE, SIDE, 14), np.nan), {}, "NaN or infinite"),
    ],
)
def test_patches_of_another_kind_are_refused(image: np.ndarray, how: dict[str, object], reason: str) -> None:
    """With other bands, other types, packed otherwise, with holes."""
    with pytest.raises((BadAsset, InputFault), match=reason):
        read_upload("odd.h5", patch(image, **how))


@pytest.mark.parametrize(
    "how", [{}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True, "fletcher32": True}]
)
def test_patches_are_the_same_however_they_are_packed(how: dict[str, object]) -> None:
    """As one piece, in packed chunks, shuffled and with checksums."""
    image = np.random.default_rng(3).random((SIDE, SIDE, 14))
    found = read_upload("good.h5", patch(image, **how))
    np.testing.assert_array_equal(found.pixels, np.moveaxis(image, -1, 0).astype(np.float32))


_WHOLE = (
    ("a.h5", patch(np.moveaxis(ground(14, 32), 0, -1), compression="gzip", shuffle=True)),
    ("b.h5", patch(np.moveaxis(ground(14, 32), 0, -1))),
    ("c.tif", geotiff(ground(3, 32), ("red", "green", "blue"), compress="deflate")),
    ("d.tif", geotiff((ground(4, 32) * 10_000).astype(np.uint16), compress="lzw")),
)


_CHANGES = st.lists(st.tuples(st.integers(8, 1500) | st.integers(-1500, -1), st.integers(0, 255)), max_size=5)


@given(which=st.sampled_from(_WHOLE), changed=_CHANGES)
@settings(max_examples=300, derandomize=True)
def test_a_damaged_file_is_read_or_refused(which: tuple[str, bytes], changed: list[tuple[int, int]]) -> None:
    """Whatever bytes of its head or end are others: it never ends in an error that nobody explains."""
    name, whole = which
    content = bytearray(whole)
    for place, value in changed:
        content[place if abs(place) < len(content) else -1] = value
    with warnings.catch_warnings(), suppress(BadAsset, InputFault):
        warnings.simplefilter("ignore")  # GDAL is free to say more
        image = read_upload(name, bytes(content))
        assert image.pixels.shape == (len(image.bands), *image.shape)


def test_names_of_bands_that_are_no_text_are_told() -> None:
    """As GDAL passes on whatever bytes are there."""
    content = geotiff(ground(), ("red", "green", "blue")).replace(b"green", b"gr\xe4\xf4n")
    with pytest.raises(BadAsset, match="no readable GeoTIFF"):
        read_upload("a.tif", content)
