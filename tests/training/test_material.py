"""What an experiment names is what it trains on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.core.grid import tile_from_id, tile_geobox
from monitor.errors import ConfigError, InputFault
from tests.training.conftest import THRESHOLD_ID, TRAIN_IDS, VALIDATION_IDS
from training.datasets.chip_files import write_chip
from training.datasets.cutting import finish
from training.datasets.rgb_patches import PATCH_FILE
from training.experiment import DataSettings, Experiment, load_experiment
from training.material import gather
from training.run_file import begin_run

DATA = DataSettings(kind="rgb-patches", path=PATCH_FILE)


def test_the_published_blocks_are_the_default(tiny_data: Path) -> None:
    """Training, threshold and scored chips, and the hash of the file in the manifest."""
    material = gather(DATA, tiny_data)
    assert tuple(material.sources().labelled.ids) == TRAIN_IDS
    assert tuple(material.threshold().ids) == (THRESHOLD_ID,)
    assert tuple(material.scored().ids) == VALIDATION_IDS
    assert [one.name for one in material.manifests] == ["l4s_rgb"]


def test_other_blocks_and_excluded_ids_can_be_named(tiny_data: Path) -> None:
    """Excluded ids are trained on nowhere, with their guards."""
    data = DATA.model_copy(update={"validation": ("1205",), "threshold": ("300-301",), "exclude_ids": "61"})
    material = gather(data, tiny_data)
    assert tuple(material.scored().ids) == (THRESHOLD_ID,)
    assert tuple(material.threshold().ids) == VALIDATION_IDS
    assert tuple(material.sources().labelled.ids) == (10, 11, 12)


def test_a_side_without_chips_is_named(tiny_data: Path) -> None:
    """Before anything is trained: nothing could be scored, or nothing learned."""
    with pytest.raises(ConfigError, match="side of validation"):
        gather(DATA.model_copy(update={"validation": ("9000",)}), tiny_data)
    with pytest.raises(ConfigError, match="side of train"):
        gather(DATA.model_copy(update={"exclude_ids": "10"}), tiny_data)


def test_bands_are_taken_by_name(tiny_data: Path) -> None:
    """In the experiment's order; one that is not there is named."""
    material = gather(DATA.model_copy(update={"bands": ("B02", "B04")}), tiny_data)
    whole = gather(DATA, tiny_data)
    np.testing.assert_array_equal(material.samples.pixels, whole.samples.pixels[:, [2, 0]])
    with pytest.raises(ConfigError, match="B08"):
        gather(DATA.model_copy(update={"bands": ("B08",)}), tiny_data)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_quiet_ground_that_is_not_named_stays_unseen(data_folder: Path) -> None:
    """The shipped experiment trains on Slovenia and Spain; Belgium is left for scoring."""
    material = gather(load_experiment("scar-rgb-noiburi").data, data_folder)
    quiet = material.sources().quiet
    assert quiet is not None
    assert set(quiet.groups) == {"slovenia", "spain"}
    assert not (quiet.labels == 1).any()
    assert len(material.sources().labelled) == 765
    assert not ((material.sources().labelled.ids >= 2200) & (material.sources().labelled.ids <= 2620)).any()
    with pytest.raises(ConfigError, match=r"atlantis.*belgium"):
        gather(DATA.model_copy(update={"quiet": ("atlantis",), "quiet_share": 0.1}), data_folder)


def drawn_tile(folder: Path, event: str, column: int) -> None:
    """One cut chip of noise; with a landslide along its northern edge unless the event is quiet."""
    tile = f"UTM54N-0{column}-1842"
    grid = tile_geobox(tile_from_id(tile))
    codes = np.ones(grid.shape, np.uint8)
    codes[:9] += event != "quiet"
    red = np.random.default_rng(column).normal(0.1, 0.01, grid.shape).astype(np.float32)
    write_chip(folder, tile, grid, {"B04": red}, codes, {"TILE": tile, "EVENT": event})
    finish(folder, ("B04",), (), "drawn", "MIT")


def test_cut_chips_are_split_by_event_with_their_own_quiet_ground(tmp_path: Path) -> None:
    """Each folder with its manifest; the quiet chips take the size of the labelled ones."""
    for event, column in (("quake", 150), ("storm", 160), ("flood", 170), ("quiet", 180)):
        drawn_tile(tmp_path / ("calm" if event == "quiet" else "slid") / event, event, column)
    data = DataSettings(
        kind="cut-chips",
        path="slid",
        bands=("B04",),
        split="groups",
        validation=("storm",),
        threshold=("flood",),
        quiet=("calm/quiet",),
        quiet_share=0.5,
    )
    material = gather(data, tmp_path)
    assert [one.name for one in material.manifests] == ["flood", "quake", "storm", "quiet"]
    assert material.sources().labelled.groups.tolist() == ["quake"]
    assert material.scored().groups.tolist() == ["storm"]
    quiet = material.sources().quiet
    assert quiet is not None
    assert (quiet.pixels.shape, quiet.bands) == ((1, 1, 256, 256), ("B04",))
    drawn_tile(tmp_path / "beside" / "quiet", "quiet", 161)
    with pytest.raises(ConfigError, match="quiet ground lies on or beside 1 chips that are kept from training"):
        gather(data.model_copy(update={"quiet": ("beside/quiet",)}), tmp_path)
    (tmp_path / "slid" / "storm" / "labels" / "UTM54N-0160-1842.tif").write_bytes(b"other")
    with pytest.raises(InputFault, match="1 of 2 files of storm"):
        gather(data, tmp_path)


def test_simulated_chips_are_not_passed_off_as_real(
    tiny_data: Path, tiny_experiment: Experiment, tmp_path: Path
) -> None:
    """A set whose manifest says that it is simulated needs an experiment that says so too."""
    material = gather(DATA, tiny_data)
    made_up = replace(material, manifests=(replace(material.manifests[0], simulated=True),))
    with pytest.raises(ConfigError, match="simulated: false"):
        begin_run(tmp_path / "run", tiny_experiment, made_up)
    said = tiny_experiment.model_copy(update={"simulated": True})
    assert begin_run(tmp_path / "run", said, made_up)["simulated"]
