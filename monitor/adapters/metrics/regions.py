"""How every region stands, as the database tells it: the same from every process that asks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor.core.look_figures import LookFigures
from monitor.core.pass_count import PassCount
from monitor.core.slope_sight import BlindSlopes
from monitor.records import Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionNow:
    """How one region stands."""

    ledger: Mapping[str, int]
    """Acquisitions by state, zeros included so that a series never vanishes; so are the others."""
    alerts: Mapping[str, int]
    """Open ones by state."""
    passes: Mapping[Sensor, PassCount]
    """Of the sensors that its policy watches."""
    next_pass: Mapping[Sensor, datetime] = field(default_factory=dict)
    """Where the orbit cycle is known."""
    parked: Mapping[tuple[Sensor, str], int] = field(default_factory=dict)
    """Acquisitions that wait for a person, by sensor and reason."""
    oldest_due_s: float = 0.0
    looks: Mapping[Sensor, LookFigures] = field(default_factory=dict)
    """The newest look of each sensor whose network spoke."""


class Regions:
    """What people and rules ask first."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._now = _Standing()
        registry.register(self._now)
        self._last_look = Gauge(
            "scarpwatch_last_look_timestamp_seconds",
            "Sensing time of the newest look that observed any pixel",
            ("region",),
            registry=registry,
        )
        self._observed = Gauge(
            "scarpwatch_observed_ratio",
            "Share of the region that was compared with an earlier look within its look-back",
            ("region",),
            registry=registry,
        )
        self._blind = Gauge(
            "scarpwatch_radar_blind_slopes_ratio",
            "Share of the slopes of the region that a radar track never sees; track none: that no track sees",
            ("region", "track"),
            registry=registry,
        )
        self._blind_tracks: dict[str, frozenset[str]] = {}

    def show(self, regions: Mapping[str, RegionNow], at: datetime) -> None:
        """How all regions stand, instead of how they stood before: a scrape never sees a half."""
        self._now.standing = dict(regions), at

    def covered(self, region: str, observed: float, last_look: datetime | None) -> None:
        """What was seen of a region. `observed` 0-1."""
        self._observed.labels(region).set(observed)
        if last_look is not None:
            self._last_look.labels(region).set(last_look.timestamp())

    def blind_slopes(self, region: str, blind: BlindSlopes) -> None:
        """What radar never sees of a region's slopes; nothing where no track looks at it, or none does any more."""
        shares = {track: one.blind_share for track, one in blind.tracks.items()}
        if shares:
            shares["none"] = blind.together.blind_share
        for track in self._blind_tracks.get(region, frozenset()) - shares.keys():
            self._blind.remove(region, track)
        self._blind_tracks[region] = frozenset(shares)
        for track, share in shares.items():
            self._blind.labels(region, track).set(share)


_PASSES: tuple[tuple[str, str, Callable[[PassCount], float]], ...] = (
    (
        "scarpwatch_scenes_expected",
        "Passes of the last 30 days that the orbit cycle wanted, a day of grace for their producer",
        lambda one: one.expected,
    ),
    ("scarpwatch_scenes_seen", "Passes of the last 30 days that a catalog listed", lambda one: one.seen),
    ("scarpwatch_scenes_processed", "Passes of the last 30 days that were processed", lambda one: one.processed),
    ("scarpwatch_scenes_usable", "Passes of the last 30 days that showed ground", lambda one: one.usable),
    (
        "scarpwatch_passes_overdue",
        "Passes that the orbit cycle wanted since the newest one of their track, a day of grace for their producer",
        lambda one: one.overdue,
    ),
    (
        "scarpwatch_newest_scene_timestamp_seconds",
        "Sensing time of the newest acquisition that a catalog listed; 0: none ever",
        lambda one: _seconds(one.newest),
    ),
    (
        "scarpwatch_newest_usable_look_timestamp_seconds",
        "Sensing time of the newest acquisition that was processed and showed ground; 0: none ever",
        lambda one: _seconds(one.newest_usable),
    ),
)
_LOOKS: tuple[tuple[str, str, Callable[[LookFigures], float | None]], ...] = (
    (
        "scarpwatch_largest_change",
        "Largest rise of a tile's mean probability in the newest look, against the comparable look before",
        lambda one: one.largest_change,
    ),
    (
        "scarpwatch_tiles_over_threshold",
        "Tiles of the newest look that rose by what alerts.tile_mean or tile_p95 ask for (left out: 0.1 and 0.4)",
        lambda one: one.over_threshold,
    ),
    (
        "scarpwatch_hazard_area_hectares",
        "Area of the newest look at or above the threshold of the model's card",
        lambda one: one.hazard_area_ha,
    ),
    (
        "scarpwatch_probability_mean",
        "Mean of the mean probabilities of the tiles in the newest look, 0-1",
        lambda one: one.probability_mean,
    ),
    (
        "scarpwatch_probability_stability_index",
        "Population stability index of the tiles' mean probabilities in the newest look against the year before",
        lambda one: one.stability_index,
    ),
)


