"""What people read on a terminal. Every function returns text or a table; printing is the command's."""

import textwrap
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from monitor.cli.geojson import has_picture
from monitor.config import Mistake
from monitor.core import context_words, next_pass
from monitor.core.grid import region_tiles
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.null_rate import LEARNED_KM2_YEARS
from monitor.core.sensors import MEASURES, NAMES
from monitor.core.shares import percent, percent_missing
from monitor.core.slope_sight import TrackSight
from monitor.core.standing import acknowledgement, is_unanswered
from monitor.delivering import Round
from monitor.overview import Coverage
from monitor.records import (
    AlertStatus,
    ChannelCount,
    Delivery,
    DeliveryState,
    Event,
    LedgerEntry,
    ModelCard,
    NextPass,
    Region,
    Sensor,
    Silence,
    Tier,
)

if TYPE_CHECKING:
    from monitor.adapters.store import ChoiceCount, LedgerCount, Rejection

LATE = timedelta(hours=1)
"""A message that waits so long is shown."""
_SHOWN_TILES = 6
_WIDTH = 100
_INDENT = "     "
_THEN_RELEASE = ", then run `scarpwatch release`"
"""End of some remedies; the whole command follows them."""
_THEN_RETRY = ", then run `scarpwatch deliveries retry`"
_NUMBERS = frozenset(
    {"", "ha", "Number", "Tiles", "Slopes, km²", "Never seen, km²", "Never seen"}
    | {"Listed", "Known", "Missing", "Vanished", "Superseded", "Queued"}
)


def alert_table(worst_first: Sequence[Event]) -> Table:
    """Alerts by rank: where, how large, when, how sure."""
    table = plain_table(
        "", "Severity", "ha", "State", "Failed between", "Latitude, longitude", "Sure", "Answered", "Region"
    )
    for rank, event in enumerate(worst_first, start=1):
        centre = event.geometry.representative_point()
        warning = ", warning" if event.tier is Tier.WARNING else ""
        status = warning + ("" if event.status is AlertStatus.ACTUAL else f", {event.status.value}")
        table.add_row(
            str(rank),
            event.context.severity.value if event.context else "–",
            f"{event.area_ha:.2f}",
            event.state.value + status,
            _window(event),
            f"{centre.y:.5f}, {centre.x:.5f}",
            event.confidence,
            _answered(event),
            event.region,
        )
    return table


def alert_lines(worst_first: Sequence[Event], products: Path) -> list[str]:
    """What does not fit into a table: what surrounds it, why so grave and so sure, and the picture's path, whole so
    that it can be copied."""
    lines = []
    for rank, event in enumerate(worst_first, start=1):
        lines.append(f"{rank:>3}  {event.id}" + (f"  ({event.storm})" if event.storm else ""))
        sentences = [context_words.told(event)]
        if event.context is not None:
            sentences.append(f"severity {event.context.severity}: {event.context.severity_reason}")
        measured = f"mean change {event.mean_change:.2f} ({MEASURES[event.detector]})"
        sentences.append(_taken_on(event))
        sentences.append(f"confidence {event.confidence}: {event.confidence_reason}; {measured}")
        for sentence in filter(None, sentences):
            lines += textwrap.wrap(sentence, _WIDTH, initial_indent=_INDENT, subsequent_indent=f"{_INDENT}  ")
        shown = str(products / str(event.picture)) if has_picture(event, products) else "no picture"
        lines.append(f"{_INDENT}{shown}")
    return lines


def _taken_on(event: Event) -> str:
    """Who has acknowledged an alert; empty where nobody needs to."""
    step = acknowledgement(event.transitions)
    if step is None:
        return "nobody has acknowledged it" if is_unanswered(event) else ""
    return f"acknowledged {step.at:%Y-%m-%d %H:%M} UTC by {step.by}"


def _answered(event: Event) -> str:
    if event.state not in ALERT_STATES:
        return "–"  # nobody needs to any more
    return "no" if is_unanswered(event) else "yes"


def _window(event: Event) -> str:
    """Days between which it failed; the year once, where it is the same."""
    start, end = event.window_start, event.window_end
    return f"{start:%Y-%m-%d} – {end:%m-%d}" if start.year == end.year else f"{start:%Y-%m-%d} – {end:%Y-%m-%d}"


