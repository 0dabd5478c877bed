"""What becomes of messages, what people say of alerts, and exercises."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from monitor.core.precision import Precision
from monitor.records import Detector, Tier

RESULTS = ("delivered", "delivery-put-off", "delivery-parked", "delivery-lost", "delivery-failed")
"""`DeliveryEvent.action`."""


class Telling:
    """Whether people hear."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        self._deliveries = Counter(
            "scarpwatch_deliveries",
            "Revisions of alerts by channel and what became of a try in this process",
            ("channel", "result"),
            registry=registry,
        )
        self._oldest_due = gauge(
            "scarpwatch_delivery_oldest_due_seconds", "How long the oldest message waits; 0: none", "channel"
        )
        self._undelivered = gauge("scarpwatch_deliveries_parked", "Messages that wait for a person", "channel")
        self._held = gauge(
            "scarpwatch_deliveries_held", "Revisions that silences hold back, overtaken ones included", "channel"
        )
        self._escalations = Counter(
            "scarpwatch_escalations",
            "Revisions delivered by this process because nobody had answered the alert",
            ("channel",),
            registry=registry,
        )
        self._alive = gauge(
            "scarpwatch_alive_last_message_timestamp_seconds",
            "When the newest weekly sign of life was written",
            "region",
        )
        self._judged = gauge(
            "scarpwatch_alerts_judged",
            "Alerts of the last 365 days by what people said of them: landslide, other, unjudged",
            "region",
            "tier",
            "detector",
            "said",
        )
        self._drill_scars = Counter(
            "scarpwatch_drill_scars",
            "Scars painted by exercises of the service, by what became of them",
            ("region", "result"),
            registry=registry,
        )
        self._drill_success = gauge(
            "scarpwatch_drill_last_success_timestamp_seconds",
            "When an exercise of a service last found more scars than it missed, and reached every channel",
            "region",
        )

    def begin(self, channels: Iterable[str]) -> None:
        """Channels that this process delivers to: each has its counters from the start."""
        for channel in channels:
            self._escalations.labels(channel)
            for result in RESULTS:
                self._deliveries.labels(channel, result)

    def begin_drills(self, regions: Iterable[str], results: Sequence[str]) -> None:
        """Regions that are drilled: what becomes of scars is 0 from the start."""
        for region in regions:
            for result in results:
                self._drill_scars.labels(region, result)

    def delivery(self, channel: str, result: str, revisions: int) -> None:
        """A try to deliver so many revisions ended."""
        self._deliveries.labels(channel, result).inc(revisions)

    def escalated(self, channel: str, revisions: int) -> None:
        """So many revisions were delivered because nobody had answered."""
        self._escalations.labels(channel).inc(revisions)

    def channel(self, channel: str, *, oldest_due_s: float, parked: int, held: int) -> None:
        """How a channel stands."""
        self._oldest_due.labels(channel).set(oldest_due_s)
        self._undelivered.labels(channel).set(parked)
        self._held.labels(channel).set(held)

    def alive(self, region: str, at: datetime) -> None:
        """When the newest sign of life was written."""
        self._alive.labels(region).set(at.timestamp())

    def judged(self, alerts: Mapping[tuple[str, Tier, Detector], Precision]) -> None:
        """What people said of alerts, by region, tier and detector; what is not among them any more is forgotten."""
        self._judged.clear()
        for (region, tier, detector), one in alerts.items():
            kind = region, tier.value, detector.value
            self._judged.labels(*kind, "landslide").set(one.landslides)
            self._judged.labels(*kind, "other").set(one.others)
            self._judged.labels(*kind, "unjudged").set(one.unjudged)

    def drill(self, region: str, scars: Mapping[str, int], passed: bool, now: datetime) -> None:
        """An exercise ended. `scars` by what became of them, zeros included."""
        for result, count in scars.items():
            self._drill_scars.labels(region, result).inc(count)
        if passed:
            self.drill_passed(region, now)

    def drill_passed(self, region: str, at: datetime) -> None:
        """When an exercise of a service last found more scars than it missed, and reached every channel."""
        self._drill_success.labels(region).set(at.timestamp())
