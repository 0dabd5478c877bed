"""How the catalogs of each region did, and the newest reports of the watch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import delete, select, update

from monitor.adapters.store import ledger
from monitor.adapters.store.codec import clean, joined, names
from monitor.adapters.store.columns import Table
from monitor.adapters.store.database import Database, affected, insert_new
from monitor.adapters.store.upstream_schema import RegionPollRow, ReportRow, WatchedTileRow
from monitor.core.grid import tile_centre
from monitor.records import Fallback, FiledReport, LedgerEntry, ReportKind, Sensor, Tile


class SqlUpstream:
    """The part of `SqlStore` that knows what lies upstream. Every method is one transaction and may raise StoreBusy."""

    database: Database

    def last_answer(self, region: str) -> datetime | None:
        """When all catalogs of a region last answered a poll; None: never, as far as is known."""
        with self.database.read() as session:
            return session.scalar(select(RegionPollRow.answered).where(RegionPollRow.region == region))

    def note_answer(self, region: str, now: datetime) -> None:
        """Note that all catalogs of a region answered."""
        self._put(RegionPollRow, {"region": region}, {"answered": now})

    def fallback(self, region: str) -> Fallback | None:
        """The catalogs that stand in for those of a region; None: none do."""
        return self.fallbacks(region).get(region)

    def fallbacks(self, region: str | None = None) -> dict[str, Fallback]:
        """The catalogs that stand in for others, by region."""
        chosen = select(RegionPollRow).where(RegionPollRow.fallback != "")
        if region is not None:
            chosen = chosen.where(RegionPollRow.region == region)
        with self.database.read() as session:
            return {
                row.region: Fallback(catalogs=names(row.fallback), since=row.fallback_since, reason=row.fallback_reason)
                for row in session.scalars(chosen)
                if row.fallback_since is not None
            }

    def note_fallback(self, region: str, one: Fallback | None) -> None:
        """Note which catalogs stand in for those of a region; None: none do any more."""
        values: dict[str, object] = {"fallback": "", "fallback_since": None, "fallback_reason": ""}
        if one is not None:
            values = {
                "fallback": joined(one.catalogs),
                "fallback_since": one.since,
                "fallback_reason": clean(one.reason)[:2000],
            }
        self._put(RegionPollRow, {"region": region}, values)

    def put_report(self, kind: ReportKind, report: FiledReport) -> None:
        """Keep a report; the one before of its kind and subject is forgotten."""
        key = {"kind": kind.value, "subject": report.subject}
        self._put(ReportRow, key, {"at": report.at, "body": dict(report.body)})

    def reports(self, kind: ReportKind) -> dict[str, FiledReport]:
        """The newest report of a kind on every subject."""
        with self.database.read() as session:
            rows = session.scalars(select(ReportRow).where(ReportRow.kind == kind.value).order_by(ReportRow.subject))
            return {
                row.subject: FiledReport(subject=row.subject, at=row.at, body=cast("dict[str, object]", row.body))
                for row in rows
            }

    def note_tiles(self, region: str, tiles: Sequence[Tile]) -> None:
        """Note which tiles a region has, and where they lie; of other tiles that it had nothing is left."""
        row, wanted = WatchedTileRow, {tile.id: tile for tile in tiles}
        with self.database.read() as session:
            there = set(session.scalars(select(row.tile).where(row.region == region)))
        if there == wanted.keys():
            return
        places = {name: tile_centre(tile) for name, tile in wanted.items()}
        rows = [
            {"region": region, "tile": name, "longitude": longitude, "latitude": latitude}
            for name, (longitude, latitude) in places.items()
        ]
        with self.database.write() as session:
            session.execute(delete(row).where(row.region == region))
            insert_new(session, row, rows)

    def platforms(self, region: str) -> dict[Sensor, set[str]]:
        """The satellites that ever passed over a region, by sensor."""
        with self.database.read() as session:
            return ledger.platforms(session, region)

    def sensed(self, region: str, start: datetime, end: datetime) -> list[LedgerEntry]:
        """Acquisitions of a region sensed in [start, end), oldest first, without versions that were replaced."""
        with self.database.read() as session:
            return ledger.sensed(session, region, start, end)

    def oldest_waiting(self, regions: Sequence[str]) -> datetime | None:
        """Since when the acquisition waits that waits longest for its turn, history apart; None: none does."""
        with self.database.read() as session:
            return ledger.oldest_waiting(session, regions)

    def parked_entries(self, region: str | None = None) -> list[LedgerEntry]:
        """What waits for a person, newest acquisition first."""
        with self.database.read() as session:
            return ledger.parked(session, region)

    def _put(self, row: type[Table], key: Mapping[str, object], values: Mapping[str, object]) -> None:
        with self.database.write() as session:
            if not insert_new(session, row, [{**key, **values}]):
                own = [getattr(row, name) == value for name, value in key.items()]
                affected(session, update(row).where(*own).values(dict(values)))
