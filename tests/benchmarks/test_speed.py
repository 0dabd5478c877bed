"""What the speed benchmark counts, on an engine that costs nothing and on a pass with given times."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.speed import MeasuredEngine, Speed, table


class _Doubling:
    """Answers with twice the first band."""

    name = "doubling"

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return 2 * windows[:, 0]


def _speed(engine_seconds: float) -> Speed:
    stages = {"search": 0.5, "read": 1.0, "features": 0.5, "engine": engine_seconds + 0.1, "change": 1.0, "store": 0.5}
    return Speed(
        machine="a machine",
        model="a-model-1",
        wall_seconds=20.0,
        cpu_seconds=34.0,
        stages=stages,
        engine_wall_seconds=engine_seconds,
        calls=160,
        tiles=40,
        area_km2=262.0,
        peak_mib=900.0,
        opening_seconds=1.0,
        bare_seconds=10.0,
        bare_cpu_seconds=30.0,
        alerts=3,
    )


def test_a_measured_engine_answers_as_before_and_counts_windows() -> None:
    """The wrapper changes no answer and counts every window of a batch."""
    engine = MeasuredEngine(_Doubling())
    windows = np.ones((3, 3, 8, 8), np.float32)
    np.testing.assert_array_equal(engine.predict(windows), 2 * windows[:, 0])
    engine.predict(windows[:1])
    assert engine.calls == 4
    assert engine.wall > 0


def test_what_lies_outside_the_engine_is_the_rest_of_the_pass() -> None:
    """20 s with 16 s in the engine leave 20 %; 34 s CPU with 30 s in it leave 100 ms for each of 40 tiles."""
    speed = _speed(16.0)
    assert speed.outside_share == pytest.approx(0.2)
    assert speed.outside_cpu_ms_per_tile == pytest.approx(100.0)


def test_the_table_says_whether_the_target_is_met() -> None:
    """A quarter outside the engine is the limit, and the stages add up to the pass."""
    assert "met" in table(_speed(16.0))
    assert "missed" in table(_speed(14.0))
    assert "| other, less what ran at the same time | 0.40 |" in table(_speed(16.0))


def test_the_machine_is_named_and_its_clock_runs() -> None:
    """Cores and versions are in the description; CPU time grows with work."""
    before = machine.cpu_seconds()
    sum(number * number for number in range(1_000_000))
    assert machine.cpu_seconds() > before
    assert machine.peak_memory_mib() > 10
    assert "cores" in machine.describe()
    assert "onnxruntime" in machine.describe()
