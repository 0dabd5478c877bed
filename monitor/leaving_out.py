"""Which tiles are not looked at, and the row that says why."""

from monitor.core.flat import is_flat
from monitor.looking import Looker
from monitor.observing import flat, unseen, without_elevation
from monitor.records import Observation, PixelState, Tile


def left_out(looker: Looker, tile: Tile, flat_limit_deg: float) -> Observation | None:
    """The row of a tile that is not looked at; None where it must be.

    Flat ground is left out before its pixels are read. Hidden ground needs no elevation: the sea has none.
    """
    acquisition, through = looker.acquisition, looker.instruments
    if is_flat(tile, through.terrain.known, flat_limit_deg):
        return flat(acquisition, tile, through)
    pixels = looker.pixels(tile)
    if not (pixels.state == PixelState.VALID).any():
        return unseen(acquisition, pixels, tile, through)
    return without_elevation(acquisition, tile, through) if looker.terrain(tile) is None else None
