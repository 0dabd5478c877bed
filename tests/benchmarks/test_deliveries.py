"""Delivery killed at random: nothing is missing, and nothing comes after its acknowledgement was noted."""

from pathlib import Path

from benchmarks.deliveries import run
from tests.pipeline.processes import new_seed


def test_killed_five_times(tmp_path: Path) -> None:
    """Five kills at random: every revision arrives, none again after its acknowledgement was noted."""
    result = run(tmp_path, kills=5, seed=new_seed())
    print(result)
    assert (result.missing, result.after_noted) == (0, 0)
    assert result.arrived == result.revisions == 80
    assert result.kills > 0
