"""False hectares on land without landslides, by hand and on the real scenes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.tiny import samples
from training import quiet_land
from training.baselines import Brightness
from training.judging import plain
from training.quiet_land import BEFORE, SOUTH, quiet_chips, quiet_rows, quiet_scenes
from training.samples import Samples

RGB = ("B04", "B03", "B02")


def quiet(count: int) -> Samples:
    """100x100 px of stable ground: one square kilometre a chip."""
    labels = np.zeros((count, 100, 100), np.int8)
    return samples(np.arange(count), np.zeros((count, 3, 100, 100), np.float32), labels, "plain")


def test_hectares_per_thousand_square_kilometres_by_hand() -> None:
    """50 px above the threshold on 2 km² are 0.5 ha, or 250 ha on 1,000 km²."""
    said = np.zeros((2, 100, 100), np.float32)
    said[0, 0, :50], said[1, 0, :50] = 0.7, 0.69
    (row,) = quiet_rows(quiet_chips(quiet(2), said), 0.7)
    assert row.source == "plain"
    assert (row.seen_km2, row.false_ha) == pytest.approx((2.0, 0.5))
    assert row.per_1000_km2 == pytest.approx(250.0)
    assert row.interval is None


def test_land_that_was_not_seen_is_no_land() -> None:
    """Unobserved and unlabelled (mirrored) pixels are neither seen nor false."""
    chips, said = quiet(1), np.full((1, 100, 100), 0.9, np.float32)
    said[0, :20] = np.nan
    chips.labels[0, 20:50] = -1
    (row,) = quiet_rows(quiet_chips(chips, said), 0.5)
    assert row.seen_km2 == pytest.approx(0.5)
    assert row.false_ha == pytest.approx(50.0)


def test_sources_are_apart_and_enough_chips_give_an_interval() -> None:
    """Half of the hills' chips are false in part; the plain has nothing to resample."""
    chips = replace(quiet(16), groups=np.array(["hills", "plain"] * 8))
    said = np.zeros((16, 100, 100), np.float32)
    said[:8:2, 0] = 0.9
    hills, plains = quiet_rows(quiet_chips(chips, said), 0.5)
    assert (hills.source, plains.source) == ("hills", "plain")
    assert hills.interval is not None
    assert hills.per_1000_km2 == pytest.approx(500.0)
    assert hills.interval[0] < 500.0 < hills.interval[1]
    assert (plains.per_1000_km2, plains.interval) == (0.0, None)


def test_real_scenes_are_seen_as_the_service_sees_them(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A corner of Hokkaido that the first quiet row crosses: the later scene counts south of it only."""
    monkeypatch.setattr(quiet_land, "BBOX", (141.95, 42.698, 141.98, 42.716))
    contender = plain(Brightness(bands=RGB), RGB)
    pieces = quiet_scenes(data_folder, contender.card, contender.engine(contender.card))
    before, south = ([piece for piece in pieces if piece.source == source] for source in (BEFORE, SOUTH))
    assert before
    assert south
    assert all(piece.pixels.shape == (3, 256, 256) and piece.resolution_m == 10.0 for piece in pieces)
    bordered = [np.isfinite(piece.probability) for piece in south if np.isnan(piece.probability[0]).all()]
    assert any(seen[-1].any() for seen in bordered)
    strictest, loosest = (sum(row.false_ha for row in quiet_rows(pieces, at)) for at in (0.99, 0.5))
    assert 0 <= strictest < loosest
