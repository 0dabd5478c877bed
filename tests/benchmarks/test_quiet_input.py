"""No real pass at hand is taken for a fault, and every one of them is when it is moved by 30 m."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.california import NATIVE_M, open_bursts, widen
from monitor.core.faults import misregistered, not_linear_power, radar_limit_px, radar_matching
from monitor.core.radar import LEAST_PASSES, build_backscatter_reference
from monitor.core.registration import agreed_shift, patch_shifts


@pytest.mark.parametrize("name", ["T137-292319-IW2", "T137-292321-IW2", "T137-292323-IW2"])
def test_real_passes_are_no_fault_and_moved_ones_are(data_folder: Path, name: str) -> None:
    """Wet soil of several dB, storms, gaps of a year, two satellites: 18 passes with enough earlier ones."""
    burst = next(one for one in open_bursts(data_folder) if one.name == name)
    how, limit_px = radar_matching(NATIVE_M), radar_limit_px(NATIVE_M)
    verdicts = []
    for index in range(LEAST_PASSES, len(burst.times)):
        earlier = [when.timestamp() for when in burst.times[:index]]
        reference = build_backscatter_reference(burst.power[:index], earlier)
        assert reference is not None
        assert not_linear_power(burst.power[index]) is None
        before = (10.0 * np.log10(widen(reference.mean))).mean(axis=0)
        for moved in (0, 1):
            now = (10.0 * np.log10(widen(np.roll(burst.power[index], moved, axis=1)))).mean(axis=0)
            found = agreed_shift([patch_shifts(now, before, how)], how)
            verdicts.append((moved, misregistered(found, limit_px) is not None))
    assert len(verdicts) == 2 * 18
    assert all(fault == bool(moved) for moved, fault in verdicts), verdicts
