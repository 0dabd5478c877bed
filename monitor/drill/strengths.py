"""How strongly scars are found, by size: what the curve of detection against false events is made of."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from monitor.drill.report import DrillRequest, ScarReport
from monitor.drill.run import Clock, Drill

_AT_ONCE = 20
"""Scars in one run: so few that what the scene did as a whole is not measured on them."""


def implant_strengths(
    drill: Drill, request: DrillRequest, sizes_ha: Sequence[float], each: int, clock: Clock
) -> list[ScarReport]:
    """`each` scars of every size, in as many runs of the real chain as needed; nothing is shown or told.

    Each comes back with its strength (hectares × mean change), detector and rate, or as missed or hidden.

    Args:
        request: region, sensor, contrast and seed of the first run; its own sizes are not used.
        sizes_ha: painted in mixed order.
        clock: aware UTC.

    Raises:
        Refused: there is no acquisition to paint into, or no ground on it.
        Transient, Permanent: the acquisition cannot be processed again.
    """
    mixed = np.random.default_rng(request.seed).permutation(np.repeat(np.asarray(sizes_ha, np.float64), each))
    waiting = [float(size) for size in mixed]
    found: list[ScarReport] = []
    seed = request.seed
    while waiting:
        wanted = tuple(waiting[:_AT_ONCE])
        with tempfile.TemporaryDirectory(prefix="scarpwatch-strengths-") as name:
            scars = drill.strengths(replace(request, sizes_ha=wanted, seed=seed), Path(name), clock)
        # Of all that is asked for at once the first are painted, as many as there is room for.
        found += scars
        waiting = waiting[len(scars) :]
        seed += 1
    return found
