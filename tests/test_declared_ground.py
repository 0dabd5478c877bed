"""Smaller clusters count where something is declared, and only there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from monitor import judging
from monitor.core.change import AlertSettings
from monitor.core.declared import Declared
from monitor.core.grid import project
from monitor.core.lifecycle import LifecycleSettings
from monitor.judging import Judge
from monitor.records import AlertStatus, Cluster
from tests.core.test_declared import NOW, declaration
from tests.core.test_events import _cluster as plain_cluster

SMALL_HERE, SMALL_THERE = plain_cluster(side=26.0), plain_cluster(x=516_000.0, side=26.0)
LARGE_THERE = plain_cluster(x=517_000.0, side=40.0)
"""Hectares: 0.07, 0.07 and 0.16."""
HERE = project(SMALL_HERE.geometry, 32633, 4326).buffer(0.01)


@pytest.mark.parametrize("declared", [False, True])
def test_smaller_clusters_count_on_declared_ground(declared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that grew by small ground on declared ground stands for the smaller one beside it."""
    grown = replace(LARGE_THERE, geometry=LARGE_THERE.geometry.union(SMALL_HERE.geometry))

    def find(_scene: object, _changes: object, _known: object, settings: AlertSettings) -> list[Cluster]:
        eased = settings.min_area_ha < AlertSettings().min_area_ha
        all_of = [SMALL_HERE, SMALL_THERE, grown if eased else LARGE_THERE]
        return [one for one in all_of if one.area_ha >= settings.min_area_ha]

    monkeypatch.setattr(judging, "find", find)
    judge = Judge(
        store=cast(Any, None),
        alerts=AlertSettings(),
        lifecycle=LifecycleSettings(),
        simulated_alerts=AlertStatus.TEST,
    )
    held = Declared.of([declaration(geometry=HERE)] if declared else [], NOW + timedelta(days=3))
    found = judge._clusters(cast(Any, None), cast(Any, None), [], held)
    assert found == ([SMALL_HERE, grown] if declared else [LARGE_THERE])