class _Standing(Collector):
    """Families made anew from one state at every scrape, so that what is no more is shown no more."""

    def __init__(self) -> None:
        self.standing: tuple[dict[str, RegionNow], datetime | None] = {}, None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As it was measured last."""
        regions, at = self.standing
        text = "When these numbers of the regions were last read from the database; 0: not yet"
        yield GaugeMetricFamily("scarpwatch_measured_timestamp_seconds", text, _seconds(at))
        yield from _of_sensors(regions)
        yield from _of_looks(regions)
        yield from _of_queues(regions)


def _of_sensors(regions: Mapping[str, RegionNow]) -> Iterator[GaugeMetricFamily]:
    for name, text, value in _PASSES:
        family = GaugeMetricFamily(name, text, None, ["region", "sensor"])
        for region, one in regions.items():
            for sensor, passes in one.passes.items():
                family.add_metric([region, sensor.value], value(passes))
        yield family
    name, text = "scarpwatch_next_pass_timestamp_seconds", "When the next pass is expected; 0: no cycle is known"
    coming = GaugeMetricFamily(name, text, None, ["region", "sensor"])
    for region, one in regions.items():
        for sensor in one.passes:
            coming.add_metric([region, sensor.value], _seconds(one.next_pass.get(sensor)))
    yield coming


def _of_looks(regions: Mapping[str, RegionNow]) -> Iterator[GaugeMetricFamily]:
    for name, text, value in _LOOKS:
        family = GaugeMetricFamily(name, text, None, ["region", "sensor"])
        for region, one in regions.items():
            for sensor, look in one.looks.items():
                if (number := value(look)) is not None:
                    family.add_metric([region, sensor.value], number)
        yield family


def _of_queues(regions: Mapping[str, RegionNow]) -> Iterator[GaugeMetricFamily]:
    entries = GaugeMetricFamily("scarpwatch_ledger_entries", "Rows of the ledger", None, ["region", "state"])
    alerts = GaugeMetricFamily("scarpwatch_alerts_open", "Open alerts", None, ["region", "state"])
    text = "Acquisitions that wait for a person, however old"
    parked = GaugeMetricFamily("scarpwatch_scenes_parked", text, None, ["region", "sensor", "reason"])
    text = "How long the acquisition that waits longest is due, history apart; 0: none is"
    due = GaugeMetricFamily("scarpwatch_queue_oldest_due_seconds", text, None, ["region"])
    for region, one in regions.items():
        due.add_metric([region], one.oldest_due_s)
        for state, count in one.ledger.items():
            entries.add_metric([region, state], count)
        for state, count in one.alerts.items():
            alerts.add_metric([region, state], count)
        for (sensor, reason), count in one.parked.items():
            parked.add_metric([region, sensor.value, reason], count)
    yield from (entries, alerts, parked, due)


def _seconds(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()
