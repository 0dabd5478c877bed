"""Shares in words, by one rule wherever people read them: 100 % is all of it, and 0 % is none."""

import math

_NOISE = 1e-6
"""In tenths of a percent: what adding up floats leaves."""


def percent(share: float) -> str:
    """A share of 0-1 as percent with at most one decimal, rounded down: what was seen is never told as more.

    Only all is 100, and only nothing is 0: less than a tenth of a percent is told as 0.1.
    """
    return _told(share, math.floor(1000 * share + _NOISE))


def percent_missing(share: float) -> str:
    """The same of what is missing: rounded up, so that it is never told as less."""
    return _told(share, math.ceil(1000 * share - _NOISE))


def _told(share: float, tenths: int) -> str:
    if share <= 0:
        return "0"
    return "100" if share >= 1 else f"{min(999, max(1, tenths)) / 10:g}"