def coming(passes: Sequence[NextPass]) -> str:
    """The next pass of each sensor, for the end of a coverage line."""
    said = ", ".join(next_pass.told(one) for one in next_pass.first_of_each(passes))
    return f"; next pass expected {said}" if said else ""


def coverage_line(coverage: Coverage, now: datetime) -> str:
    """One line per region: what was seen, and what was not."""
    if coverage.flat and len(coverage.flat) == coverage.tiles:
        return f"{coverage.region}: all of it is flat, so nothing can slide there and nothing is looked at"
    if coverage.last_look is None:
        return f"{coverage.region}: nothing observed yet, so the absence of alerts means nothing"
    compared, once, unseen = _percents(coverage)
    line = (
        f"{coverage.region}: {_lately(coverage, now)} {compared:g}% of "
        f"{coverage.area_km2:.0f} km² observed and compared with an earlier look, {round(once + unseen, 1):g}% "
        f"not observed ({once:g}% without an earlier look, {unseen:g}% not seen); "
        f"last look {age(now - coverage.last_look)} ago{_ages(coverage, now)}"
    )
    if len(coverage.compared_by) > 1:
        shares = (f"{NAMES[sensor]} {percent(share)}%" for sensor, share in sorted(coverage.compared_by.items()))
        line += f"; compared by sensor: {', '.join(shares)}"
    if coverage.learning:
        line += "; learning: no earlier look to compare with yet"
    elif coverage.learning_rates:
        line += f"; learning how rare change is here: {_learnt(coverage.learning_rates)}"
    if coverage.never_observed:
        names = [tile.id for tile in coverage.never_observed[:_SHOWN_TILES]]
        more = len(coverage.never_observed) - len(names)
        line += f"; tiles not seen at all: {', '.join(names)}" + (f" and {more} more" if more else "")
    if coverage.no_elevation:
        line += f"; {len(coverage.no_elevation)} of them for lack of elevation: add a catalog that has it"
    if coverage.flat:
        line += f"; {len(coverage.flat)} of {coverage.tiles} tiles are flat and left out: nothing can slide there"
    line += _silence(coverage)
    if coverage.blind.together.blind_km2:
        line += f"; {_told(coverage.blind.together)} of its slopes no radar track ever sees"
        if coverage.blind.not_seen_km2:
            line += f", and {coverage.blind.not_seen_km2:.2f} km² of them optics did not see either"
    if coverage.blind.unknown_tiles:
        line += f"; what radar sees of the slopes of {coverage.blind.unknown_tiles} tiles is told after its next pass"
    if coverage.broken_looks:
        line += f"; {coverage.broken_looks} kept looks could not be read"
    return line


def _ages(coverage: Coverage, now: datetime) -> str:
    """How old the last looks of its tiles are, where they are not all of one time."""
    ages, half = coverage.by_age, coverage.median_last_look
    if len({at for _, at in ages}) < 2:
        return ""
    tile, oldest = ages[0]
    told = f"{age(now - oldest)} ago" if oldest else "never"
    return f" (at half of the tiles {f'within {age(now - half)}' if half else 'never'}, at {tile.id} {told})"


def _lately(coverage: Coverage, now: datetime) -> str:
    if coverage.began is not None:
        return f"since the first acquisition of {coverage.began:%Y-%m-%d}"
    return f"in the last {(now - coverage.since).days} days"


def _learnt(rates: Mapping[Sensor, float]) -> str:
    shares = ", ".join(f"{NAMES[sensor]} {km2_years:.1f}" for sensor, km2_years in rates.items())
    return f"{shares} of {LEARNED_KM2_YEARS:g} km² × years compared"


def _silence(coverage: Coverage) -> str:
    """Where a network that there is did not speak, and why: said apart, because the rest of the watch goes on."""
    silent = {place: looks for place, looks in coverage.answers.items() if place[1].is_silence}
    parts = (f"{looks} of {NAMES[sensor]} ({why})" for (sensor, why), looks in sorted(silent.items()))
    return f"; looks at tiles without an answer of the network: {', '.join(parts)}" if silent else ""


