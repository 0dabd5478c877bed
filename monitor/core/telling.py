"""An alert in sentences: headline, description and instruction, in any language of `core.words`.

Messages, feeds and pages say the same about the same alert because they all ask here.
"""

import math
from collections.abc import Sequence
from datetime import datetime

from monitor.core import context_words
from monitor.core.lifecycle import ALERT_STATES, DISMISSED, GROWN, MERGED, ROLLED_BACK, TOOK_IN
from monitor.core.shares import percent
from monitor.core.standing import since_drawn, standing
from monitor.core.words import EN, Words
from monitor.records import (
    Action,
    ActionKind,
    AlertStatus,
    Detector,
    Event,
    EventState,
    Evidence,
    NextPass,
    Sensor,
    Tier,
    Verdict,
)

_LOOKS_NAMED = 8
"""Of each kind; how many more there are is said."""
_ALERTS_NAMED = 8
_LONGEST_TEXT = 1200
"""Characters of what others wrote."""
_SPOKEN = (Verdict.SUPPORTS, Verdict.CONTRADICTS, Verdict.INCONCLUSIVE, Verdict.NOT_OBSERVED)


def is_taken_back(state: EventState, reason: str) -> bool:
    """Whether the last step says that the alert should not have been, or is told elsewhere, rather than that it ended.

    It is so when a look refuted it, when a person dismissed it or took back what it rests on, and when it was joined
    with another alert.
    """
    withdrawn = reason == ROLLED_BACK and state is EventState.CLOSED
    return state is EventState.REFUTED or withdrawn or reason == MERGED or reason.startswith(DISMISSED)


def place(event: Event, words: Words) -> str:
    """Where it is, in words: its municipality where layers tell, else its region."""
    exposed = event.context.exposure if event.context is not None else None
    if exposed is not None and exposed.municipality:
        return shortened(exposed.municipality, 120)
    return words.region.format(region=shortened(event.region, 120))


def headline(event: Event, words: Words = EN, reason: str | None = None) -> str:
    """One line, at most 160 characters.

    Args:
        reason: of the step it is said at; None: of the event's last.
    """
    last = event.transitions[-1].reason if event.transitions else ""
    reason = last if reason is None else reason
    said = reason.removeprefix(DISMISSED) if reason.startswith(DISMISSED) else ""
    stands = standing(event.state, reason, event.transitions)
    told = words.headline.format(
        event=event_name(event, words),
        area=hectares(event.area_ha),
        place=place(event, words),
        state=words.states.get(stands, stands).format(reason=said),
    )
    marked = told if event.status is AlertStatus.ACTUAL else f"{status_word(event.status.value, words)}: {told}"
    return shortened(marked, 160)


def title(event: Event, words: Words = EN) -> str:
    """The headline of an event as it stands, wherever it is looked at: that it has grown is news of one message."""
    last = event.transitions[-1].reason if event.transitions else ""
    return headline(event, words, "" if last in (GROWN, TOOK_IN) else last)


def event_name(event: Event, words: Words) -> str:
    """What may have happened."""
    if event.detector is Detector.TILE:
        return words.tile
    return words.landslide if event.tier is Tier.WARNING else words.possible


def description(event: Event, words: Words = EN, coming: Sequence[NextPass] = ()) -> str:
    """What is known, how sure it is, what speaks for and against it, and what was not seen; one paragraph a line.

    Args:
        coming: the passes over its region that are expected when this is said, earliest first.
    """
    return "\n".join(paragraphs(event, words, coming))


def paragraphs(event: Event, words: Words = EN, coming: Sequence[NextPass] = ()) -> list[str]:
    """The paragraphs of `description`; a name in one of them may hold anything, also the end of a line."""
    point = event.geometry.representative_point()
    lines = [] if event.status is AlertStatus.ACTUAL else [words.status[event.status.value] + "."]
    lines.append(
        (words.tile_what if event.detector is Detector.TILE else words.what).format(
            area=hectares(event.area_ha),
            slope=digits(event.slope_deg, 0),
            lat=f"{point.y:.4f}",
            lon=f"{point.x:.4f}",
            place=place(event, words),
        )
    )
    if around := context_words.told(event, coming):
        lines.append(words.around.format(around=shortened(around, _LONGEST_TEXT)))
    if event.alike_from_m is not None:
        lines.append(words.alike.format(height=f"{event.alike_from_m:.0f}"))
    if event.took_in:
        more = len(event.took_in) - _ALERTS_NAMED
        alerts = ", ".join(event.took_in[:_ALERTS_NAMED]) + (f", +{more}" if more > 0 else "")
        lines.append(words.took_in.format(alerts=alerts))
    lines.append(words.window.format(start=moment(event.window_start), end=moment(event.window_end)))
    doubts = shortened(event.confidence_reason, _LONGEST_TEXT).rstrip(".")
    lines.append(words.confidence.format(level=words.levels.get(event.confidence, event.confidence), doubts=doubts))
    lines.append(_rarity(event, words))
    lines += _looks(event, words)
    lines += _people(event, words)
    return lines


def unseen(event: Event, words: Words = EN) -> str:
    """Which looks did not see its ground; empty: all did."""
    found = [one for one in event.evidence if one.verdict is Verdict.NOT_OBSERVED and not one.withdrawn]
    newest = sorted(found, key=lambda piece: piece.sensing_time, reverse=True)
    return words.looks[Verdict.NOT_OBSERVED.value].format(looks=_named(newest, event, words)) if newest else ""


