"""The study of 28 events as experiments: 58 of them, each another, and what can be shown here."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from monitor.core.features import split_date
from tests.training.event_files import SHAPE, write_event, write_raster
from training.datasets.events import load_events
from training.event_inputs import GROUND, SUPPLIED
from training.experiment import NetworkSettings
from training.layers import OPTICAL_FLIPS, RADAR_FLIPS, fed, flips_of
from training.simulated.chips import Depth, depth_of
from training.simulated.valley_command import parse_bands
from training.studies.events import COUNTS, FULL_VALLEYS, OPTICAL_SETS, RADAR_SETS, VALLEY_BANDS, features, study
from training.studies.records import Study


@pytest.fixture(scope="module")
def whole() -> Study:
    """The study in full."""
    return study()


def test_there_are_58_experiments_and_no_two_are_alike(whole: Study) -> None:
    """In name, in words and in what their networks see."""
    assert len(whole.rows) == 58
    for seen in ([row.name for row in whole.rows], [row.words for row in whole.rows]):
        assert len(set(seen)) == 58
    assert len({row.original.data.bands for row in whole.rows if row.original}) == 58


def test_every_listed_feature_is_there(whole: Study) -> None:
    """All radar sets with all scene counts, all optical sets, and every pair of the two; elevation and slope always."""
    listed = list(features())
    assert {(one.radar, one.before, one.after) for one in listed if not one.optical} == {
        (radar, *count) for radar in RADAR_SETS for count in COUNTS
    }
    assert {one.optical for one in listed if not one.radar} == set(OPTICAL_SETS)
    assert Counter((one.radar, one.optical) for one in listed if one.radar and one.optical).keys() == {
        (radar, optical) for radar in RADAR_SETS for optical in OPTICAL_SETS
    }
    assert all(set(GROUND) <= set(one.inputs) for one in listed)


@pytest.mark.parametrize(("before", "after"), COUNTS)
def test_a_row_sees_as_many_scenes_as_it_says(whole: Study, before: int, after: int) -> None:
    """Of radar; optics are one before and one after."""
    row = next(row for row in whole.rows if row.name == f"radar-all-{before}-{after}-rgbn")
    assert row.original is not None
    dates = Counter(split_date(name) for name in row.original.data.bands)
    assert max(dates.values()) == 1
    radar = {date for plain, date in dates if plain in ("vv", *SUPPLIED)}
    assert depth_of([f"vv{date}" for date in radar]) == Depth(before=before, after=after)
    assert {date for plain, date in dates if plain == "B08"} == {"", ":before"}
    assert len(row.original.data.bands) == 6 * (before + after) + 4 * 2 + 2


def test_the_recipe_is_the_study_s(whole: Study) -> None:
    """Network, loss, epochs, batch and rate; events apart from ground beside what was trained on."""
    for row in whole.rows:
        experiment = row.original
        assert experiment is not None
        assert experiment.network == NetworkSettings(
            architecture="unet-plain", pretrained=False, decoder_channels=(1024, 512, 256, 128, 64)
        )
        schedule = experiment.schedule
        assert (schedule.epochs, schedule.batch_size, schedule.learning_rate) == (200, 16, 1e-4)
        assert (experiment.loss.name, experiment.data.split) == ("dice", "groups")
        assert experiment.data.dependent > 0
        assert not experiment.simulated
        assert experiment.task == "change"


def test_radar_rows_keep_the_look_of_the_radar(whole: Study) -> None:
    """North and south may change places; rows of optics alone are turned by 90° and mirrored as they like."""
    for row in whole.rows:
        assert row.original is not None
        radar = "vv" in row.original.data.bands
        assert flips_of(row.original.data.bands) == (RADAR_FLIPS if radar else OPTICAL_FLIPS)


def test_a_row_says_what_it_lacks_here(whole: Study) -> None:
    """Ten rows can be shown on simulated valleys; the others say why not."""
    here = {row.name: row.here for row in whole.rows if row.here}
    assert set(here) == {f"gamma-{before}-{after}" for before, after in COUNTS} | set(OPTICAL_SETS)
    assert all(row.lacks for row in whole.rows)
    assert all(experiment.simulated for experiment in here.values())
    assert all("sensor" in row.lacks for row in whole.rows if " with " in row.words)
    further = {split_date(name)[0] for one in here.values() for name in one.data.bands} - {"NDVI", "vv", "vh", *GROUND}
    assert further - {"B04", "B03", "B02"} == set(parse_bands(",".join(VALLEY_BANDS)))


def test_published_figures_stand_at_their_rows(whole: Study) -> None:
    """As printed; where it is not said of which row a figure is, none has it."""
    printed = {row.name: dict(row.published) for row in whole.rows if row.published}
    assert printed == {
        "rgbn": {"f1": 0.69},
        "rgbn-swir": {"f1": 0.83},
        "ndvi": {"f1": 0.87},
        "radar-all-3-3": {"f1": 0.60},
    }
    assert "independent" in next(row.words for row in whole.rows if row.name == "ndvi")


@pytest.mark.parametrize("quick", [False, True])
def test_valleys_lie_on_one_side_each(quick: bool) -> None:
    """Scored valleys choose no threshold, and most are left to train on."""
    made = study(quick=quick)
    there = {f"valley-{seed}" for seed in (range(1, 9) if quick else FULL_VALLEYS)}
    for row in made.rows:
        if row.here:
            scored, threshold = set(row.here.data.validation), set(row.here.data.threshold)
            assert not scored & threshold
            assert scored | threshold < there
            assert len(there - scored - threshold) >= len(there) / 2


def test_a_row_of_radar_and_optics_reads_a_set_of_events(tmp_path: Path, whole: Study) -> None:
    """Layers of both sensors beside one another, those of a scene in several files too."""
    event = write_event(tmp_path / "landslide-events" / "iburi-2018")
    for when in ("before", "after"):
        for scene in sorted((event / "s1" / when).glob("*.tif")):
            write_raster(scene.with_suffix(".coherence.tif"), [np.full(SHAPE, 0.5, np.float32)])
    row = next(row for row in whole.rows if row.name == "gamma-coherence-3-3-rgbn")
    assert row.original is not None
    samples = load_events(tmp_path / "landslide-events", row.original.data.fed).samples
    assert samples.pixels.shape[1] == 3 * 6 + 4 * 2 + 2
    channels = fed(samples.bands, samples.inputs, samples.pixels[0].astype(np.float32))
    assert 0 <= channels.min() < channels.max() <= 1
