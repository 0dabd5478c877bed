"""The page to print: whole at any length, and no word of a person for who may not read it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.core.events import with_actions
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import Action, ActionKind, Detector, Event, Verdict
from monitor.web.sheet import drawn
from monitor.web.showing import Unseen, looks
from tests.adapters.store.factories import acquisition, event
from tests.core.alerts import look
from tests.web.conftest import Site

PICTURE = Path(__file__).parents[2] / "docs" / "alert.png"
UNSEEN = Unseen(region="atsuma", told="25% of the ground was not compared", details=("Seen by optics", "Next pass"))
MORE = "… more on the page"


def _done(kind: ActionKind, minutes: int = 0, text: str = "", reason: str = "") -> Action:
    at = acquisition(3).sensing_time + timedelta(minutes=minutes)
    return Action(at=at, by="mori", kind=kind, text=text, reason=reason)


def _after(*done: Action) -> Event:
    return with_actions(event(acquisition(1), "E1", 2.0), done, LifecycleSettings())


def _lines(one: Event, picture: Path | None = None, *, person: bool = True) -> list[str]:
    """Everything on the page but its address, in order; nothing is below the margin or over another line."""
    *texts, _address = drawn(one, picture, "https://x", [UNSEEN], (), person=person).texts
    heights = [text.get_position()[1] for text in texts]
    assert heights == sorted(set(heights), reverse=True)
    assert heights[-1] > 0.05
    return [text.get_text() for text in texts]


def test_looks_are_told_in_words_of_people() -> None:
    """Which sensor, and what was seen to change; not the names that programs have for them."""
    seen = [replace(look(n, Verdict.OPENS), detector=one) for n, one in enumerate(Detector)]
    one = replace(_after(), comparable="sar:46", evidence=tuple(seen))
    assert [found["sensor"] for found in reversed(looks(one))] == [
        "radar, network",
        "optics, brightening",
        "radar, backscatter",
        "optics, whole tile",
    ]


def test_people_are_for_people() -> None:
    """Newest first, with who and their words, below the steps; without a token there is not even the heading."""
    one = _after(
        _done(ActionKind.CONFIRM, text="seen from the road"), _done(ActionKind.COMMENT, 5, "road closed\nuntil noon")
    )
    lines = _lines(one)
    first = lines.index("What people did")
    assert lines.index("Steps") < first < lines.index("Looks")
    assert lines[first + 1].endswith("mori commented: road closed until noon")
    assert lines[first + 2].endswith("mori confirmed it from the field: seen from the road")
    others = "\n".join(_lines(one, person=False))
    assert not any(word in others for word in ("What people did", "mori", "road"))


@pytest.mark.parametrize("picture", [None, PICTURE])
def test_what_was_not_observed_is_on_a_full_page(picture: Path | None) -> None:
    """Other lists end earlier, and say so; each has its newest line at least."""
    deeds = [_done(ActionKind.COMMENT, number, f"{number} " + "word " * 400) for number in range(30)]
    looks = tuple(look(number, Verdict.SUPPORTS) for number in range(1, 30))
    one = _after(*deeds)
    step = replace(one.transitions[0], reason="why " * 60)
    one = replace(one, evidence=(*one.evidence, *looks), transitions=(step,) * 20, confidence_reason="doubt " * 190)
    lines = _lines(one, picture)
    assert lines[-4:] == ["What was not observed", "atsuma: 25% of the ground was not compared", *UNSEEN.details]
    for name in ("Steps", "What people did", "Looks"):
        assert lines[lines.index(name) + 1].startswith("20")
    assert lines.count(MORE) >= 3
    assert "… (more on the page)" in " ".join(lines)


def test_the_picture_of_a_withdrawn_alert_is_said_to_be_older() -> None:
    """Right above it; without a picture there is nothing to say."""
    one = _after(_done(ActionKind.DISMISS, reason="farming"))
    said = "The picture may still show how it stood before 2018-09-04 01:02 UTC: PROVISIONAL."
    lines = _lines(one, PICTURE)
    assert lines.index(said) == lines.index(next(line for line in lines if "closed" in line and "·" in line)) + 1
    assert said not in _lines(one)


def test_a_sheet_at_hand_is_for_those_it_was_made_for(public: Site) -> None:
    """Who has no token gets another one, whoever asked before; the page keeps people's words as well."""
    public.store.act("E1", _done(ActionKind.COMMENT, text="road closed"), acquisition(3).sensing_time, None)
    with public.client(None) as stranger, public.client() as reader:
        known, other, again = (who.get("/alerts/E1.pdf").content for who in (reader, stranger, reader))
        assert known == again != other
        assert ["road closed" in who.get("/alerts/E1").text for who in (reader, stranger)] == [True, False]
