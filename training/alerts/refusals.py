"""When a calibration is refused or doubted: a threshold that silences a landslide is worse than none of one's own."""

from __future__ import annotations

from dataclasses import replace

from monitor.core.null_rate import LEARNED_KM2_YEARS, PER_KM2, NullRates, Prior
from monitor.core.radar import LEAST_PASSES
from monitor.errors import Refused
from monitor.records import Sensor
from training.alerts.history import QuietHistory
from training.alerts.outcomes import Outcome

_NAMED = 5
"""Events that a refusal names."""


def learning(history: QuietHistory) -> Refused:
    """Nothing was compared yet."""
    most = {sensor: max((one.most_looks.get(sensor, 0) for one in history.regions), default=0) for sensor in Sensor}
    needs = f"{max(2 - most[Sensor.OPTICAL], 1)} more of optics or {max(LEAST_PASSES + 1 - most[Sensor.SAR], 1)} more "
    blank = sum(one.without_elevation for one in history.regions)
    detail = f" ({blank} tiles that were looked at have no kept elevation)" if blank else ""
    return Refused(
        f"still learning: no look was compared with an earlier one while alerts could open{detail}",
        item=", ".join(one.region for one in history.regions) or "no region",
        remedy=f"Let the watch go on: it needs {needs}passes of one radar track. `scarpwatch status` tells what was "
        "seen; looks of a backfill are history and open no event.",
        reason="learning",
    )


def telling(null: NullRates, shipped: Prior, watch: float) -> NullRates:
    """A null without the detectors that could never tell of anything by it: hectares × change decide of theirs.

    Nothing is rarer than the ground that was watched can show, and of little ground that is common.

    Raises:
        Refused: the shipped counts know of such a detector, and would let it tell.
    """
    least = {detector: PER_KM2 / km2_years for detector, km2_years in null.km2_years.items()}
    dumb = [detector for detector, rate in least.items() if rate > watch]
    if lost := [detector for detector in dumb if detector in shipped.rates.curves]:
        raise Refused(
            f"nothing could be called rarer than {least[lost[0]]:.0f} per 1,000 km² and year on so little ground, and "
            f"watch is {watch:g}: no change would be told to anybody, however large",
            item=", ".join(lost),
            remedy="Leave out --alone, so that the shipped counts stand behind the own ones, or give a larger --watch; "
            "nothing was written.",
            reason="silent",
        )
    return replace(
        null,
        curves={name: of for name, of in null.curves.items() if name not in dumb},
        factors={name: of for name, of in null.factors.items() if name not in dumb},
        km2_years={name: of for name, of in null.km2_years.items() if name not in dumb},
    )


def refuse_what_is_not_known(history: QuietHistory) -> None:
    """Refuse little ground on which most events may be landslides.

    Raises:
        Refused: so it is.
    """
    if history.km2_years >= LEARNED_KM2_YEARS or not _mostly_unknown(history):
        return
    unknown = [one for one in history.events if one.outcome is Outcome.UNKNOWN]
    largest = sorted(unknown, key=lambda one: -one.area_ha)[:_NAMED]
    named = ", ".join(one.id for one in largest) + (", …" if len(unknown) > len(largest) else "")
    raise Refused(
        f"nobody said of {len(unknown)} of {len(history.events)} events on {history.km2_years:.1f} km² × years what "
        f"they are: they may be landslides, and the rest is too little to learn from ({named})",
        item=", ".join(one.region for one in history.regions),
        remedy="Judge them: `scarpwatch alerts dismiss` or `confirm`; after a storm that many saw name its ground and "
        "time with --except FILE.geojson. Until then the shipped rates are the better ones; nothing was written.",
        reason="not-judged",
    )


def _mostly_unknown(history: QuietHistory) -> bool:
    unknown = sum(one.outcome is Outcome.UNKNOWN for one in history.events)
    return 2 * unknown > len(history.events)


def unsure(history: QuietHistory) -> str:
    """A warning where much was watched, and of most events nobody knows what they were."""
    if not _mostly_unknown(history):
        return ""
    return (
        "CAUTION: of most events nobody said what they are. They are left out with their exposure: the rates of what "
        "holds are those of the shipped ground, and what the tiers cost is a lower bound. Dismiss or confirm them."
    )
