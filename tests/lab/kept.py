"""A watch with one done acquisition: a kept look of one tile, products of two."""

from contextlib import closing
from pathlib import Path

import numpy as np
import yaml

from monitor.adapters.looks import LookFiles
from monitor.adapters.products import ProductFolder
from monitor.adapters.store import SqlStore
from monitor.core.grid import neighbour
from monitor.core.quantise import quantise
from monitor.records import Look, PixelState
from tests.adapters.store.factories import LEASE, NOW, TILE, acquisition, result
from tests.lab.files import ground

MODEL = "scar-rgb-noiburi-91f98d19"
WITHOUT_LOOK = neighbour(TILE, 1, 0)
DONE = acquisition(3)


def look() -> Look:
    """A scar on forest, a cloud in a corner."""
    rng = np.random.default_rng(4)
    probability = rng.uniform(0.0, 0.2, (256, 256)).astype(np.float32)
    probability[96:160, 96:160] = 0.9
    state = np.full((256, 256), PixelState.VALID, dtype=np.uint8)
    state[:40, :60] = PixelState.CLOUD
    probability[state != PixelState.VALID] = np.nan
    return quantise(
        Look(
            tile=TILE,
            acquisition_id=DONE.id,
            sensing_time=DONE.sensing_time,
            probability=probability,
            spread=np.where(np.isnan(probability), np.nan, 0.1).astype(np.float32),
            pixels=ground(side=256),
            state=state,
        )
    )


def keep(products: Path) -> None:
    """The look and the products of the acquisition."""
    one = look()
    LookFiles(products).write(one, MODEL)
    tiles = (TILE, WITHOUT_LOOK)
    layers = {
        "probability": dict.fromkeys(tiles, one.probability),
        "spread": dict.fromkeys(tiles, one.spread),
    }
    ProductFolder(products).publish(DONE, layers, {"scarpwatch:model": MODEL, "scarpwatch:simulated": False})


def watch(folder: Path) -> Path:
    """The configuration of a watch whose database and products have the acquisition; a second one only waits."""
    config = folder / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "database": "sqlite:///watch.db",
                "catalogs": {"local": {"type": "static", "href": str(config)}},
                "regions": {"atsuma": {"geometry": {"bbox": [141.89, 42.68, 142.03, 42.77]}, "catalogs": ["local"]}},
            }
        )
    )
    with closing(SqlStore(f"sqlite:///{folder / 'watch.db'}")) as store:
        store.upgrade()
        store.discover("atsuma", [DONE], [], NOW)
        assert store.claim("me@1:1:1", LEASE, NOW, ["atsuma"]) is not None
        assert store.complete(DONE, "me@1:1:1", result(), NOW)
        store.discover("atsuma", [acquisition(4)], [], NOW)
    keep(folder / "products")
    return config