def _percents(coverage: Coverage) -> tuple[float, float, float]:
    """Compared, seen once, not seen: percent with one decimal that add up to 100; only all of it is 100."""
    compared = float(percent(coverage.compared))
    seen = max(compared, float(percent(coverage.seen)))
    return compared, round(seen - compared, 1), round(100 - seen, 1)


def ledger_table(counts: "Iterable[LedgerCount]") -> Table:
    """Acquisitions by region, state and reason."""
    table = plain_table("Region", "Acquisitions", "Reason", "Number")
    for count in sorted(counts, key=lambda one: (one.region, one.state.value, one.reason or "")):
        table.add_row(count.region, count.state.value, count.reason or "", str(count.count))
    return table


def choice_table(counts: "Sequence[ChoiceCount]") -> Table:
    """Which sensor counted on how many tiles, and why; a tile counts once per acquisition."""
    table = plain_table("Region", "At a look of", "Evidence of record", "Reason", "Tiles")
    for count in counts:
        record = NAMES[count.record] if count.record else "none"
        table.add_row(count.region, NAMES[count.sensor], record, count.reason.value, str(count.count))
    return table


def sensor_table(coverages: Sequence[Coverage], now: datetime) -> Table:
    """What each sensor of a region saw, for one that went silent is hidden in what all saw together."""
    table = plain_table("Region", "Sensor", "Seen", "Compared", "Last look")
    for one in coverages:
        for sensor, share in sorted(one.seen_by.items()):
            last = one.last_look_by.get(sensor)
            told = f"{age(now - last)} ago" if last else "never"
            compared = f"{percent(one.compared_by.get(sensor, 0.0))}%"
            table.add_row(one.region, NAMES[sensor], f"{percent(share)}%", compared, told)
    return table


def blind_table(coverages: Sequence[Coverage]) -> Table:
    """What radar never sees of the slopes, by track and by all of them; regions without radar are left out."""
    table = plain_table("Region", "Radar track", "Slopes, km²", "Never seen, km²", "Never seen")
    for one in coverages:
        rows = [*one.blind.tracks.items(), ("by no track", one.blind.together)] if one.blind.tracks else []
        for track, sight in rows:
            blind = f"{percent_missing(sight.blind_share)}%"
            table.add_row(one.region, track, f"{sight.slopes_km2:.2f}", f"{sight.blind_km2:.2f}", blind)
    return table


def _told(sight: TrackSight) -> str:
    return f"{sight.blind_km2:.2f} km² ({percent_missing(sight.blind_share)}%)"


def parked_lines(parked: Sequence[LedgerEntry]) -> list[str]:
    """What waits for a person: why, what to do, and the command that puts it back, whole so that it can be copied."""
    lines = [f"Parked ({len(parked)}), until the cause is gone and they are released:"]
    for entry in parked:
        acquisition = entry.acquisition
        detail = (entry.detail or "").removeprefix(f"{acquisition.key}: ").replace(_THEN_RELEASE, "")
        lines.append(f"  {acquisition.region}: {entry.reason or 'parked'}: {detail}")
        lines.append(f"    then: scarpwatch release {acquisition.region} {acquisition.id}")
    return lines


def region_table(regions: Iterable[Region]) -> Table:
    """The watched regions."""
    table = plain_table("Region", "West, south, east, north", "Tiles", "Catalogs", "Look-back", "Sensors")
    for region in regions:
        bounds = ", ".join(f"{number:.4f}" for number in region.geometry.bounds)
        tiles = str(len(region_tiles(region.geometry)))
        days = f"{region.lookback_days} days"
        table.add_row(region.id, bounds, tiles, ", ".join(region.catalogs), days, region.sensor_policy.value)
    return table


def model_table(cards: Iterable[ModelCard], chosen: Container[str]) -> Table:
    """The models at hand; the configured ones are marked."""
    table = plain_table("Model", "Version", "Task", "Sensor, bands", "Window", "Threshold", "Trained on")
    for card in cards:
        table.add_row(
            f"{card.name} (in use)" if card.name in chosen else card.name,
            card.version,
            card.task,
            f"{card.sensor.value}: {', '.join(card.bands)}",
            f"{card.window_px} px at {card.resolution_m:g} m",
            f"{card.threshold:.2f}",
            _trained_on(card),
        )
    return table


def _trained_on(card: ModelCard) -> str:
    if card.simulated:
        return "simulated pixels: opens test alerts only"
    return "pairs made of real pixels" if card.of_pairs else "real pixels"


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


