"""An exercise in plain words and tables."""

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from monitor.drill.report import ChannelReport, DrillReport, DrillRequest, Found
from monitor.records import Sensor

UNTOUCHED = "This was an exercise. The real history was not touched."
_NAMES = {Sensor.OPTICAL: "optical", Sensor.SAR: "radar"}


def drill_lines(report: DrillReport, request: DrillRequest, keep: Path | None) -> tuple[str, list[str]]:
    """What stands above the tables, and what below them."""
    head = (
        f"Exercise in {report.region}: {len(report.scars)} scar(s) painted into the newest {_NAMES[report.sensor]} "
        f"acquisition,\n{report.acquisition_id} of {report.sensing_time:%Y-%m-%d %H:%M} UTC (--seed {request.seed})"
    )
    return head, [*_results(report), *_channels(report), *_kept(keep), UNTOUCHED]


def _results(report: DrillReport) -> Iterator[str]:
    counts = [f"{report.count(found)} {found.value}" for found in Found if report.count(found)]
    yield f"{', '.join(counts)}." if counts else "Nothing was painted."
    if len(report.scars) < report.asked:
        yield f"{report.asked} scars were asked for; there was room for {len(report.scars)}."
    if report.count(Found.CANDIDATE):
        yield "A candidate is no alert yet: it waits for a second look, and nobody is told."


def _channels(report: DrillReport) -> Iterator[str]:
    if not report.delivering:
        yield "No channel was told; --deliver tells those that take exercises (`statuses: [exercise]`)."
    elif not report.channels:
        yield "No channel takes exercises: list `exercise` under its `statuses`."
    else:
        yield from map(_channel, report.channels)


def _channel(one: ChannelReport) -> str:
    reached = f"{one.told} of {one.meant} messages acknowledged"
    if not one.meant:
        reached = "nothing to tell"
    return f"Channel {one.channel}: {reached}" + (f": {one.detail}" if one.detail and not one.reached else "")


def _kept(keep: Path | None) -> Iterator[str]:
    if keep is not None:
        yield f"Its database, products and pictures: {keep.absolute()}"


def scar_table(report: DrillReport) -> Table:
    """One row for every scar: where it is, what became of it, and how or why not."""
    table = _table()
    for name, right in (("Scar", True), ("ha", True), ("Slope", True), ("Latitude, longitude", False)):
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("How, or why not", overflow="fold")
    for scar in report.scars:
        words = f"{scar.event_id}: {scar.detail}" if scar.event_id else scar.detail
        place = f"{scar.latitude:.5f}, {scar.longitude:.5f}"
        row = (str(scar.number), f"{scar.area_ha:.2f}", f"{scar.slope_deg:.0f}°", place, scar.found.value, words)
        table.add_row(*row)
    return table


def stage_table(report: DrillReport) -> Table:
    """Minutes by stage; what runs side by side counts in full, so they may add up to more than all took."""
    table = _table()
    table.add_column("Stage", no_wrap=True)
    for stage in (*report.seconds, "all"):
        table.add_column(stage, justify="right", no_wrap=True)
    table.add_row("minutes", *(f"{value / 60:.2f}" for value in (*report.seconds.values(), report.elapsed_s)))
    return table


def _table() -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
