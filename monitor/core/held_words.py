"""What silences keep from people, in words and for programs."""

from datetime import timedelta

from monitor.records import HeldBack, Silence

LONG = timedelta(days=30)
"""Nobody remembers a silence that is longer."""


def is_long(silence: Silence) -> bool:
    """Whether a silence lasts so long that it may be a slip, or will be forgotten."""
    return silence.until - silence.start > LONG


def told(one: HeldBack) -> str:
    """One line: where, until when, by whom, why, and how much it holds back."""
    silence = one.silence
    where = (silence.region or "all regions") + (", part of it" if silence.geometry is not None else "")
    until = f"until {silence.until:%Y-%m-%d %H:%M} UTC"
    return (
        f"silence {silence.id}: {where} {until}, by {silence.by} ({silence.why}): {one.messages} message(s) held back"
    )


def to_json(one: HeldBack) -> dict[str, object]:
    """The same for programs."""
    silence = one.silence
    return {
        "id": silence.id,
        "region": silence.region,
        "part": silence.geometry is not None,
        "until": silence.until.isoformat(),
        "by": silence.by,
        "why": silence.why,
        "messages_held": one.messages,
    }