_DEEDS = {
    ActionKind.ACKNOWLEDGE: "acknowledged it",
    ActionKind.DISMISS: "dismissed it",
    ActionKind.CONFIRM: "confirmed it from the field",
    ActionKind.COMMENT: "commented",
    ActionKind.RELEASE: "released it to the public",
    ActionKind.MERGE: "joined it to another alert",
    ActionKind.ROLL_BACK: "took back looks that it rested on",
    ActionKind.DECLARE: "weighed it anew",
}


_ONCE = frozenset({ActionKind.ACKNOWLEDGE, ActionKind.RELEASE})
"""A step the first time, and nothing new after it."""


def deed(action: Action) -> str:
    """What a person, or Scarpwatch, did with an event, after the name: "dismissed it (works)"."""
    # Of a roll-back the reason is the state of before, which the steps tell.
    reason = "" if action.kind is ActionKind.ROLL_BACK else action.reason
    return _DEEDS[action.kind] + (f" ({reason})" if reason else "")


def deeds(event: Event) -> list[Action]:
    """What was done with an event, oldest first; what the same person says again, with nothing to add, is said once."""
    said: set[tuple[ActionKind, str]] = set()
    told = []
    for one in event.actions:
        if one.text or one.kind not in _ONCE or (one.kind, one.by) not in said:
            told.append(one)
        said.add((one.kind, one.by))
    return told


def drawn_before(event: Event) -> str:
    """What stands at a picture that was drawn before the event came to stand as it does; empty: it was not."""
    step = since_drawn(event)
    if step is None or step.previous is None:
        return ""
    return f"The picture may still show how it stood before {moment(step.at)}: {step.previous.value.upper()}."


def instruction(event: Event, words: Words = EN, reason: str | None = None) -> str:
    """What to do with it."""
    last = event.transitions[-1].reason if event.transitions else ""
    if is_taken_back(event.state, last if reason is None else reason):
        return words.instructions["cancelled"]
    return words.instructions["open" if event.state in ALERT_STATES else "ended"]


def _rarity(event: Event, words: Words) -> str:
    rate = opening_rate(event)
    if rate is None:
        return words.rate_unknown
    told = words.rate.format(rate=f"{rate:.3g}")
    return f"{told} {words.rate_simulated}" if event.rate_simulated else told


def opening_rate(event: Event) -> float | None:
    """False events per 1,000 km² and year at least as strong as what opened it; None: not known."""
    return event.opening.rate if event.opening else None


def hectares(area_ha: float) -> str:
    """An area with as many digits as it deserves."""
    return digits(area_ha, 2 if area_ha < 1 else 1 if area_ha < 100 else 0)


def digits(value: float, places: int) -> str:
    """A number for people; `?` where it is not known."""
    return "?" if math.isnan(value) else f"{value:.{places}f}"


def moment(time: datetime) -> str:
    """A time for people."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def sensor_of(piece: Evidence, event: Event) -> Sensor:
    """What kind of instrument a piece of evidence is of."""
    if piece.detector is Detector.RADAR:
        return Sensor.SAR
    if piece.detector is Detector.NETWORK and event.comparable.startswith(Sensor.SAR.value):
        return Sensor.SAR
    return Sensor.OPTICAL


def status_word(status: str, words: Words) -> str:
    """What stands before a headline that is not of an actual alert."""
    said = words.status.get(status, status.upper())
    return next((said.split(mark)[0] for mark in (",", "：") if mark in said), said)


def _looks(event: Event, words: Words) -> list[str]:
    """What every look said, newest first, and how much of the ground the newest saw."""
    newest = sorted(
        (one for one in event.evidence if not one.withdrawn), key=lambda piece: piece.sensing_time, reverse=True
    )
    lines = []
    for verdict in _SPOKEN:
        found = [piece for piece in newest if _said(piece) is verdict]
        if found:
            lines.append(words.looks[verdict.value].format(looks=_named(found, event, words)))
    seen = next((piece for piece in newest if piece.verdict is not Verdict.NOT_OBSERVED), None)
    if seen is not None and not math.isnan(seen.observed_fraction):
        lines.append(words.share.format(percent=percent(seen.observed_fraction)))
    return lines


def _said(piece: Evidence) -> Verdict:
    """The look that opened it speaks for it."""
    return Verdict.SUPPORTS if piece.verdict is Verdict.OPENS else piece.verdict


def _named(pieces: Sequence[Evidence], event: Event, words: Words) -> str:
    named = [f"{moment(one.sensing_time)} ({words.sensors[sensor_of(one, event).value]})" for one in pieces]
    more = len(named) - _LOOKS_NAMED
    return ", ".join(named[:_LOOKS_NAMED]) + (f", +{more}" if more > 0 else "")


def _people(event: Event, words: Words) -> list[str]:
    """What people did. No names: messages go far."""
    done = [one for one in event.actions if one.kind.value in words.people]
    first = next((one for one in done if one.kind is ActionKind.RELEASE), None)
    done = [one for one in done if one is first or one.kind is not ActionKind.RELEASE]  # it is for good
    lines = [words.people[one.kind.value].format(at=moment(one.at)) for one in done]
    checked = any(one.kind is ActionKind.CONFIRM for one in done)
    return lines if checked else [*lines, words.unchecked]
