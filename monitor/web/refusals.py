"""Who was turned away, counted for Prometheus: somebody who guesses tokens is seen there first."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from threading import Lock


class Refusal(StrEnum):
    """Why a request is not answered."""

    NO_TOKEN = "no-token"
    """One is needed, and none was given."""
    UNKNOWN_TOKEN = "unknown-token"
    """Nobody has the one that was given, or it was revoked."""
    FORBIDDEN = "forbidden"
    """The role may not do this, or the form was not sent by a page of this watch."""
    TOO_MANY = "too-many-requests"
    TOO_LARGE = "body-too-large"


class Refusals:
    """How often each happened in this process. Safe across threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts = Counter[str]({one.value: 0 for one in Refusal})

    def add(self, why: Refusal) -> None:
        """One request."""
        with self._lock:
            self._counts[why.value] += 1

    def counts(self) -> Mapping[str, int]:
        """By reason, zeros included."""
        with self._lock:
            return dict(self._counts)