def plain_table(*columns: str) -> Table:
    """A table without lines; columns of numbers are aligned to the right, long words are folded."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in _NUMBERS else "left")
    return table


def refused_lines(refused: "Sequence[Rejection]", most: int = 10) -> list[str]:
    """Items that catalogs list and polls refuse, newest first, each with its reason."""
    lines = [f"Refused items ({len(refused)}); nothing is lost, they are looked at again in every poll:"]
    lines += [f"  {one.region}: {one.item}: {one.reason}, {one.detail}" for one in refused[:most]]
    if len(refused) > most:
        lines.append(f"  and {len(refused) - most} more: scarpwatch status --json")
    return lines


def round_lines(rounds: Mapping[str, Round]) -> list[str]:
    """What a round of each channel did, in revisions of alerts; silent channels are left out."""
    lines = []
    for name, one in rounds.items():
        if one.delivered or one.put_off or one.parked or one.errors:
            told = f"{one.delivered} delivered, {one.put_off} to be tried again, {one.parked} parked"
            lines.append(f"channel {name}: {told}")
            lines += [f"! {error}" for error in dict.fromkeys(one.errors)]
    return lines


def channel_lines(counts: Mapping[str, ChannelCount], configured: Container[str], now: datetime) -> list[str]:
    """Channels with something parked or late, and the command that shows more."""
    lines = []
    for name, one in counts.items():
        parked = one.counts.get(DeliveryState.PARKED, 0)
        late = one.failing > 0 or (one.oldest_due is not None and now - one.oldest_due > LATE)
        if not parked and not late:
            continue
        due = one.counts.get(DeliveryState.DUE, 0)
        since = f", the oldest for {age(now - one.oldest_due)}" if one.oldest_due is not None else ""
        gone = "" if name in configured else " (not in the configuration)"
        lines.append(f"  {name}{gone}: {due} due{since}, {one.failing} of them failing; {parked} parked")
    return [*lines, "  see: scarpwatch deliveries --parked"] if lines else []


def delivery_table(deliveries: Sequence[Delivery], now: datetime) -> Table:
    """Messages by channel, newest first."""
    table = plain_table("Channel", "Message", "Tier", "State", "Tries", "Since", "Next try", "Reason")
    for one in deliveries:
        since = one.delivered if one.delivered is not None else one.due_since
        later = f"in {age(one.not_before - now)}" if one.not_before is not None and one.not_before > now else ""
        again = f" (replay {one.replays})" if one.replays else ""
        state, tries = one.state.value + again, str(one.attempts)
        row = (one.channel, one.idempotency_key, one.tier, state, tries, f"{age(now - since)} ago", later)
        nobody = f"{one.escalation.why} since {one.escalation.since:%Y-%m-%d %H:%M}" if one.escalation else ""
        table.add_row(*row, "; ".join(filter(None, (nobody, one.reason))))
    return table


def undelivered_lines(deliveries: Sequence[Delivery]) -> list[str]:
    """What waits for a person: why, what to do, and the command that puts it back; each cause once."""
    causes = {
        (one.channel, one.reason, one.detail or ""): None for one in deliveries if one.state is DeliveryState.PARKED
    }
    lines = []
    for channel, reason, detail in causes:
        words = detail.removeprefix(f"channel {channel}: ").replace(_THEN_RETRY, "")
        lines += [f"{channel}: {reason}: {words}", f"    then: scarpwatch deliveries retry {channel}"]
    return lines


def silence_table(silences: Sequence[Silence], held_back: Mapping[int, int], now: datetime) -> Table:
    """Silences, with whether they hold and how many messages they hold back."""
    table = plain_table("Number", "Region", "From", "Until", "Holds", "Messages", "Why", "By")
    for one in silences:
        held = "ended" if one.ended else "over" if now >= one.until else "not yet" if now < one.start else "yes"
        where = (one.region or "all") + (", part of it" if one.geometry is not None else "")
        span = (f"{one.start:%Y-%m-%d %H:%M}", f"{one.until:%Y-%m-%d %H:%M}")
        table.add_row(str(one.id), where, *span, held, str(held_back.get(one.id, 0)), one.why, one.by)
    return table
