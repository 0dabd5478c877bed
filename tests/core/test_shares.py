"""Shares in words: 100 % is all, 0 % is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.shares import percent, percent_missing


@pytest.mark.parametrize(
    ("share", "seen", "missing"),
    [
        (0.0, "0", "0"),
        (1e-7, "0.1", "0.1"),
        (0.004, "0.4", "0.4"),
        (0.6249, "62.4", "62.5"),
        (0.3, "30", "30"),
        (0.9999, "99.9", "99.9"),
        (1.0, "100", "100"),
        (float("nan"), "?", "?"),
    ],
)
def test_what_is_not_whole_is_never_told_as_whole(share: float, seen: str, missing: str) -> None:
    """Neither of what was seen nor of what was not."""
    assert (percent(share), percent_missing(share)) == (seen, missing)


@given(st.integers(0, 10_000_000))
def test_seen_and_missing_add_up(of_ten_million: int) -> None:
    """To all of it, wherever both are told."""
    share = of_ten_million / 10_000_000
    assert float(percent(share)) + float(percent_missing(1 - share)) == pytest.approx(100)
