"""The database behind the port `Store`, and what people read from it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.adapters.store import (
    choices,
    declarations,
    discovery,
    events,
    history,
    later,
    ledger,
    migration,
    revising,
    verdicts,
)
from monitor.adapters.store.alike import unknown_event
from monitor.adapters.store.codec import clean
from monitor.adapters.store.database import LOCK_WAIT, Database, PostgresLimits
from monitor.adapters.store.delivery_store import SqlDeliveries
from monitor.adapters.store.history_store import SqlHistory
from monitor.adapters.store.measures import SqlMeasures
from monitor.adapters.store.turns import PollTurn
from monitor.adapters.store.upstream import SqlUpstream
from monitor.adapters.store.views import (
    ChoiceCount,
    Chosen,
    LedgerCount,
    OutboxEntry,
    Rejection,
    RolledBack,
)
from monitor.adapters.store.vitals import SqlVitals
from monitor.core.declared import entered
from monitor.core.events import weighed_anew
from monitor.core.lifecycle import OPEN_STATES, LifecycleSettings
from monitor.core.next_pass import Passed
from monitor.core.people import act
from monitor.core.precision import Judged
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    AcquisitionState,
    Action,
    Choice,
    Declaration,
    Event,
    LedgerEntry,
    Observation,
    Region,
    Rejected,
    Sensor,
    Tile,
)


class SqlStore(SqlHistory, SqlDeliveries, SqlVitals, SqlMeasures, SqlUpstream):
    """SQLite or PostgreSQL. Every method is one transaction and may raise StoreBusy; safe to share between threads.

    Give each process its own: connections do not survive a fork.
    """

    def __init__(
        self,
        engine_url: str,
        lock_wait: timedelta = LOCK_WAIT,
        lifecycle: LifecycleSettings | None = None,
        limits: PostgresLimits | None = None,
    ) -> None:
        """
        Args:
            engine_url: `sqlite:///path` or `postgresql://user:password@host/name`.
            lock_wait: how long a transaction waits while another process writes.
            lifecycle: by which events are replayed with what people did.
            limits: on PostgreSQL.

        Raises:
            ConfigError: the URL is not one of these, or the driver is missing. Nothing is opened yet.
        """
        self.database = Database(engine_url, lock_wait, limits)
        self._lifecycle = lifecycle or LifecycleSettings()

    def upgrade(self) -> str | None:
        """Create the database if need be and bring its tables to the newest version. Returns that which they had."""
        return migration.upgrade(self.database)

    def check(self) -> None:
        """Raise ConfigError, naming the remedy, unless the tables have the version this Scarpwatch needs."""
        migration.check(self.database)

    def poll_turn(self, regions: Iterable[str]) -> PollTurn:
        """Which of the instances that watch these regions asks the catalogs."""
        return PollTurn(self.database, regions)

    def close(self) -> None:
        """Close all connections; the store can still be used and opens new ones."""
        self.database.close()

    # The pipeline's side: the port `Store`.

    def discover(
        self,
        region: str,
        acquisitions: Sequence[Acquisition],
        rejected: Sequence[Rejected],
        now: datetime,
        complete: bool = True,
        history_before: datetime | None = None,
    ) -> int:
        """Upsert what a poll saw; newer versions supersede. Returns the number of new ledger rows.

        `complete` is False when a catalog did not answer: then no version takes the place of one that shows more.
        New ones sensed before `history_before` are history.
        """
        with self.database.write() as session:
            discovery.reject(session, region, rejected, now)
            return discovery.discover(session, region, acquisitions, now, complete, history_before)

    def searched_since(self, region: str) -> datetime | None:
        """From when on the catalogs of a region were searched beyond a look-back; None: never."""
        with self.database.read() as session:
            return ledger.searched_since(session, region)

    def note_searched(self, region: str, since: datetime) -> None:
        """Note that the catalogs of a region were searched from then on."""
        with self.database.write() as session:
            ledger.note_searched(session, region, since)

    def claim(self, owner: str, lease: timedelta, now: datetime, regions: Sequence[str]) -> LedgerEntry | None:
        """Claim the oldest due acquisition, or None; one at a time and in order of time within a region."""
        with self.database.write() as session:
            return ledger.claim(session, owner, lease, now, regions)

    def cap_leases(self, lease: timedelta, now: datetime, regions: Sequence[str]) -> list[LedgerEntry]:
        """Let leases that end later than any can end after `lease`; the acquisitions as they were held."""
        with self.database.write() as session:
            return ledger.cap_leases(session, lease, now, regions)

    def take_back(self, owner: str, now: datetime, regions: Sequence[str]) -> list[LedgerEntry]:
        """Put back into the queue what `owner` holds of regions and does not work on; the acquisitions as held."""
        with self.database.read() as session:
            if not ledger.holds(session, owner, regions):
                return []  # as nearly always: asked every few seconds, nobody else waits for it
        with self.database.write() as session:
            return ledger.take_back(session, owner, now, regions)

    def following(self, owner: str, now: datetime, regions: Sequence[str]) -> LedgerEntry | None:
        """What `owner` would claim now if it were done with what it holds, or None; nothing is claimed."""
        with self.database.read() as session:
            return ledger.following(session, owner, now, regions)

    def extend(self, acquisition: Acquisition, owner: str, lease: timedelta, now: datetime) -> bool:
        """Prolong a lease to `now + lease`; False when it was lost."""
        with self.database.write() as session:
            return ledger.extend(session, acquisition, owner, now + lease, now)

    def complete(self, acquisition: Acquisition, owner: str, result: AcquisitionResult, now: datetime) -> bool:
        """Write the result and mark the acquisition done; False (and nothing written) when the lease was lost."""
        ending: dict[str, object] = {"reason": result.reason, "detail": clean(result.detail), "updated": now}
        with self.database.write() as session:
            if not ledger.give_up(session, acquisition, owner, AcquisitionState.DONE, ending):
                return False
            history.append(session, result.observations, now)
            events.write(session, result.events, now, self._lifecycle)
            events.freeze(session, result.references)
            choices.append(session, acquisition.region, result.choices)
            return True

    def retry(
        self,
        acquisition: Acquisition,
        owner: str,
        reason: str,
        detail: str,
        not_before: datetime,
        now: datetime,
        counted: bool = True,
    ) -> bool:
        """Give the acquisition back for a later try; False when the lease was lost.

        `counted` False takes the try back that the claim counted.
        """
        ending: dict[str, object] = {
            "reason": reason,
            "detail": clean(detail),
            "not_before": not_before,
            "updated": now,
        }
        if not counted:
            ending |= ledger.ONE_TRY_LESS
        with self.database.write() as session:
            return ledger.give_up(session, acquisition, owner, AcquisitionState.DISCOVERED, ending)

    def park(self, acquisition: Acquisition, owner: str, reason: str, detail: str, now: datetime) -> bool:
        """Set the acquisition aside until a person acts; False when the lease was lost."""
        ending: dict[str, object] = {"reason": reason, "detail": clean(detail), "updated": now}
        with self.database.write() as session:
            return ledger.give_up(session, acquisition, owner, AcquisitionState.PARKED, ending)

    def choices_before(self, region: str, sensor: Sensor, before: datetime, since: datetime) -> dict[Tile, Choice]:
        """The newest choice of every tile at an acquisition of `sensor`, sensed in [since, before)."""
        with self.database.read() as session:
            return choices.before(session, region, sensor, before, since)

    def events(
        self, region: str | None = None, open_only: bool = False, ended_since: datetime | None = None
    ) -> list[Event]:
        """Events with their evidence and transitions, strongest first; open ones include candidates.

        `ended_since` adds to the open ones those with a transition at or after it.
        """
        with self.database.read() as session:
            return events.read(session, region, open_only, ended_since=ended_since)

    def reference(self, event_id: str, comparable: str) -> dict[Tile, list[str]]:
        """Look hrefs of an event's frozen reference in one comparability class, per tile."""
        with self.database.read() as session:
            return events.reference(session, event_id, comparable)

    def waiting(self, regions: Sequence[str]) -> int:
        """Acquisitions of these regions that are neither done nor parked nor superseded."""
        with self.database.read() as session:
            return ledger.waiting(session, regions)

    def passes(self, region: str, since: datetime, until: datetime) -> list[Passed]:
        """Every pass over a region, sensed in [since, until], that a catalog listed, in order of time."""
        with self.database.read() as session:
            return ledger.passes(session, region, since, until)

    def is_history(self, acquisition: Acquisition) -> bool:
        """True when it was too old for alerts as it arrived, or people have it done again and newer ones are done."""
        with self.database.read() as session:
            return later.is_history(session, acquisition)

    def is_late(self, acquisition: Acquisition) -> bool:
        """True when a newer acquisition of its region and sensor (of radar: and track) is done."""
        with self.database.read() as session:
            return later.is_late(session, acquisition)

    def looks_after(
        self, region: str, tiles: Collection[Tile], after: datetime
    ) -> list[tuple[Acquisition, list[Observation]]]:
        """Acquisitions of a region that are done and no history, sensed later, oldest first, with looks at tiles."""
        with self.database.read() as session:
            return later.looks_after(session, region, tiles, after)

    # People's side.

    def ledger(self, region: str | None = None, limit: int = 1000) -> list[LedgerEntry]:
        """Ledger rows, newest acquisition first."""
        with self.database.read() as session:
            return ledger.entries(session, region, limit)

    def counts(self) -> list[LedgerCount]:
        """Acquisitions per region, state and reason."""
        with self.database.read() as session:
            return ledger.counts(session)

    def states(self, region: str, start: datetime, end: datetime) -> dict[AcquisitionState, int]:
        """How many acquisitions of a region, sensed in [start, end), are in which state."""
        with self.database.read() as session:
            return ledger.states(session, region, start, end)

    def known(self, region: str, start: datetime, end: datetime) -> set[tuple[str, str]]:
        """Key and version of a region's acquisitions sensed in [start, end)."""
        with self.database.read() as session:
            return discovery.known(session, region, start, end)

    def history_left(self, region: str) -> tuple[int, int]:
        """How many acquisitions of a region's history are done, and how many are to be."""
        with self.database.read() as session:
            return ledger.history_left(session, region)

    def pace(self, region: str) -> float | None:
        """Seconds from one acquisition of a region to the next while there were some to be done; None: not known."""
        with self.database.read() as session:
            return ledger.pace(session, region)

    def choices(self, since: datetime) -> list[ChoiceCount]:
        """How often which sensor was the evidence of record, and why, in acquisitions sensed at or after `since`."""
        with self.database.read() as session:
            return choices.counts(session, since)

    def rejections(self, region: str | None = None) -> list[Rejection]:
        """What polls refused, last seen first."""
        with self.database.read() as session:
            return ledger.rejections(session, region)

    def release(self, region: str, acquisition_id: str, now: datetime) -> bool:
        """Put a parked acquisition back into the queue with fresh attempts; False when there is no such one."""
        with self.database.write() as session:
            return ledger.release(session, region, acquisition_id, now)

    def roll_back(
        self, chosen: Chosen, action: Action, now: datetime, again_from: datetime | None = None, dry_run: bool = False
    ) -> RolledBack:
        """Take back what acquisitions said: their looks feed no reference, their evidence counts no more.

        Args:
            action: who does it, when and why.
            again_from: queue them again, those sensed before as history; None: set them aside.
            dry_run: say what would be done, and do nothing.
        """
        with self.database.write() as session:
            done = revising.roll_back(session, chosen, action, now, again_from, self._lifecycle)
            if dry_run:
                session.rollback()
            return done

    def reprocess(
        self, chosen: Chosen, now: datetime, history_before: datetime, dry_run: bool = False
    ) -> tuple[str, ...]:
        """Queue acquisitions that are done anew, those sensed before `history_before` as history; their ids.

        What they showed counts until they are done again. `dry_run` only tells which they are.
        """
        with self.database.write() as session:
            done = revising.reprocess(session, chosen, now, history_before)
            if dry_run:
                session.rollback()
            return done

    def judged_again(self, chosen: Chosen, history_before: datetime) -> int:
        """How many of the acquisitions that `reprocess` would queue are compared with anything, and are no history."""
        with self.database.read() as session:
            return revising.judged_again(session, chosen, history_before)

    def event(self, event_id: str) -> Event | None:
        """One event with its evidence and transitions, or None."""
        with self.database.read() as session:
            return next(iter(events.read(session, None, open_only=False, event_id=event_id)), None)

    def known_event(self, event_id: str) -> Event:
        """As `event`.

        Raises:
            Refused: there is none of this name; says which look alike.
        """
        with self.database.read() as session:
            found = next(iter(events.read(session, None, open_only=False, event_id=event_id)), None)
            if found is None:
                raise unknown_event(session, event_id)
            return found

    def act(self, event_id: str, action: Action, now: datetime, seen: int | None = None) -> Event:
        """Note what a person did with an event, and what follows from it; the event as it is then.

        Args:
            seen: the number of the newest transition that the person knew; None: whatever there is.

        Raises:
            Refused: there is no such event, it does not take this action now, or it has changed since (`seen`).
        """
        with self.database.write() as session:
            known = next(iter(events.read(session, None, open_only=False, event_id=event_id)), None)
            if known is None:
                raise unknown_event(session, event_id)
            acted = act(known, action, self._lifecycle, seen)
            events.put(session, acted, now)
            return acted

    def declare(self, wanted: Declaration, region: Region, now: datetime) -> Declaration:
        """Enter what a person declares; as it is kept, with its number and the storm that it names.

        What looks opened since the event is weighed anew by the eased thresholds, and told like any opening.

        Raises:
            Refused: it cannot be so (`core.declared.entered`), or somebody was faster.
        """
        with self.database.write() as session:
            known = declarations.read(session, region.id)
            since = events.read(session, region.id, open_only=True, ended_since=wanted.at)
            there = [event for event in since if event.state in OPEN_STATES]
            one = entered(wanted, region, known, there, now)
            one = replace(one, id=declarations.add(session, one))
            for event in since:
                anew = weighed_anew(event, [*known, one], self._lifecycle)
                if anew != event:
                    events.put(session, anew, now)
            return one

    def weighed_anew(self, declaration: Declaration) -> tuple[str, ...]:
        """Ids of the alerts that were candidates until it was declared."""
        with self.database.read() as session:
            return events.weighed_anew_by(session, declaration.storm)

    def end_declaration(self, number: int, by: str, now: datetime) -> bool:
        """End a declaration early; False when none of this number holds."""
        with self.database.write() as session:
            return declarations.end(session, number, by, now)

    def declarations(self, region: str | None = None) -> list[Declaration]:
        """What people have declared, also what is over, in the order in which it was entered."""
        with self.database.read() as session:
            return declarations.read(session, region)

    def judged(self, since: datetime) -> list[Judged]:
        """Every real alert that a look showed first at or after a time, with the last word of people on it."""
        with self.database.read() as session:
            return verdicts.judged(session, since)

    def outbox(self, limit: int = 1000) -> list[OutboxEntry]:
        """What people should hear, oldest first."""
        with self.database.read() as session:
            return events.outbox(session, limit)
