"""What came of killing processes at random, as Markdown."""

from collections.abc import Mapping

from benchmarks.chaos import Result
from benchmarks.same import left_out


def report(one: Result) -> str:
    """Tables: whether the databases are equal, what was killed, what is not compared and why."""
    verdict = "equal" if one.same else f"{len(one.differences)} or more differences"
    how = "to the last bit" if one.exact else f"numbers within {one.largest:.1e}"
    arrivals = one.arrivals
    rows = [
        ("database against the undisturbed one", f"**{verdict}**, {one.rows:,} rows, {how}"),
        ("product files that differ", f"{len(one.product_differences)} of {one.products:,}"),
        ("acquisitions done, parked, late", f"{one.acquisitions - sum(one.parked.values())}, "
         f"{sum(one.parked.values())}, {one.late}"),
        ("events, messages", f"{one.events}, {one.messages}"),
        ("messages missing", f"{arrivals.missing + one.undelivered}"),
        ("messages again after the acknowledgement was noted", f"{arrivals.after_noted}"),
        ("messages again before it was", f"{arrivals.before_noted}"),
        ("daemons that ended with 0 on SIGTERM", "all" if one.clean_ends else "**not all**"),
        ("from the last kill until nothing waited", f"{one.drained_s:.0f} s"),
    ]  # fmt: skip
    killed = [
        ("killed", _counts(one.kills)),
        ("daemons that held an acquisition when they were killed", f"{one.killed_at_work}"),
        ("claims of what a process had left unfinished", f"{one.taken_over}"),
        ("tries that ended after another had taken over: nothing written", f"{one.lost}"),
        ("blocks of tiles that workers looked at, begun more than once", f"{one.blocks}, {one.again}"),
        ("acquisitions given back for the cluster, by reason", _counts(one.waits) or "none"),
        ("workers and others that ended by themselves, by exit code", _counts(one.ended) or "none"),
    ]
    lines = ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), ""]
    lines += ["| what was killed | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in killed), ""]
    lines += ["| not compared | why |", "| --- | --- |"]
    lines += [f"| {', '.join(f'`{name}`' for name in names)} | {why} |" for why, names in left_out().items()]
    lines += ["", f"- Seed {one.seed}, {one.minutes:g} minutes, {one.scenes} scenes; {one.started}; {one.machine}"]
    lines += [f"- {one}" for one in one.differences[:20]]
    return "\n".join(lines)


def _counts(by: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in by.items())
