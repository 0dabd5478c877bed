"""Errors cross from one process to another."""

import pickle

import pytest

from monitor import errors
from monitor.errors import AssetUnavailable, ScarpwatchError, StoreBusy, joined

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ScarpwatchError)]


@pytest.mark.parametrize("kind", KINDS)
def test_errors_come_back_whole(kind: type[ScarpwatchError]) -> None:
    """An error that crossed to another process says and is what it was."""
    error = kind("broken", item="thing", remedy="Mend it.", reason="worn")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (str(back), back.args, vars(back)) == (str(error), error.args, vars(error))
    assert str(back) == "thing: broken. Mend it."


def test_what_a_host_asks_for_comes_back() -> None:
    """How long to wait, and whether it was a try, is not lost on the way."""
    error = AssetUnavailable("resting", item="host", remedy="None.", retry_after_s=7.5, tried=False)
    back = pickle.loads(pickle.dumps(error))
    assert (back.retry_after_s, back.tried) == (7.5, False)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("refused\n\tIs the server running?\n", "refused; Is the server running?"),
        ("Is it running?\n  All failures were:\n- host 1", "Is it running? All failures were: - host 1"),
        ("one  line", "one line"),
        (" \n", ""),
    ],
)
def test_the_lines_of_others_become_one(lines: str, told: str) -> None:
    """Without tabs, indents and odd marks."""
    assert joined(lines) == told


@pytest.mark.parametrize(("message", "told"), [("gone", "gone."), ("running?", "running?"), ("cut …", "cut …")])
def test_a_message_ends_with_one_mark(message: str, told: str) -> None:
    """A question is none with a full stop after it."""
    assert str(StoreBusy(message, item="db", remedy="Wait.")) == f"db: {told} Wait."
