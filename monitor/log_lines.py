"""What the service tells its log: one line for each thing that happens, the story of an acquisition at its end."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from structlog.typing import FilteringBoundLogger

from monitor.config import Settings
from monitor.core.story import story_told, subject
from monitor.delivering import DeliveryEvent

if TYPE_CHECKING:
    from monitor.service import PassEvent

_WARNINGS = frozenset(
    {"poll-failed", "parked", "retry", "lost", "look-lost", "layer-odd", "alone", "lease-capped", "failover"}
    | {"reaching-back"}
)


def log_event(log: FilteringBoundLogger, event: "PassEvent") -> None:
    """One log line for one event of a pass."""
    extra: dict[str, object] = {"reason": event.reason} if event.reason else {}
    if event.seconds:
        extra["seconds"] = {stage: round(seconds, 3) for stage, seconds in event.seconds.items()}
    if event.blocks:
        extra["blocks"] = {" ".join(kind): count for kind, count in event.blocks.items()}
    words = event.detail
    if event.acquisition is not None:
        acquisition = event.acquisition
        extra |= {
            "sensing_time": acquisition.sensing_time.isoformat(),
            "sensor": acquisition.sensor.value,
            "platform": acquisition.platform,
            "relative_orbit": acquisition.relative_orbit,
        }
        words = f"{subject(acquisition)}: {event.reason or event.action}: {event.detail}"
    if event.story is not None and event.acquisition is not None:
        words = f"{subject(event.acquisition)}: {story_told(event.story, event.reason, event.seconds)}"
        extra |= {"detail": event.detail} | asdict(event.story)
    say = log.warning if event.action in _WARNINGS else log.info
    say(words, action=event.action, region=event.region, item=event.item, **extra)


def log_delivery(log: FilteringBoundLogger, event: DeliveryEvent) -> None:
    """One log line for one message that was delivered, or was not."""
    extra: dict[str, object] = {"reason": event.reason} if event.reason else {}
    say = log.info if event.action == "delivered" else log.warning
    say(event.detail, action=event.action, channel=event.channel, item=event.item, revisions=event.revisions, **extra)


class PollEar:
    """Hears a poll: tells the log of it, and knows afterwards which catalogs answered."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._silent: set[str] = set()
        self._stood_in: set[str] = set()

    def __call__(self, event: "PassEvent") -> None:
        """Something happened."""
        log_event(self._log, event)
        self._stood_in.update(event.stood_in)
        if event.action == "poll-failed":
            self._silent.update(event.item.split())  # of the catalog, which it names

    def answered(self, settings: Settings) -> list[str]:
        """Catalogs of the watched regions of which no failure was reported, and those that stood in for others."""
        own = {name for region in settings.regions.values() for name in region.catalogs}
        return sorted((own - self._silent) | self._stood_in)
