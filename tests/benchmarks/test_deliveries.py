"""Delivery killed at random: nothing is missing, and nothing comes after its acknowledgement was noted."""

from pathlib import Path

from benchmarks.deliveries import run
from tests.pipeline.processes import new_seed


def test_killed_at_random(tmp_path: Path) -> None:
    """Three kills at random: every revision arrives, none again after its acknowledgement was noted."""
    result = run(tmp_path, kills=3, seed=new_seed())
    print(result)
    assert (result.missing, result.after_noted) == (0, 0)
    assert result.arrived == result.revisions == 48
    assert result.kills > 0
