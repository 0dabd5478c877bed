"""Melting snow that radar shows: above one height, in every polarisation, and nothing else."""

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from monitor.core.melting_snow import find_snow_line
from monitor.core.radar import BackscatterReference
from tests.core.test_radar import _passes, _reference

SIZE = 288
HEIGHT = np.repeat(np.linspace(400, 1000, SIZE, dtype=np.float32)[:, None], SIZE, axis=1)
SLOPES = np.ones((SIZE, SIZE), bool)


def _under_snow(*told: Any) -> np.ndarray | None:
    """Where snow hides the ground from the pass itself."""
    line = find_snow_line(*told)
    return line.above if line is not None and line.melts else None


def _pass_over(seed: int, decibels: np.ndarray) -> tuple[np.ndarray, BackscatterReference]:
    """A pass of (h, w) or (P, h, w) decibels above the passes before it."""
    power = _passes(seed, SIZE)
    return (power[8] * 10 ** (decibels / 10)).astype(np.float32), _reference(power[:8])


@pytest.mark.parametrize("below_db", [0.0, 0.6], ids=["dry below", "rain below"])
@pytest.mark.parametrize(("snow_db", "line_m"), [(-2.2, 800), (-5.0, 800), (-3.0, 560)])
def test_ground_above_a_line_is_hidden_and_the_rest_is_not(snow_db: float, line_m: float, below_db: float) -> None:
    """Within a belt of its line (100 m here), above which snow lies on less or on most of what is seen."""
    now, before = _pass_over(5, np.where(line_m <= HEIGHT, snow_db, below_db))
    hidden = _under_snow(now, before, SLOPES, 10.0, HEIGHT)
    assert hidden is not None
    assert hidden[line_m <= HEIGHT].all()
    assert not hidden[line_m - 100 > HEIGHT].any()


@pytest.mark.parametrize(
    "decibels",
    [
        np.zeros(HEIGHT.shape),
        np.full(HEIGHT.shape, -4.0),
        np.where(HEIGHT >= 800, 3.0, 0.0),
        np.where(HEIGHT < 680, -5.0, 0.0),
        np.where(HEIGHT < 820, -3.0, 0.0),
        np.where((HEIGHT >= 600) & (HEIGHT < 700), -5.0, 0.0),
        np.where(np.arange(SIZE) < SIZE // 2, -4.0, np.zeros(HEIGHT.shape)),
        np.where(np.arange(SIZE) < 0.7 * SIZE, -4.0, np.zeros(HEIGHT.shape)),
        np.stack([np.zeros(HEIGHT.shape), np.where(HEIGHT >= 800, -4.0, 0.0)]),
        np.where(HEIGHT < 820, 3.0, 0.0),
        np.where(HEIGHT < 820, 3.0, 1.0),
        np.where(HEIGHT < 500, -0.7, -1.6),
        np.where(HEIGHT < 500, 1.6, -2.4),
    ],
    ids=[
        "nothing",
        "all",
        "brighter",
        "lower half",
        "most from below",
        "one belt",
        "one flank",
        "most of both",
        "VH alone",
        "brighter below",
        "rain, more of it below",
        "drier, above all higher up",
        "foot brighter",
    ],
)
def test_what_is_no_snow_hides_nothing(decibels: np.ndarray) -> None:
    """Snow lies from a line upwards and takes from both polarisations; a whole scene as it is tells of no line."""
    now, before = _pass_over(6, decibels)
    assert _under_snow(now, before, SLOPES, 10.0, HEIGHT) is None


@pytest.mark.parametrize(("snow_db", "line_m"), [(-2.5, 800), (-4.0, 560)])
def test_where_snow_of_the_reference_is_gone_nothing_is_compared(snow_db: float, line_m: float) -> None:
    """The same line, as ground that was observed; what is as it was, or brighter on a flank, is none of it."""
    snow = np.where(line_m <= HEIGHT, np.float32(10 ** (snow_db / 10)), np.float32(1.0))
    power = _passes(10, SIZE)
    before = _reference(power[:8] * snow)
    line = find_snow_line(power[8], before, SLOPES, 10.0, HEIGHT)
    assert line is not None
    assert not line.melts
    assert line.above[line_m <= HEIGHT].all()
    assert not line.above[line_m - 100 > HEIGHT].any()
    assert find_snow_line(power[8] * snow, before, SLOPES, 10.0, HEIGHT) is None
    flank = np.where(np.arange(SIZE) < SIZE // 2, np.float32(2.0), np.float32(1.0))
    assert find_snow_line((power[8] * snow * flank).astype(np.float32), before, SLOPES, 10.0, HEIGHT) is None


def test_a_belt_that_snow_reaches_is_its_rim() -> None:
    """A line in the upper half of a belt leaves it seen, where less than a quarter lies under snow, or hides it."""
    tops = {line_m: _pass_over(9, np.where(line_m <= HEIGHT, -4.0, 0.0)) for line_m in (760, 790)}
    hidden = {line_m: _under_snow(now, before, SLOPES, 10.0, HEIGHT) for line_m, (now, before) in tops.items()}
    for line_m, least_m in ((760, 700), (790, 800)):
        mask = hidden[line_m]
        assert mask is not None
        assert float(HEIGHT[mask].min()) == pytest.approx(least_m, abs=3)


@pytest.mark.parametrize(("snow_db", "over_m"), [(-2.0, 120), (-2.0, 40), (-2.7, 250)])
def test_snow_on_half_of_what_is_seen_draws_the_scene_and_is_found(snow_db: float, over_m: float) -> None:
    """In patches and thinning out downhill: the fit lies between free and covered ground, the foot of it does not."""
    patches = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=HEIGHT.shape), 12)
    lies = np.clip((HEIGHT - (690 - over_m / 2)) / over_m, 0, 1)
    now, before = _pass_over(11, snow_db * lies + 0.8 / patches.std() * patches)
    hidden = _under_snow(now, before, SLOPES, 10.0, HEIGHT)
    assert hidden is not None
    assert hidden[lies == 1].all()
    assert not hidden[690 - over_m / 2 - 100 > HEIGHT].any()


