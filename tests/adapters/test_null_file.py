"""The file of what quiet ground does."""

import json
from pathlib import Path

import pytest

from monitor.adapters.null_file import QUIET_GROUND, load_null, save_null
from monitor.core.null_rate import QuietCluster, Strata, count
from monitor.errors import ConfigError
from monitor.records import Detector
from monitor.shipped import shipped_folder

CLUSTERS = [
    QuietCluster(detector="baseline", strength=0.25, held=True, strata=("steep", "winter")),
    QuietCluster(detector="baseline", strength=1.5, held=False, strata=("steep", "summer")),
]
CELLS: dict[str, dict[Strata, float]] = {
    "baseline": {("steep", "winter"): 10.0, ("steep", "summer"): 30.0},
    "radar": {("steep", "winter"): 20.0},
}


def test_rates_survive_the_file(tmp_path: Path) -> None:
    """The same rates for every strength and kind of ground, also of a detector that found nothing."""
    rates = count(CLUSTERS, CELLS, ["two hills"], simulated=False)
    save_null(rates, tmp_path / "null.json")
    again = load_null(tmp_path / "null.json")
    assert (again.sources, again.simulated) == (("two hills",), False)
    for detector in ("baseline", "radar"):
        for strength in (0.1, 0.25, 1.0, 9.0):
            expected = rates.rate(detector, strength, ("winter",))
            assert expected is not None
            assert again.rate(detector, strength, ("winter",)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": "events"}, "unit"),
        ({"km2_years": {}}, "exposure"),
        ({"curves": {"baseline": {"strengths": [2.0, 1.0], "opened": [3, 2, 1], "held": [1, 1, 1]}}}, "do not rise"),
        ({"curves": {"baseline": {"strengths": [1.0], "opened": [1, 2], "held": [1, 1]}}}, "do not fall"),
        ({"curves": {"baseline": {"strengths": [1.0], "opened": [1], "held": [1]}}}, "one more value"),
        ({"curves": {"baseline": {"strengths": [1.0], "opened": [1, 0], "held": [1, 1]}}}, "greater than 0"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_file_that_no_counting_gives_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    """With the place and the remedy."""
    path = tmp_path / "null.json"
    save_null(count(CLUSTERS, CELLS, [], simulated=False), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ConfigError, match=said) as refused:
        load_null(path)
    assert "leave `tiers: null_rates` out" in refused.value.remedy


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(ConfigError, match=r"null\.json"):
        load_null(tmp_path / "null.json")


def test_the_shipped_file_says_that_it_is_simulated() -> None:
    """It knows both plain detectors, names the valleys it was counted on, and calls nothing rarer than they show."""
    shipped = load_null(shipped_folder("models") / QUIET_GROUND)
    assert shipped.simulated
    assert all("simulated valleys, seeds 81" in source for source in shipped.sources)
    for detector in (Detector.BASELINE, Detector.RADAR):
        rates = shipped.rate(detector.value, 1e9, ("gentle", "summer"))
        assert rates == pytest.approx((1000.0 / shipped.km2_years[detector.value],) * 2, rel=1e-3)
