"""One page to print: an alert as PDF, A4."""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.image import imread

from monitor.core.telling import deed, deeds, description, drawn_before, instruction, moment, shortened, title
from monitor.core.words import EN
from monitor.records import Action, Event, NextPass
from monitor.web.showing import Unseen, looks

_A4_INCH = (8.27, 11.69)
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.07, 0.93, 0.955, 0.05
_WRAP = 108
"""Characters of 9 points between the margins."""
_WRAP_BOLD = 92
_MOST_ROWS = 8
_LONGEST_WORDS = 300
"""Characters of what one person wrote."""
_MORE = "… more on the page"
_GAP, _ROW_GAP = 0.006, 0.001
_NOTHING = 1e-9
"""Heights are sums: so little is no lack of room."""
_LOWEST, _HIGHEST = 0.28, 0.42
"""Heights of the picture, which gives way to words."""


def sheet(
    event: Event,
    picture: Path | None,
    address: str,
    not_observed: Sequence[Unseen],
    coming: Sequence[NextPass],
    *,
    person: bool,
) -> bytes:
    """The page. What does not fit is left out from the end of the lists, and said.

    Args:
        picture: its picture, or None.
        address: of its page, which tells the rest.
        not_observed: of each region; first of all the page tells why the watch is not well.
        coming: the passes over its region that are expected now, earliest first.
        person: it is for somebody with a token, who may read what people did and said.
    """
    figure = drawn(event, picture, address, not_observed, coming, person=person)
    out = io.BytesIO()
    # Without the time, so that the same alert is the same file.
    about = {"Title": title(event, EN), "Creator": "Scarpwatch", "CreationDate": None}
    figure.savefig(out, format="pdf", metadata=about)
    return out.getvalue()


def drawn(
    event: Event,
    picture: Path | None,
    address: str,
    not_observed: Sequence[Unseen],
    coming: Sequence[NextPass],
    *,
    person: bool,
) -> Figure:
    """The page before it is a file; see `sheet`."""
    figure = Figure(figsize=_A4_INCH)
    y = _text(figure, _TOP, title(event, EN), size=14, weight="bold", wrap=58)
    for trouble in (one.trouble for one in not_observed if one.trouble):
        y = _text(figure, y - 0.004, trouble, weight="bold", color="#9a1b1b", wrap=_WRAP_BOLD)
    line = f"{event.tier.value.upper()} · {event.state.value} · {event.status.value} · {event.id}"
    y = _text(figure, y - 0.004, line, color="#51606f")
    if picture is not None and (older := drawn_before(event)):
        y = _text(figure, y - 0.004, older, weight="bold", color="#9a1b1b", wrap=_WRAP_BOLD)
    told = instruction(event, EN)
    lists = [("", description(event, EN, coming).splitlines()), *_lists(event, not_observed, person=person)]
    if picture is not None:
        below = 0.006 + _height(told, _WRAP_BOLD) + sum(_wanted(*one) for one in lists)
        y = _picture(figure, y - 0.008, picture, min(max(y - 0.008 - below - _BOTTOM, _LOWEST), _HIGHEST))
    y = _text(figure, y - 0.006, told, weight="bold", wrap=_WRAP_BOLD)
    for number, (name, rows) in enumerate(lists):
        kept = [_least(*one) for one in lists[number + 1 : -1]] + [_wanted(*one) for one in lists[number + 1 :][-1:]]
        y = _rows(figure, y - _GAP, name, rows, _BOTTOM + sum(kept))
    figure.text(_LEFT, 0.025, f"{address}", size=8, color="#51606f", parse_math=False)
    return figure


def _lists(event: Event, not_observed: Sequence[Unseen], *, person: bool) -> list[tuple[str, list[str]]]:
    """The lists below the description; room is kept for all of the last: silence would read as all seen."""
    steps = [f"{moment(step.at)}  {step.state.value}: {step.reason}" for step in reversed(event.transitions)]
    people = [_did(one) for one in reversed(deeds(event))] if person else []
    saw = [f"{look['when']}  {look['sensor']}: {look['says']} ({look['saw']} of it seen)" for look in looks(event)]
    unseen = [line for one in not_observed for line in one.lines]
    lists = [("Steps", steps), ("What people did", people), ("Looks", saw), ("What was not observed", unseen)]
    return [(name, rows) for name, rows in lists if rows]


def _did(action: Action) -> str:
    told = f"{moment(action.at)}  {action.by or 'Scarpwatch'} {deed(action)}"
    if not action.text:
        return told
    more = f" ({_MORE.removeprefix('… ')})" if len(action.text) > _LONGEST_WORDS else ""
    return f"{told}: {shortened(action.text, _LONGEST_WORDS)}{more}"


def _text(
    figure: Figure,
    y: float,
    text: str,
    size: float = 9,
    weight: str = "normal",
    color: str = "#16202a",
    wrap: int = _WRAP,
) -> float:
    """Write a paragraph downward from `y`, shares of the page; where the next may begin."""
    lines = textwrap.wrap(text, wrap) or [""]
    height = _height("", size=size)
    for line in lines:
        if y - height < _BOTTOM - _NOTHING:
            return y
        figure.text(
            _LEFT, y, line, size=size, weight=weight, color=color, va="top", parse_math=False, family="DejaVu Sans"
        )
        y -= height
    return y


def _height(text: str, wrap: int = _WRAP, size: float = 9) -> float:
    """Of a paragraph, as a share of the page."""
    return max(len(textwrap.wrap(text, wrap)), 1) * size * 1.32 / 72 / _A4_INCH[1]


def _wanted(name: str, rows: list[str]) -> float:
    """The height of a list of which nothing is left out but what is beyond the most rows."""
    heading = _height(name, size=10) if name else 0.0
    more = _height(_MORE) if name and len(rows) > _MOST_ROWS else 0.0
    return _GAP + heading + sum(_height(one) + _ROW_GAP for one in rows[: _most(name)]) + more


def _least(name: str, rows: list[str]) -> float:
    """The height of its first row, and of the line that there are more."""
    return min(_wanted(name, rows), _wanted(name, rows[:1]) + _height(_MORE))


def _most(name: str) -> int | None:
    return _MOST_ROWS if name else None


def _rows(figure: Figure, y: float, name: str, rows: list[str], bottom: float) -> float:
    """Write a list, or without a name paragraphs, down to `bottom` at most; what does not fit is said."""
    if name:
        y = _text(figure, y, name, size=10, weight="bold")
    for number, one in enumerate(rows):
        more = _height(_MORE) if number + 1 < len(rows) else 0.0
        if number == _most(name) or y - _ROW_GAP - _height(one) - more < bottom - _NOTHING:
            return _text(figure, y, _MORE)
        y = _text(figure, y - _ROW_GAP, one)
    return y


def _picture(figure: Figure, y: float, picture: Path, highest: float) -> float:
    try:
        pixels = imread(picture)
    except (OSError, ValueError, SyntaxError):  # a file that is no picture: the page is of use without it
        return y
    width = _RIGHT - _LEFT
    height: float = min(width * _A4_INCH[0] * pixels.shape[0] / pixels.shape[1] / _A4_INCH[1], highest)
    axes = figure.add_axes((_LEFT, y - height, width, height))
    axes.imshow(pixels, aspect="equal")
    axes.set_axis_off()
    return y - height
