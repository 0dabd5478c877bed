"""Errors cross from one process to another."""

import pickle

import pytest

from monitor import errors
from monitor.errors import AssetUnavailable, ScarpwatchError

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
