"""What people read on a terminal. Every function returns text or a table; printing is the command's."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from rich.table import Table

from monitor.adapters.store import LedgerCount, Rejection
from monitor.config import Mistake
from monitor.core.grid import region_tiles
from monitor.overview import Coverage
from monitor.records import AcquisitionState, AlertStatus, Event, LedgerEntry, ModelCard, Region

_SHOWN_TILES = 6
_NUMBERS = frozenset({"", "ha", "Number", "Tiles"})


def alert_table(worst_first: Sequence[Event]) -> Table:
    """Alerts by rank: where, how large, when, how sure."""
    table = _table("", "ha", "State", "Failed between", "Latitude, longitude", "Change", "Confidence", "Region")
    for rank, event in enumerate(worst_first, start=1):
        centre = event.geometry.representative_point()
        status = "" if event.status is AlertStatus.ACTUAL else f", {event.status.value}"
        table.add_row(
            str(rank),
            f"{event.area_ha:.2f}",
            event.state.value + status,
            f"{event.window_start:%Y-%m-%d} – {event.window_end:%Y-%m-%d}",
            f"{centre.y:.5f}, {centre.x:.5f}",
            f"{event.mean_change:.2f} {event.detector.value}",
            event.confidence,
            event.region,
        )
    return table


def alert_lines(worst_first: Sequence[Event], products: Path) -> list[str]:
    """What does not fit into a table: id, why so sure, and the picture's path, whole so that it can be copied."""
    lines = []
    for rank, event in enumerate(worst_first, start=1):
        lines.append(f"{rank:>3}  {event.id}: confidence {event.confidence}: {event.confidence_reason}")
        lines.append(f"     {products / event.picture if event.picture else 'no picture'}")
    return lines


def coverage_line(coverage: Coverage, now: datetime) -> str:
    """One line per region: what was seen, and what was not."""
    if coverage.last_look is None:
        return f"{coverage.region}: nothing observed yet. The absence of alerts means nothing."
    once, unseen = coverage.seen - coverage.compared, 1 - coverage.seen
    line = (
        f"{coverage.region}: in the last {(now - coverage.since).days} days {coverage.compared:.0%} of "
        f"{coverage.area_km2:.0f} km² observed and compared with an earlier look, {1 - coverage.compared:.0%} not "
        f"observed ({once:.0%} without an earlier look, {unseen:.0%} not seen); "
        f"last look {age(now - coverage.last_look)} ago"
    )
    if coverage.learning:
        line += "; learning: no earlier look to compare with yet"
    if coverage.never_observed:
        names = [tile.id for tile in coverage.never_observed[:_SHOWN_TILES]]
        more = len(coverage.never_observed) - len(names)
        line += f"; tiles not seen at all: {', '.join(names)}" + (f" and {more} more" if more else "")
    if coverage.no_elevation:
        line += f"; {len(coverage.no_elevation)} of them for lack of elevation: add a catalog that has it"
    if coverage.broken_looks:
        line += f"; {coverage.broken_looks} kept looks could not be read"
    return line


def ledger_table(counts: Iterable[LedgerCount]) -> Table:
    """Acquisitions by region, state and reason."""
    table = _table("Region", "Acquisitions", "Reason", "Number")
    for count in sorted(counts, key=lambda one: (one.region, one.state.value, one.reason or "")):
        table.add_row(count.region, count.state.value, count.reason or "", str(count.count))
    return table


def parked_table(entries: Iterable[LedgerEntry]) -> Table:
    """What waits for a person: why, and what to do."""
    table = _table("Region", "Parked acquisition", "Reason", "What happened, what to do")
    for entry in entries:
        if entry.state is AcquisitionState.PARKED:
            acquisition = entry.acquisition
            then = f"Then: scarpwatch release {acquisition.region} {acquisition.id}"
            table.add_row(acquisition.region, acquisition.id, entry.reason or "", f"{entry.detail or ''}\n{then}")
    return table


def region_table(regions: Iterable[Region]) -> Table:
    """The watched regions."""
    table = _table("Region", "West, south, east, north", "Tiles", "Catalogs", "Look-back", "Sensors")
    for region in regions:
        bounds = ", ".join(f"{number:.4f}" for number in region.geometry.bounds)
        tiles = str(len(region_tiles(region.geometry)))
        days = f"{region.lookback_days} days"
        table.add_row(region.id, bounds, tiles, ", ".join(region.catalogs), days, region.sensor_policy.value)
    return table


def model_table(cards: Iterable[ModelCard], chosen: str) -> Table:
    """The models at hand; the configured one is marked."""
    table = _table("Model", "Version", "Task", "Sensor, bands", "Window", "Threshold", "Trained on")
    for card in cards:
        table.add_row(
            f"{card.name} (in use)" if card.name == chosen else card.name,
            card.version,
            card.task,
            f"{card.sensor.value}: {', '.join(card.bands)}",
            f"{card.window_px} px at {card.resolution_m:g} m",
            f"{card.threshold:.2f}",
            "simulated pixels: opens test alerts only" if card.simulated else "real pixels",
        )
    return table


def mistake_lines(mistakes: Sequence[Mistake], path: Path) -> list[str]:
    """One mistake for each pair of lines: where and what, then the remedy."""
    lines = []
    for mistake in mistakes:
        where = f"{path}:{mistake.line}" if mistake.line else str(path)
        lines += [f"{where}: {mistake.place}: {mistake.message}", f"    {mistake.remedy}"]
    return lines


def age(span: timedelta) -> str:
    """A duration as people say it."""
    hours = span.total_seconds() / 3600
    if hours < 1:
        return f"{max(0, round(hours * 60))} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in _NUMBERS else "left")
    return table


def refused_lines(refused: Sequence[Rejection], most: int = 10) -> list[str]:
    """Items that catalogs list and polls refuse, newest first, each with its reason."""
    lines = [f"Refused items ({len(refused)}); nothing is lost, they are looked at again in every poll:"]
    lines += [f"  {one.region}: {one.item}: {one.reason}, {one.detail}" for one in refused[:most]]
    if len(refused) > most:
        lines.append(f"  and {len(refused) - most} more: scarpwatch status --json")
    return lines
