"""The sky over the valley at every optical look."""

import numpy as np

from monitor.core.sun import Sun
from monitor.sandbox.clouds import Sky, make_sky, place_sky
from monitor.sandbox.frame import stream
from monitor.sandbox.seasons import draw_sky
from monitor.sandbox.world import World

_CLEAR_SHARE = 0.8
"""Of the scars, in the first look after the storm through which the sun shines."""
_SKIES = 16
"""Tries at a sky that leaves so many clear."""
_MOSTLY, _WHOLLY = 0.86, 0.99
"""Cover of the clouded quiet look, and of the first look after the storm, in a story that has them."""


def make_weather(world: World, index: int, sun: Sun, rng: np.random.Generator) -> Sky:
    """One quiet look is nearly clear, the first look after the storm has 5 to 20 % cloud, unless the story has more."""
    side = world.frame.padded_px
    if world.story.year:
        return draw_sky(side, index == world.quiet, sun, rng)
    grounds = [(scar.rows, scar.columns) for scar in world.ground.scars.each]
    clear_day = int(stream(world.seed, "clear day").integers(0, world.quiet))
    if world.story.overcast and index in (_cloudy_day(world, clear_day), world.quiet):
        return make_sky(side, _WHOLLY if index == world.quiet else _MOSTLY, sun, rng)
    if index == clear_day:
        return place_sky(make_sky(side, rng.uniform(0.0, 0.02), sun, rng), grounds, 1.0, rng)[0]
    if index < world.quiet:
        return make_sky(side, rng.uniform(0.02, 0.30), sun, rng, veiled=rng.uniform() < 0.3)
    # What the first look after the storm misses under cloud, the second one sees.
    first_look = world.quiet + int(world.story.overcast)
    wanted = _CLEAR_SHARE if index == first_look else 1.0
    cover = rng.uniform(0.07, 0.16)
    for _ in range(_SKIES):
        sky, clear_share = place_sky(make_sky(side, cover, sun, rng), grounds, wanted, rng)
        if clear_share >= wanted:
            break
        cover *= 0.85
    return sky


def _cloudy_day(world: World, clear_day: int) -> int | None:
    """A quiet look other than the clear one, if there are two."""
    others = [index for index in range(world.quiet) if index != clear_day]
    return int(stream(world.seed, "cloudy day").choice(others)) if others else None
