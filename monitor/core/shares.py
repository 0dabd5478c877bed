"""Shares in words, by one rule wherever people read them: 100 % is all of it, and 0 % is none."""

import math
from collections.abc import Callable


def percent(share: float) -> str:
    """A share of 0-1 as percent with at most one decimal, rounded down: what was seen is never told as more.

    Only all is 100, and only nothing is 0: less than a tenth of a percent is told as 0.1. `?` where it is not known.
    """
    return _told(share, math.floor)


def percent_missing(share: float) -> str:
    """The same of what is missing: rounded up, so that it is never told as less."""
    return _told(share, math.ceil)


def _told(share: float, whole: Callable[[float], int]) -> str:
    if math.isnan(share):
        return "?"
    if share <= 0 or share >= 1:
        return "0" if share <= 0 else "100"
    return f"{min(999, max(1, whole(round(1000 * share, 6)))) / 10:g}"
