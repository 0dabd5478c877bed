"""The lab page in a real browser: upload, one model, all models, downloads, what is refused, what a watch kept."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import rasterio
from playwright.sync_api import Browser, Locator, Page, expect

from tests.lab.files import geotiff, ground, patch
from tests.lab.kept import watch
from tests.web.test_pages import browser

__all__ = ["browser"]

_ROOT = Path(__file__).parents[2]
_PATIENT_MS = 90_000


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as `scarpwatch lab` starts it, with the shipped models, over a watch with a kept acquisition."""
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "HOME": str(folder)}
    command = [sys.executable, "-m", "monitor", "lab", "--config", str(watch(folder)), "--port", str(port)]
    with (folder / "out").open("wb") as out:
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait(running, port, folder / "out")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(timeout=30)


def _wait(running: subprocess.Popen[bytes], port: int, out: Path) -> None:
    end = time.monotonic() + _PATIENT_MS / 1000
    while time.monotonic() < end:
        if running.poll() is not None:
            pytest.fail(f"the lab ended: {out.read_text()}")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the lab does not answer: {out.read_text()}")


@pytest.fixture
def page(browser: Browser, lab: str) -> Iterator[Page]:
    """Somebody who has just opened the page; it asks nobody else for anything."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(_PATIENT_MS)
    expect.set_options(timeout=_PATIENT_MS)
    faults: list[str] = []
    asked: set[str] = set()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda request: asked.add(request.url))
    opened.goto(lab)
    expect(opened.get_by_text("Choose a file on the left")).to_be_visible()
    yield opened
    context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith((lab, lab.replace("http", "ws"), "data:", "blob:"))] == []


def upload(page: Page, path: Path) -> None:
    """Choose a file."""
    page.locator("input[type=file]").set_input_files(path)


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a list."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=re.compile(re.escape(option))).first.click()


def pictures(page: Page) -> Locator:
    """All of the page."""
    return page.locator("[data-testid=stImage] img")


def settled(page: Page) -> None:
    """The page has run to its end: what was there before is gone."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")


def drawn(page: Page, count: int) -> None:
    """So many pictures are there, loaded, and of one size."""
    settled(page)
    expect(pictures(page)).to_have_count(count)
    sizes = set()
    for place in range(count):
        one = pictures(page).nth(place)
        expect(one).to_have_js_property("complete", True)
        sizes.add(one.evaluate("image => [image.naturalWidth, image.naturalHeight].join()"))
    assert sizes == {"768,768"}


def download(page: Page, label: str, folder: Path) -> Path:
    """What a button gives."""
    settled(page)
    with page.expect_download() as coming:
        page.get_by_role("button", name=label, exact=True).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def test_all_models_are_asked_about_a_real_patch(page: Page, data_folder: Path) -> None:
    """Those that know its bands answer, side by side; the others are named with why."""
    upload(page, data_folder / "l4s_h5_14bands" / "image_31.h5")
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    drawn(page, 3 + 2 * 5)
    rows = page.locator("[data-testid=stTable] tr")
    said = {row.split()[0]: row for row in rows.all_inner_texts()}
    assert {"scar-rgb", "scar-rgb-noiburi"} <= set(said)
    assert "answered" in said["scar-rgb"]
    assert "not fit: needs tri, land_cover:esa-worldcover" in said["sim-d"]
    assert "compares two dates" in said["change-rgb"]
    before = pictures(page).nth(1).get_attribute("src")
    page.get_by_text("Probability", exact=True).first.click()
    expect(pictures(page).nth(1)).not_to_have_attribute("src", str(before))
    expect(page.get_by_text("128 × 128 px of 10.0 m")).to_be_visible()
    expect(page.get_by_text("no reflectance, metres or degrees")).to_be_visible()


def test_one_model_and_what_can_be_taken_away(page: Page, data_folder: Path, tmp_path: Path) -> None:
    """A real chip through one model: arrays and a GeoTIFF in its place; the mask follows the threshold."""
    chip = data_folder / "chittagong_s2_landslides" / "images" / "000000000050.tif"
    choose(page, "Model", "scar-rgb-noiburi")
    upload(page, chip)
    expect(page.get_by_role("button", name="GeoTIFF", exact=True)).to_be_visible()
    drawn(page, 5)
    slider = page.get_by_role("slider")
    expect(slider).to_have_value("0.448")
    probability = np.load(download(page, "Probability (.npy)", tmp_path))
    assert (probability.shape, probability.dtype) == ((256, 256), np.float32)
    slider.focus()
    slider.press("Home")
    expect(page.get_by_text("100.0% at or above 0.000")).to_be_visible()
    mask = np.load(download(page, "Mask (.npy)", tmp_path))
    assert mask.dtype == np.uint8
    assert (mask == np.isfinite(probability)).all()
    with rasterio.open(download(page, "GeoTIFF", tmp_path)) as found, rasterio.open(chip) as sent:
        assert (found.crs, found.transform, found.shape) == (sent.crs, sent.transform, sent.shape)
        assert found.tags()["model"] == "scar-rgb-noiburi"
        np.testing.assert_array_equal(found.read(1), probability)


def test_what_is_refused_is_told_and_the_page_goes_on(page: Page, tmp_path: Path) -> None:
    """Two gigabytes, random bytes, a band that no model knows alone; then a good file is answered."""
    large = tmp_path / "scene.tif"
    with large.open("wb") as file:
        file.truncate(2 << 30)
    noise = tmp_path / "image_1.h5"
    noise.write_bytes(np.random.default_rng(1).bytes(5000))
    one = tmp_path / "nir.tif"
    one.write_bytes(geotiff(ground(1), ("B08",)))
    good = tmp_path / "good.h5"
    good.write_bytes(patch(np.moveaxis(ground(14), 0, -1)))
    upload(page, large)
    expect(page.get_by_text(re.compile("must be 200.*MB or smaller"))).to_be_visible()
    page.reload()
    expect(page.get_by_text("Choose a file on the left")).to_be_visible()
    upload(page, noise)
    expect(page.get_by_text("it is neither HDF5 nor GeoTIFF")).to_be_visible()
    upload(page, one)
    expect(page.get_by_text("not fit: needs B04, B03, B02, which are not here").first).to_be_visible()
    choose(page, "Model", "scar-rgb-noiburi")
    upload(page, good)
    expect(page.get_by_role("button", name="TIFF without CRS")).to_be_visible()
    drawn(page, 5)


def test_what_the_watch_kept_is_shown(page: Page) -> None:
    """A tile with its look, as it was answered then and with its clouds; one of which only products are left."""
    page.get_by_text("Stored acquisition").click()
    expect(page.get_by_role("heading", name="As the watch kept it: scar-rgb-noiburi")).to_be_visible()
    drawn(page, 5)
    expect(page.get_by_text("Striped ground was not observed: cloud")).to_be_visible()
    expect(page.get_by_text("EPSG:32654")).to_be_visible()
    choose(page, "Tile", "no pixels kept")
    expect(page.get_by_text("its pixels cannot be shown")).to_be_visible()
    drawn(page, 5)
