"""A model of task `change` on the pair: what is there now and what was there before, as one input."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.engine import open_engine
from monitor.adapters.model_store import load_card
from monitor.core.tta import predict_tile
from monitor.errors import BadModel
from monitor.looking import Instruments, Looker, Network, Stopwatch, order_for_cache
from monitor.ports import Engine
from monitor.records import Acquisition, ModelCard, Tile

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeModel:
    """The model, ready to answer."""

    card: ModelCard
    """The first half of its bands is the later date, the second the same bands of the earlier one."""
    engine: Engine

    def see(self, acquisition: Acquisition, tiles: tuple[Tile, ...], tools: Instruments) -> dict[Tile, Array]:
        """One date of every tile, relative to its own ground and with the rim of a window: half of the input.

        Tiles whose ground is unknown are left out. Of `tools`, the images and the terrain are used.
        """
        bands = self.card.bands[: self.card.channels // 2]
        card = replace(self.card, task="scar", bands=bands, channels=len(bands))
        looker = Looker(acquisition, replace(tools, network=Network(card=card, engine=self.engine)), Stopwatch())
        seen = {tile: looker.features(tile) for tile in order_for_cache(tiles)}
        return {tile: features for tile, features in seen.items() if features is not None}

    def compare(self, after: Mapping[Tile, Array], before: Mapping[Tile, Array]) -> dict[Tile, Array]:
        """(256, 256) probability that ground slid between the dates, of the tiles that both show."""
        card = self.card
        return {
            tile: predict_tile(
                self.engine, np.concatenate([now, before[tile]]), card.flips, card.crop_px, card.window_px
            ).probability
            for tile, now in after.items()
            if tile in before
        }


def open_change_model(folder: Path) -> ChangeModel:
    """The model of a folder.

    Raises:
        BadModel: the folder is broken, or its model does not compare two dates.
    """
    card = load_card(folder)
    if not card.of_pairs or card.channels % 2:
        raise BadModel(
            f"its task is {card.task} with {card.channels} bands, not change with the bands of two dates",
            item=f"model folder {folder}",
            remedy="Name a model such as models/change-rgb.",
        )
    return ChangeModel(card=card, engine=open_engine(card, os.cpu_count() or 1))
