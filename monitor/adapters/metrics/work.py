"""What this process does with acquisitions, and how long the way takes."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from monitor.core.delays import Delay, Step
from monitor.records import Choice, NetworkAnswer, Sensor

STAGES = ("read", "features", "engine", "change", "context", "products", "store")
"""Of an acquisition (`monitor.looking.Stopwatch`), in their order."""
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_HOUR, _DAY = 3600, 86400
_DELAYS = (
    60,
    300,
    900,
    _HOUR,
    3 * _HOUR,
    6 * _HOUR,
    12 * _HOUR,
    _DAY,
    2 * _DAY,
    4 * _DAY,
    7 * _DAY,
    14 * _DAY,
    28 * _DAY,
)


class Work:
    """Counted in this process since it began; each thing once, where it is done."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._acquisitions = Counter(
            "scarpwatch_acquisitions",
            "Acquisitions by what became of them in this process",
            ("region", "state", "reason"),
            registry=registry,
        )
        self._tiles = Counter(
            "scarpwatch_tiles",
            "Tiles by what became of them, once per acquisition",
            ("region", "sensor", "decision"),
            registry=registry,
        )
        self._records = Counter(
            "scarpwatch_evidence_of_record_tiles",
            "Tiles by the sensor that counts on them, once per acquisition, and why",
            ("region", "record", "reason"),
            registry=registry,
        )
        self._answers = Counter(
            "scarpwatch_network_tiles",
            "Tiles looked at, by whether the network of the sensor spoke of them or why not, once per acquisition",
            ("region", "sensor", "answer"),
            registry=registry,
        )
        self._blocks = Counter(
            "scarpwatch_worker_blocks",
            "Blocks of tiles that workers looked at, by the engine that really ran there; again: more than once, as a "
            "worker was lost or failed",
            ("engine", "result"),
            registry=registry,
        )
        self._capped = Counter(
            "scarpwatch_leases_capped",
            "Leases shortened by this process because they were taken while a clock was ahead",
            ("region",),
            registry=registry,
        )
        self._pass = Histogram(
            "scarpwatch_pass_seconds", "Wall time of a pass over the queue", buckets=_SECONDS, registry=registry
        )
        self._stage = Histogram(
            "scarpwatch_stage_seconds",
            "Time of one acquisition by stage; reading and writing run beside the network",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._delay = Histogram(
            "scarpwatch_delay_seconds",
            "How long a step of the way from the satellite to the receiver took, history apart",
            ("step",),
            buckets=_DELAYS,
            registry=registry,
        )
        for stage in STAGES:
            self._stage.labels(stage)
        for step in Step:
            self._delay.labels(step.value)

    def begin(self, region: str, sensors: Iterable[Sensor], decisions: Iterable[str]) -> None:
        """A region is watched: what can be counted of it is 0 from the start."""
        self._capped.labels(region)
        for sensor in sensors:
            for decision in decisions:
                self._tiles.labels(region, sensor.value, decision)

    def acquisition(self, region: str, state: str, reason: str, stages: Mapping[str, float]) -> None:
        """One acquisition came to an end (done, parked) or goes back to the queue (retry). Stages in seconds."""
        self._acquisitions.labels(region, state, reason).inc()
        for stage, seconds in stages.items():
            self._stage.labels(stage).observe(seconds)

    def tiles(self, region: str, sensor: Sensor, decisions: Mapping[str, int]) -> None:
        """What became of the tiles of an acquisition."""
        for decision, tiles in decisions.items():
            self._tiles.labels(region, sensor.value, decision).inc(tiles)

    def choices(self, region: str, choices: Iterable[Choice]) -> None:
        """Which sensor counts on which tile at the time of an acquisition."""
        for one in choices:
            record = one.record.value if one.record else "none"
            self._records.labels(region, record, one.reason.value).inc()

    def answers(self, region: str, sensor: Sensor, answers: Mapping[NetworkAnswer, int]) -> None:
        """On how many tiles of an acquisition the network spoke, or did not and why."""
        for answer, tiles in answers.items():
            self._answers.labels(region, sensor.value, answer.value).inc(tiles)

    def worker_blocks(self, blocks: Mapping[tuple[str, str], int]) -> None:
        """Blocks of an acquisition that workers looked at, by engine and result."""
        for kind, count in blocks.items():
            self._blocks.labels(*kind).inc(count)

    def lease_capped(self, region: str) -> None:
        """A lease ended later than any can."""
        self._capped.labels(region).inc()

    def passed(self, seconds: float) -> None:
        """A pass over the queue ended."""
        self._pass.observe(seconds)

    def delays(self, delays: Iterable[Delay]) -> None:
        """How long steps took that have just ended."""
        for step, seconds in delays:
            self._delay.labels(step.value).observe(seconds)
