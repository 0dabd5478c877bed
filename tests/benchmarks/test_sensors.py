"""The choice of sensor under real clouds, and real ground that must never alert."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sensors import (
    belgian_fields,
    belgian_table,
    changes_of,
    choices_over,
    clusters_by_month,
    composite_item,
    refused_as,
    slovenian_skies,
    slovenian_table,
    without_hysteresis,
)
from monitor.adapters.catalog.items import optical_kind, radar_kind, scene_item
from monitor.core.change import AlertSettings
from monitor.core.masks import grow
from monitor.core.sensors import SensorSettings
from monitor.records import Rejected, SceneItem, Sensor

SETTINGS = SensorSettings()


def test_clouds_of_the_series(data_folder: Path) -> None:
    """68 dates in order; what was hidden agrees with the series' own mask grown from its 20 m to our 60 m."""
    skies = slovenian_skies(data_folder)
    own = np.load(data_folder / "slovenia_s2_series" / "TestEOPatch" / "mask" / "CLM_S2C.npy")[..., 0]
    hidden = np.array([1.0 - sky.clear for sky in skies])
    assert [sky.time for sky in skies] == sorted(sky.time for sky in skies)
    assert len(skies) == 68
    assert (hidden >= own.mean(axis=(1, 2)) - 1e-6).all()
    grown = np.array([grow(mask, 40.0, 10.0).mean() for mask in own])
    assert np.abs(hidden - grown).max() < 0.06
    assert np.abs(hidden - grown).mean() < 0.005


def test_choices_over_real_clouds(data_folder: Path) -> None:
    """Optics count where half is clear; clouded dates have nothing, since no radar is there; two are kept."""
    choices = choices_over(slovenian_skies(data_folder), SETTINGS)
    reasons = {"optical-clear": 41, "optical-kept": 2, "clouded-no-fresh-radar": 25}
    assert {reason: sum(one.reason.value == reason for one in choices) for reason in reasons} == reasons
    for one in choices:
        assert (one.record is Sensor.OPTICAL) == (one.reason.value != "clouded-no-fresh-radar")
        assert (one.clear_fraction >= SETTINGS.clear_share) == (one.reason.value == "optical-clear")


def test_hysteresis_saves_changes(data_folder: Path) -> None:
    """25 changes in place of 29, and never more than without, wherever its lower limit lies."""
    skies = slovenian_skies(data_folder)
    assert changes_of(choices_over(skies, SETTINGS)) == 25
    plain = changes_of(choices_over(skies, without_hysteresis(SETTINGS)))
    assert plain == 29
    for keep in (0.1, 0.2, 0.4):
        assert changes_of(choices_over(skies, replace(SETTINGS, keep_share=keep))) <= plain


def test_a_choice_is_forgotten_after_its_time(data_folder: Path) -> None:
    """A look half a year after a clear one starts anew: 36 % are not enough then."""
    skies = [sky for sky in slovenian_skies(data_folder) if f"{sky.time:%Y-%m-%d}" in ("2017-01-01", "2017-07-15")]
    assert [one.reason.value for one in choices_over(skies, SETTINGS)] == ["optical-clear", "clouded-no-fresh-radar"]


def test_fields_never_alert(data_folder: Path) -> None:
    """Nine months compared with what was before, on slopes steeper than the ground's: no cluster. The same harvests on
    a slope of 30 degrees would be some, so it is the ground and not blindness that keeps silent."""
    fields, settings = belgian_fields(data_folder), AlertSettings()
    assert fields.colour.shape == (10, 3, 100, 100)
    months = clusters_by_month(fields, settings)
    assert len(months) == 9
    assert set(months.values()) == {0}
    steep = np.mgrid[:100, :100][0].astype(np.float32) * np.float32(10.0 * np.tan(np.radians(30.0)))
    assert sum(clusters_by_month(replace(fields, elevation_m=steep), settings).values()) > 0


def test_fields_are_no_steeper_than_the_ground_is(data_folder: Path) -> None:
    """They have banks of 9 degrees, so that they are looked at: flat is what has nowhere 5 degrees."""
    fields = belgian_fields(data_folder)
    assert float(fields.slope_deg.max()) == 9.0
    assert float(np.percentile(fields.slope_deg, 95)) == 5.0


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "not-terrain-corrected"),
        (
            {"sar:product_type": "GRD", "sat:relative_orbit": 37, "sat:orbit_state": "ascending"},
            "not-terrain-corrected",
        ),
        ({"sar:product_type": "RTC"}, "no-track"),
        ({"sar:product_type": "RTC", "sat:relative_orbit": 37}, "no-track"),
        ({"sar:product_type": "RTC", "sat:orbit_state": "ascending"}, "no-track"),
    ],
)
def test_composites_are_no_radar_evidence(properties: dict[str, object], reason: str) -> None:
    """Sigma naught of a month is refused whatever it calls itself, as long as it has no track."""
    assert refused_as(**properties).reason == reason


def test_a_pass_with_its_track_is_taken() -> None:
    """The refusal is for what lacks, not for the collection's name; as an optical scene it lacks the bands."""
    complete = {"sar:product_type": "RTC", "sat:relative_orbit": 37, "sat:orbit_state": "ascending"}
    item = composite_item(datetime(2020, 11, 1, tzinfo=UTC), **complete)
    taken = partial(scene_item, item, catalog="own", collection="", href="https://example.org/i.json")
    assert isinstance(taken(kind=radar_kind(())), SceneItem)
    refused = taken(kind=optical_kind(()))
    assert isinstance(refused, Rejected)
    assert refused.reason == "missing-asset"
    with pytest.raises(ValueError, match="taken as radar evidence"):
        refused_as(**complete)


def test_tables_are_whole(data_folder: Path) -> None:
    """One row for every date; every row of a table has as many cells as its head."""
    slovenia, belgium = slovenian_table(data_folder), belgian_table(data_folder)
    assert sum(line.startswith("| 20") for line in slovenia.splitlines()) == 68
    assert "changes 25 times with hysteresis, 29 times without" in slovenia
    for table, cells in ((slovenia, 5), (belgium, 2)):
        assert {line.count("|") for line in table.splitlines() if line.startswith("|")} == {cells + 1}
    assert "no-track: no sat:relative_orbit" in belgium
