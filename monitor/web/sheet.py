"""One page to print: an alert as PDF, A4."""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.image import imread

from monitor.core.telling import description, drawn_before, instruction, moment, title
from monitor.core.words import EN
from monitor.records import Event, NextPass
from monitor.web.showing import Unseen, looks

_A4_INCH = (8.27, 11.69)
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.07, 0.93, 0.955, 0.05
_WRAP = 108
"""Characters of 9 points between the margins."""
_WRAP_BOLD = 92
_MOST_ROWS = 8


def sheet(
    event: Event, picture: Path | None, address: str, not_observed: Sequence[Unseen], coming: Sequence[NextPass]
) -> bytes:
    """The page. What does not fit is left out from the end of the lists, and said.

    Args:
        picture: its picture, or None.
        address: of its page, which tells the rest.
        not_observed: of each region; first of all the page tells why the watch is not well.
        coming: the passes over its region that are expected now, earliest first.
    """
    figure = Figure(figsize=_A4_INCH)
    y = _text(figure, _TOP, title(event, EN), size=14, weight="bold", wrap=58)
    for trouble in (one.trouble for one in not_observed if one.trouble):
        y = _text(figure, y - 0.004, trouble, weight="bold", color="#9a1b1b", wrap=_WRAP_BOLD)
    line = f"{event.tier.value.upper()} · {event.state.value} · {event.status.value} · {event.id}"
    y = _text(figure, y - 0.004, line, color="#51606f")
    if picture is not None:
        if older := drawn_before(event):
            y = _text(figure, y - 0.004, older, weight="bold", color="#9a1b1b", wrap=_WRAP_BOLD)
        y = _picture(figure, y - 0.008, picture)
    y = _text(figure, y - 0.006, instruction(event, EN), weight="bold", wrap=_WRAP_BOLD)
    for paragraph in description(event, EN, coming).splitlines():
        y = _text(figure, y - 0.003, paragraph)
    y = _rows(
        figure,
        y - 0.008,
        "Steps",
        [f"{moment(step.at)}  {step.state.value}: {step.reason}" for step in reversed(event.transitions)],
    )
    y = _rows(
        figure,
        y - 0.006,
        "Looks",
        [f"{look['when']}  {look['sensor']}: {look['says']} ({look['saw']} of it seen)" for look in looks(event)],
    )
    _rows(figure, y - 0.006, "What was not observed", [line for one in not_observed for line in one.lines])
    figure.text(_LEFT, 0.025, f"{address}", size=8, color="#51606f", parse_math=False)
    out = io.BytesIO()
    # Without the time, so that the same alert is the same file.
    about = {"Title": title(event, EN), "Creator": "Scarpwatch", "CreationDate": None}
    figure.savefig(out, format="pdf", metadata=about)
    return out.getvalue()


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
    height = size * 1.32 / 72 / _A4_INCH[1]
    for line in lines:
        if y - height < _BOTTOM:
            return y
        figure.text(
            _LEFT, y, line, size=size, weight=weight, color=color, va="top", parse_math=False, family="DejaVu Sans"
        )
        y -= height
    return y


def _rows(figure: Figure, y: float, title: str, rows: list[str]) -> float:
    y = _text(figure, y, title, size=10, weight="bold")
    for one in rows[:_MOST_ROWS]:
        y = _text(figure, y, one)
    if len(rows) > _MOST_ROWS:
        y = _text(figure, y, f"and {len(rows) - _MOST_ROWS} more")
    return y


def _picture(figure: Figure, y: float, picture: Path) -> float:
    try:
        pixels = imread(picture)
    except (OSError, ValueError, SyntaxError):  # a file that is no picture: the page is of use without it
        return y
    width = _RIGHT - _LEFT
    height: float = min(width * _A4_INCH[0] * pixels.shape[0] / pixels.shape[1] / _A4_INCH[1], 0.42)
    axes = figure.add_axes((_LEFT, y - height, width, height))
    axes.imshow(pixels, aspect="equal")
    axes.set_axis_off()
    return y - height
