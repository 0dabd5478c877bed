"""How long the way from the satellite to the receiver took, step by step. History is left out: it waits for nobody."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from monitor.records import Acquisition, LedgerEntry, Message, MessageKind


class Step(StrEnum):
    """A part of the way, each measured by the process that ends it."""

    SENSED_TO_PUBLISHED = "sensed_to_published"
    """The producer's part, where items say when they were published."""
    PUBLISHED_TO_DISCOVERED = "published_to_discovered"
    """The poll's part, likewise."""
    SENSED_TO_DISCOVERED = "sensed_to_discovered"
    """Both, whatever items say."""
    DISCOVERED_TO_PROCESSED = "discovered_to_processed"
    """In the queue and at work, all tries included."""
    SENSED_TO_ALERTED = "sensed_to_alerted"
    """Of the acquisition that opened an alert. An alert is written together with its acquisition, so nothing lies
    between processed and alerted."""
    ALERTED_TO_DELIVERED = "alerted_to_delivered"
    """From a revision of an alert to the acknowledgement of one channel; what a silence held back, what waited until
    nobody had answered, and what a person asked for again are left out."""


Delay = tuple[Step, float]
"""Seconds."""


def of_discovery(found: Iterable[Acquisition], now: datetime) -> tuple[Delay, ...]:
    """Of acquisitions that this poll put into the ledger."""
    delays: list[Delay] = []
    for one in found:
        delays += _between(Step.SENSED_TO_DISCOVERED, one.sensing_time, now)
        delays += _between(Step.SENSED_TO_PUBLISHED, one.sensing_time, one.published)
        delays += _between(Step.PUBLISHED_TO_DISCOVERED, one.published, now)
    return tuple(delays)


def of_processing(entry: LedgerEntry, opened: int, now: datetime) -> tuple[Delay, ...]:
    """Of an acquisition that is done, and of so many alerts that it opened."""
    if entry.history:
        return ()
    alerted = _between(Step.SENSED_TO_ALERTED, entry.acquisition.sensing_time, now) * opened
    return (*_between(Step.DISCOVERED_TO_PROCESSED, entry.discovered, now), *alerted)


def of_delivery(messages: Iterable[Message], now: datetime) -> tuple[Delay, ...]:
    """Of revisions that a receiver acknowledged."""
    prompt = (
        one
        for one in messages
        if one.kind is MessageKind.ALERT and not one.replays and not one.held_back and one.escalation is None
    )
    return tuple(delay for one in prompt for delay in _between(Step.ALERTED_TO_DELIVERED, one.created, now))


def _between(step: Step, start: datetime | None, end: datetime | None) -> list[Delay]:
    """One delay, or none where an end is not known or clocks disagree."""
    if start is None or end is None or end < start:
        return []
    return [(step, (end - start).total_seconds())]
