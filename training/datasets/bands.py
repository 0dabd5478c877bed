"""Choosing bands by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