@pytest.mark.parametrize(
    ("known_m", "rim_share", "line_m", "found"),
    [
        (950, 0.5, 850, True),
        (950, 0.5, 890, False),
        (950, 0.25, 890, True),
        (None, 0.25, 890, False),
        (500, 0.25, 900, False),
    ],
)
def test_the_highest_belt_is_the_rim_of_snow_known_above_it(
    known_m: float | None, rim_share: float, line_m: float, found: bool
) -> None:
    """Covered by a share it goes along where snow is known to lie above it; below or nowhere, it is free ground."""
    lying = known_m is not None and ((known_m <= HEIGHT) & (known_m + 50 >= HEIGHT))
    now, before = _pass_over(12, np.where(line_m <= HEIGHT, -4.0, 0.0))
    now[:, (HEIGHT >= 950) | lying] = np.nan
    known = np.broadcast_to(lying, HEIGHT.shape)
    line = find_snow_line(now, before, SLOPES, 10.0, HEIGHT, known, rim_share)
    assert (line is not None) is found
    if line is not None:
        assert line.melts
        assert line.above[line_m <= HEIGHT].all()
        assert not line.above[HEIGHT < 780].any()
        assert 1.5 < line.decibels < 4.5


def test_where_no_height_or_slope_is_known_nobody_can_tell() -> None:
    """A void in the elevation stays seen; without any, or without slopes, nothing is hidden."""
    now, before = _pass_over(7, np.where(HEIGHT >= 800, -4.0, 0.0))
    void = HEIGHT.copy()
    void[250:, :40] = np.nan
    hidden = _under_snow(now, before, SLOPES, 10.0, void)
    assert hidden is not None
    assert not hidden[250:, :40].any()
    assert hidden[250:, 40:].all()
    assert _under_snow(now, before, SLOPES, 10.0, np.full_like(HEIGHT, np.nan)) is None
    assert _under_snow(now, before, ~SLOPES, 10.0, HEIGHT) is None


def test_pixels_of_thirty_metres_are_told_alike() -> None:
    """The same ground three times as coarse."""
    coarse, before = _pass_over(8, np.where(HEIGHT >= 800, -3.0, 0.0))
    wide = [np.repeat(np.repeat(values, 3, -2), 3, -1) for values in (coarse, before.mean, before.spread_db)]
    known = BackscatterReference(
        mean=wide[1],
        spread_db=wide[2],
        count=np.repeat(np.repeat(before.count, 3, -2), 3, -1),
        last_seen_s=np.repeat(np.repeat(before.last_seen_s, 3, -2), 3, -1),
    )
    height = np.repeat(np.repeat(HEIGHT, 3, -2), 3, -1)
    hidden = _under_snow(wide[0], known, np.ones(height.shape, bool), 30.0, height)
    assert hidden is not None
    assert hidden[height >= 850].all()
    assert not hidden[height < 750].any()
