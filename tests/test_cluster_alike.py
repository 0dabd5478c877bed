"""What scheduler and workers must have in common with the coordinator, and how much they can do at once."""

from collections.abc import Mapping

import pytest

from monitor.executors.alike import WorkerFacts, about, differences


@pytest.mark.parametrize(
    ("threads", "resources", "wanted", "slots"),
    [
        (4, {}, {}, 4),
        (4, {"GPU": 1.0}, {}, 4),
        (4, {"GPU": 1.0}, {"GPU": 1.0}, 1),
        (1, {"GPU": 2.0}, {"GPU": 1.0}, 1),
        (4, {"GPU": 1.0}, {"GPU": 0.5}, 2),
        (4, {"GPU": 0.5}, {"GPU": 1.0}, 0),
        (4, {}, {"GPU": 1.0}, 0),
        (4, {"GPU": 1.0, "memory": 8.0}, {"GPU": 1.0, "memory": 16.0}, 0),
    ],
)
def test_slots(threads: int, resources: Mapping[str, float], wanted: Mapping[str, float], slots: int) -> None:
    """A worker looks at as many blocks at once as its threads and every resource allow."""
    assert WorkerFacts(threads=threads, resources=resources).slots(wanted) == slots


def test_alike() -> None:
    """Nothing differs from itself; of a scheduler only what it opens orders with is asked."""
    ours = about()
    assert differences(ours) == ""
    bare = {name: ours[name] for name in ("scarpwatch", "python", "dask", "distributed")}
    assert differences(bare, scheduler=True) == ""
    assert "numpy none instead of" in differences(bare)


@pytest.mark.parametrize("name", ["scarpwatch", "python", "dask", "distributed", "numpy", "rasterio", "onnxruntime"])
def test_one_thing_differs(name: str) -> None:
    """What differs is named with both versions."""
    ours = about()
    assert differences({**ours, name: "0.0"}) == f"{name} 0.0 instead of {ours[name]}"


def test_a_worker_without_scarpwatch() -> None:
    """What it failed with is told."""
    assert "ModuleNotFoundError: No module named 'monitor'" in differences(
        ModuleNotFoundError("No module named 'monitor'")
    )
