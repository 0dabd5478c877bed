"""Worst first: one order of alerts in lists, feeds, pages, messages and pictures."""

import math

from monitor.records import Detector, Event, Severity, Tier

_STRONGEST = 1e6
"""ha x change: none is stronger in lists."""
_SEVERITY = 2.0 * _STRONGEST
_KIND = 10.0 * _STRONGEST
_STEPS = {Severity.EXTREME: -2, Severity.SEVERE: -1, Severity.MODERATE: 0, Severity.MINOR: 1}
"""Of what is not known to be grave nobody knows that it is minor either: it stands among the moderate."""


def rank(event: Event) -> float:
    """Its place in lists of alerts, lowest first. Those of one rank stand by id."""
    severity = event.context.severity if event.context is not None else None
    warning, tile = event.tier is Tier.WARNING, event.detector is Detector.TILE
    return place(warning=warning, tile=tile, severity=severity, strength=event.strength)


def place(*, warning: bool, tile: bool, severity: Severity | None, strength: float) -> float:
    """Warnings before watches; of each, rises of whole tiles last; of these the gravest first, then the strongest.

    One number, because the store keeps it and lists go on after it.
    """
    strongest_first = 0.0 if math.isnan(strength) else min(max(strength, 0.0), _STRONGEST)
    kind = 2 * (not warning) + tile
    return kind * _KIND + (0 if severity is None else _STEPS[severity]) * _SEVERITY - strongest_first
