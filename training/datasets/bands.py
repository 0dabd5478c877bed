"""Choosing bands by name, and what is made of two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.features import INDICES, normalised_difference
from monitor.errors import ConfigError
from training.samples import Samples


def band_indices(item: str, there: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where each wanted band lies among those that are there.

    Raises:
        ConfigError: a wanted band is not there; the message names it and `item`.
    """
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ConfigError(
            f"there is no band {', '.join(missing)}",
            item=item,
            remedy=f"Choose among {', '.join(there)}.",
            reason="missing-band",
        )
    return [there.index(name) for name in wanted]


def select_bands(samples: Samples, wanted: Sequence[str]) -> Samples:
    """The same chips with only these bands, in this order.

    Raises:
        ConfigError: a wanted band is not there.
    """
    chosen = band_indices(samples.name, samples.bands, wanted)
    return replace(samples, bands=tuple(wanted), pixels=samples.pixels[:, chosen])


def require_bands(item: str, there: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise ConfigError unless every wanted band is there, or made of two that are."""
    made_of = [band for name in wanted for band in (INDICES.get(name, (name,)) if name not in there else (name,))]
    band_indices(item, there, made_of)


def picked(pixels: NDArray[np.float32], there: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float32]:
    """(C, H, W) of the bands that are there to those wanted, in their order; indices are made of two bands."""
    place = {name: index for index, name in enumerate(there)}
    layers = [
        pixels[place[name]]
        if name in place
        else normalised_difference(*(pixels[place[band]] for band in INDICES[name]))
        for name in wanted
    ]
    return np.stack(layers)
