"""Three daemons and a Dask cluster on one PostgreSQL, killed at random while two simulated years go by.

Afterwards the database must be that of one daemon that nobody disturbed, and every message must have arrived.
"""

import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks import machine, soak
from benchmarks.play import REGIONS, Play, Wanted, drain, make_model, make_valley
from benchmarks.receiving import Arrivals, count_arrivals, receiver
from benchmarks.same import Compared, compare, content, product_files, told
from benchmarks.troupe import CONTEXT, HOSTS, RESOURCE, Killer, Kind, Troupe, make_troupe
from monitor import daemon, wiring
from monitor.adapters.store import SqlStore
from monitor.adapters.store.schema import AcquisitionRow
from monitor.executors import bench, cluster
from monitor.records import AcquisitionState, DeliveryState
from tests.postgres import running_server

_IMPORTED = (bench, cluster, daemon, wiring)
"""What processes need is imported once, before any is started: they shall die in their work."""
EVERY_S = {Kind.DAEMON: 10.0, Kind.WORKER: 10.0, Kind.SCHEDULER: 60.0}
"""Mean time between two kills."""
UNDISTURBED, CONTENT = "undisturbed", "content.json"
_LEASE_MINUTES = 0.3
_ALL = 1_000_000
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be done."""

    folder: Path
    """Of the valley and of the undisturbed run, which are kept, and of the other, which must not be there."""
    years: float
    minutes: float
    """How long it is killed: the scenes are listed evenly over this time."""
    seed: int
    """Of whom is killed when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it."""

    seed: int
    scenes: int
    acquisitions: int
    events: int
    messages: int
    minutes: float
    drained_s: float
    """From the last kill until nothing waited any more."""
    kills: dict[str, int]
    ended: dict[str, int]
    """Processes that ended by themselves: kind and exit code."""
    clean_ends: bool
    """Whether every daemon ended with 0 on SIGTERM."""
    killed_at_work: int
    """Daemons that held an acquisition when they were killed."""
    taken_over: int
    """Claims of an acquisition that a process had left unfinished."""
    waits: dict[str, int]
    """Acquisitions given back, by reason."""
    lost: int
    """Tries that ended after another process had taken over; nothing of them was written."""
    late: int
    """Acquisitions that were done after a younger one of their kind."""
    blocks: int
    again: int
    """Blocks of tiles that came back, and those of them that were begun more than once."""
    parked: dict[str, int]
    arrivals: Arrivals
    undelivered: int
    same: bool
    exact: bool
    largest: float
    rows: int
    differences: tuple[str, ...]
    products: int
    product_differences: tuple[str, ...]
    started: str
    machine: str

    @property
    def passed(self) -> bool:
        """The same as undisturbed, and every message there."""
        whole = not (self.parked or self.undelivered or self.arrivals.missing or self.arrivals.after_noted)
        return self.same and not self.product_differences and whole and self.clean_ends


def run(task: Task, progress: Callable[[str], None]) -> Result:
    """Once in chaos, once undisturbed beside it (unless that was done before), and compare.

    Raises:
        RuntimeError: PostgreSQL is not there, or a run stood still.
    """
    CONTEXT.set_forkserver_preload(["benchmarks.chaos"])
    valley, model = make_valley(task.folder, years=task.years), make_model(task.folder)
    alone = task.folder / UNDISTURBED
    play = Play(task.folder / "chaos", valley)
    log = play.folder / "arrivals.jsonl"
    with running_server(max_connections="200") as server, ThreadPoolExecutor(1, UNDISTURBED) as beside:
        url, quiet = server.create_database(), None
        with closing(SqlStore(url)) as store, receiver(log, any_time=True) as loud:
            store.upgrade()  # before the other: Alembic knows one upgrade at a time
            if not (alone / CONTENT).is_file():
                quiet = beside.submit(_undisturbed, Play(alone, valley), server.create_database(), model, progress)
            told_of = _Chaos(task, play, store, progress)
            told_of.go(Wanted(database=url, receiver=loud, model=model, lookback_days=_lookback(play)))
            ours = content(store, play.folder)
            (play.folder / CONTENT).write_text(json.dumps(ours), encoding="utf-8")
            if quiet is not None:
                quiet.result()
            compared = compare(ours, json.loads((alone / CONTENT).read_text(encoding="utf-8")))
            progress(told(compared))
            return told_of.result(compared, alone / "products", log)


def _undisturbed(play: Play, database: str, model: Path, progress: Callable[[str], None]) -> None:
    """One daemon that nobody kills, with the local executor; what its database holds is left in its folder."""

    def tell(line: str) -> None:
        progress(f"{UNDISTURBED}: {line}")

    with receiver(play.folder / "arrivals.jsonl", any_time=True) as quiet:
        wanted = Wanted(database=database, receiver=quiet, model=model, lookback_days=soak.LOOKBACK_DAYS)
        soak.play_through(play, wanted, tell)
    with closing(SqlStore(database)) as store:
        rows = content(store, play.folder)
    (play.folder / CONTENT).write_text(json.dumps(rows), encoding="utf-8")


def _lookback(play: Play) -> int:
    """The clock of the daemons stands at the end: all that is listed is of interest."""
    return (play.scenes[-1].sensed - play.scenes[0].sensed).days + 30


class _Chaos:
    """The run that is disturbed."""

    def __init__(self, task: Task, play: Play, store: SqlStore, progress: Callable[[str], None]) -> None:
        self._task, self._play, self._store, self._progress = task, play, store, progress
        self._chance = random.Random(task.seed)
        self._at_work = 0
        self._drained_s = 0.0
        self._codes: list[int] = []
        self._ahead_s = 0.0
        self._started = datetime.now().astimezone().isoformat(timespec="minutes")
        self._machine = machine.describe()

    def go(self, wanted: Wanted) -> None:
        """Disturb, then let it come to rest."""
        play, port = self._play, _free_port()
        # Their clock goes at its own pace, past the last scene: leases, rests and retries last as long as in life.
        play.set_clock(play.scenes[-1].sensed + timedelta(days=1))
        self._ahead_s = float(play.clock.read_text())
        configs = [play.configure(_in_chaos(wanted, port), f"config-{n}.yaml") for n in range(len(HOSTS))]
        self._troupe = make_troupe(play.folder, configs, play.clock, port, self._chance)
        try:
            self._disturb(self._troupe)
            began = time.monotonic()
            self._progress("nobody is killed any more")
            drain(play, self._store, self._troupe.tend)
            self._drained_s = time.monotonic() - began
            self._codes = self._troupe.end()
        finally:
            self._troupe.close()

    def _disturb(self, troupe: Troupe) -> None:
        scenes, seconds = self._play.scenes, 60.0 * self._task.minutes
        killer = Killer(every_s=EVERY_S, chance=self._chance)
        began, shown, next_told = time.monotonic(), 0, 0.0
        while (gone := time.monotonic() - began) < seconds or shown < len(scenes):
            if shown < len(scenes) and gone >= shown * seconds / len(scenes):
                self._play.show(scenes[shown], follow=False)
                shown += 1
            for kind in killer.due(gone):
                troupe.kill(kind, self._note_work if kind is Kind.DAEMON else lambda _pid: None)
            troupe.tend()
            if gone >= next_told:
                next_told += 30.0
                waiting = self._store.waiting(REGIONS)
                kills = {kind.value: count for kind, count in troupe.kills.items()}
                self._progress(f"{gone:.0f} s: {shown} of {len(scenes)} scenes, {waiting} wait; killed {kills}")
            time.sleep(_LOOK_S)

    def _note_work(self, pid: int) -> None:
        held = AcquisitionRow.state == AcquisitionState.CLAIMED.value, AcquisitionRow.lease_owner.contains(f":{pid}:")
        with self._store.database.read() as session:
            self._at_work += bool(session.scalar(select(func.count()).where(*held)))

    def result(self, compared: Compared, products: Path, arrivals: Path) -> Result:
        """Everything that was noted."""
        store, troupe = self._store, self._troupe
        lines = list(_log_lines(self._play.folder / "logs"))
        waits = Counter(str(line.get("reason", "")) for line in lines if line["action"] == "retry")
        blocks = Counter[str]()
        for line in lines:
            for kind, count in line.get("blocks", {}).items():
                blocks[kind.split()[-1]] += count
        delivered = store.deliveries(state=DeliveryState.DELIVERED, limit=_ALL)
        ledger = store.ledger(limit=_ALL)
        ours, theirs = product_files(self._play.folder / "products"), product_files(products)
        return Result(
            seed=self._task.seed,
            scenes=len(self._play.scenes),
            acquisitions=len(ledger),
            events=len(store.events()),
            messages=len(store.outbox(_ALL)),
            minutes=self._task.minutes,
            drained_s=self._drained_s,
            kills={kind.value: troupe.kills[kind] for kind in Kind},
            ended={f"{kind.value} {code}": count for (kind, code), count in troupe.ends.items()},
            clean_ends=self._codes == [0] * len(HOSTS),
            killed_at_work=self._at_work,
            taken_over=sum(line["action"] == "claimed" and not _first_try(line) for line in lines),
            waits=dict(waits),
            lost=sum(line["action"] == "lost" for line in lines),
            late=sum((entry.detail or "").startswith("late:") or entry.reason == "late" for entry in ledger),
            blocks=sum(blocks.values()),
            again=blocks["again"],
            parked={str(one.reason): one.count for one in store.counts() if one.state is AcquisitionState.PARKED},
            arrivals=count_arrivals(arrivals, delivered, self._ahead_s),
            undelivered=len(store.outbox(_ALL)) - len(delivered),
            same=compared.same,
            exact=compared.exact,
            largest=compared.largest,
            rows=sum(compared.rows.values()),
            differences=tuple(map(str, compared.differences[:200])),
            products=len(ours),
            product_differences=tuple(
                sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
            ),
            started=self._started,
            machine=self._machine,
        )


def _in_chaos(wanted: Wanted, port: int) -> Wanted:
    address = f"tcp://127.0.0.1:{port}"
    changes = {
        "executor": "dask",
        "dask": {"address": address, "resources": {RESOURCE: 1}, "engine": "cpu", "wait_minutes": 0.5},
        "block_tiles": 1,
        "lease_minutes": _LEASE_MINUTES,
    }
    return Wanted(
        database=wanted.database,
        receiver=wanted.receiver,
        model=wanted.model,
        lookback_days=wanted.lookback_days,
        changes=changes,
    )


def _log_lines(logs: Path) -> Iterator[dict[str, Any]]:
    """What the daemons said; a line that a kill cut off is none."""
    for path in sorted(logs.glob("daemon-*")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict) and "action" in said:
                yield said


def _first_try(line: dict[str, Any]) -> bool:
    return str(line["event"]).endswith("try 1")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def save(result: Result, path: Path) -> None:
    """Write it as JSON."""
    path.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
