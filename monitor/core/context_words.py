"""What surrounds an event, in one sentence for people."""

from collections.abc import Sequence

from monitor.core import exposure, next_pass, runout
from monitor.records import Detector, Event, EventContext, NextPass

_MAIN = 0.5
"""Share of the ground that one class of land cover needs to stand for all of it."""


def told(event: Event, coming: Sequence[NextPass] = ()) -> str:
    """Where it is, what is exposed, the slope and its cover, where debris could go, and when it is seen next.

    Empty for an event without context.

    Args:
        coming: the passes over its region that are expected when this is said (`core.next_pass`), earliest first.
    """
    context = event.context
    if context is None:
        return ""
    parts = []
    if context.exposure is not None:
        parts += [exposure.located(context.exposure), exposure.told(context.exposure)]
    parts.append(_slope(event, context))
    if coming:
        parts.append(f"next pass expected {next_pass.told(coming[0])}")
    return "; ".join(filter(None, parts))


def land_cover_told(context: EventContext) -> str:
    """The main class, or the two largest where none has half of the ground; empty without a map."""
    shares = list(context.land_cover.items())
    if not shares:
        return ""
    main, share = shares[0]
    if share >= _MAIN or len(shares) == 1:
        return f"{main} {100 * share:.0f} %"
    return f"{main} {100 * share:.0f} %, {shares[1][0]} {100 * shares[1][1]:.0f} %"


def _slope(event: Event, context: EventContext) -> str:
    if event.detector is Detector.TILE:
        return "somewhere in a whole tile"
    cover = land_cover_told(context)
    slope = f"slope of {event.slope_deg:.0f}°" + (f" ({cover})" if cover else "")
    if context.runout is None:
        return slope
    return f"{slope} {runout.told(context.runout)}"
