"""One region: everything that is known of it."""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from deploy.grafana.change import ALERT_COLUMNS, RISE, TIME
from deploy.grafana.panels import (
    Column,
    Section,
    Shown,
    Size,
    Told,
    board,
    calendar,
    gauges,
    lines,
    listing,
    number,
    points,
    stacked,
)
from deploy.grafana.statements import (
    ALERT_COUNTS,
    CHOICES,
    DECISIONS,
    LAST_POLL,
    NEWEST_ALERTS,
    NEWEST_LOOKS,
    PARKED,
    PASSES,
    REFUSED,
    RISES,
    STANDS_IN,
)
from deploy.grafana.targets import chosen_regions, history, newest, over_time, rows, service_address
from deploy.grafana.wellness import of_the_watch, together

_IN = 'region="$region"'
_DAY_S = 86_400
_COUNT = Shown(unit="none", decimals=0)
_AGE_S = 1e9
_BY_SENSOR = "max by (sensor)"


def region() -> Dashboard:
    """The dashboard."""
    sections = [
        Section(title="Is all well in ${region}?", panels=_well()),
        Section(title="Alerts", panels=_alerts()),
        Section(title="Passes and looks", panels=_passes()),
        Section(title="What was seen", panels=_seen()),
        Section(title="What waits for a person", panels=_waits()),
    ]
    told = Told(
        title="Scarpwatch: one region",
        why="Everything about one region: whether it is watched, its alerts, passes, looks, and what is set aside.",
    )
    return board("scarpwatch-region", told, "now-90d", sections, [chosen_regions(False), service_address()])


def _well() -> list[Panel]:
    small = Size(w=4, h=4)
    return [
        number(
            Told(
                title="This region",
                why="Passes overdue, a queue that is hours late, acquisitions that are parked. Whether the service as "
                "a whole is well says the dashboard of operations.",
            ),
            newest(together(of_the_watch(_IN)), "wrong"),
            Shown(
                unit="suffix: wrong",
                steps=((None, "green"), (1, "red")),
                words={0: ("All is well", "green")},
                nothing="Prometheus?",
            ),
            small,
        ),
        number(
            Told(title="Alerts that stand", why="Of one look, or confirmed by a later one. The list is below."),
            newest(f"sum(max by (state) (scarpwatch_alerts_open{{{_IN}}}))", "alerts"),
            Shown(unit="none", steps=((None, "green"), (1, "red")), words={0: ("none", "green")}),
            small,
        ),
        number(
            Told(
                title="Ground last seen",
                why="Age of the newest look that observed any of the region. Old: nothing can be said of it since.",
            ),
            newest(f"time() - max(scarpwatch_last_look_timestamp_seconds{{{_IN}}})", "age"),
            Shown(
                unit="s",
                steps=((None, "green"), (15 * _DAY_S, "orange"), (30 * _DAY_S, "red")),
                beyond=(_AGE_S, "never", "red"),
            ),
            small,
        ),
        number(
            Told(
                title="Ground compared",
                why="Share of the region that was compared with an earlier look within its look-back.",
            ),
            newest(f"max(scarpwatch_observed_ratio{{{_IN}}})", "share"),
            Shown(unit="percentunit", steps=((None, "red"), (0.5, "orange"), (0.9, "green")), decimals=0),
            small,
        ),
        number(
            Told(title="Next pass", why="When the orbit cycle brings one, by sensor. A time that is over: it is late."),
            newest(f"(max by (sensor) (scarpwatch_next_pass_timestamp_seconds{{{_IN}}}) > 0) * 1000", "{{sensor}}"),
            Shown(unit="dateTimeFromNow", nothing="no cycle is known yet"),
            small,
            named=True,
        ),
        number(
            Told(title="Catalogs answered", why="Since all catalogs of the region last answered a poll."),
            rows(LAST_POLL),
            Shown(unit="s", steps=((None, "green"), (10_800, "orange"), (_DAY_S, "red")), nothing="never"),
            small,
        ),
    ]


def _alerts() -> list[Panel]:
    columns = dict(ALERT_COLUMNS) | {"told": Column(shown=TIME, width=165)}
    return [
        listing(
            Told(
                title="Alerts, newest first",
                why="Of which people were told in the shown time, with the last step. A click opens the page of the "
                "alert, or of all of its situation.",
            ),
            [rows(NEWEST_ALERTS)],
            columns,
            Size(w=18, h=9),
            nothing="nobody was told of any in this time",
        ),
        gauges(
            Told(title="What became of them", why="Alerts whose ground failed in the shown time, by their state now."),
            [rows(ALERT_COUNTS)],
            Shown(unit="none", nothing="no alert in this time", lowest=0),
            Size(w=6, h=9),
        ),
        stacked(
            Told(
                title="Alerts that stand, by state", why="Provisional: of one look. Confirmed: a later one saw it too."
            ),
            [over_time(f"max by (state) (scarpwatch_alerts_open{{{_IN}}})", "{{state}}")],
            _COUNT,
            Size(w=12, h=8),
        ),
        points(
            Told(
                title="Largest rise of a tile, look by look",
                why="From the history of the tiles, so also of the time before Prometheus read it: mean probability of "
                "each look against the comparable one before.",
            ),
            [history(RISES)],
            Shown(unit="none", steps=((None, "transparent"), (0.1, "orange")), decimals=3, nothing="not compared yet"),
            Size(w=12, h=8),
            marked=True,
        ),
    ]


def _passes() -> list[Panel]:
    fields: dict[float, tuple[str, str]] = {
        0: ("parked", "red"),
        1: ("waits", "blue"),
        2: ("nothing to be seen", "#8e8e8e"),
        3: ("usable", "green"),
    }
    shown = Shown(
        unit="none",
        steps=((None, "red"), (1, "blue"), (2, "#8e8e8e"), (3, "green")),
        words=fields,
        nothing="no pass in this time",
    )
    by = "max by (sensor)"
    columns = {
        "sensed": Column(shown=TIME, width=165),
        "sensor": Column(shown=_COUNT, width=75),
        "platform": Column(shown=_COUNT, width=105),
        "orbit": Column(shown=_COUNT, width=60),
        "state": Column(shown=_COUNT, width=80),
        "result": Column(shown=_COUNT, width=130),
    }
    return [
        calendar(
            Told(
                title="Calendar of passes",
                why="A row for each track, a field for each day with a pass: what its best acquisition gave. Gaps in a "
                "rhythm are passes that nobody listed; `scarpwatch passes` names them.",
            ),
            history(PASSES),
            shown,
            Size(w=24, h=7),
        ),
        lines(
            Told(
                title="Passes of 30 days",
                why="Expected by the orbit cycle, listed, processed, usable. Lines should lie on each other but for "
                "clouds.",
            ),
            [
                over_time(f"{by} (scarpwatch_scenes_{name}{{{_IN}}})", f"{{{{sensor}}}} {name}", ref)
                for name, ref in zip(("expected", "seen", "processed", "usable"), "ABCD", strict=True)
            ],
            _COUNT,
            Size(w=9, h=10),
        ),
        listing(
            Told(title="Newest looks", why="Each acquisition with its result and its story, newest first."),
            [rows(NEWEST_LOOKS)],
            columns,
            Size(w=15, h=10),
            nothing="no acquisition in this time",
        ),
    ]


def _seen() -> list[Panel]:
    third = Size(w=8, h=8)
    bar = Shown(unit="none", nothing="no look in this time", lowest=0)
    return [
        gauges(
            Told(
                title="Tiles by their newest decision",
                why="What became of each tile at the newest look of each sensor. Only compared tiles can raise alerts.",
            ),
            [rows(DECISIONS)],
            bar,
            third,
        ),
        gauges(
            Told(
                title="Which sensor counted, and why",
                why="Of every tile and acquisition of the shown time: the evidence of record and its reason.",
            ),
            [rows(CHOICES)],
            bar,
            third,
        ),
        lines(
            Told(
                title="Ground compared, and slopes radar never sees",
                why="The first: share compared within the look-back. The others: what each track cannot see, whatever "
                "it does; `none`: what no track sees.",
            ),
            [
                over_time(f"max(scarpwatch_observed_ratio{{{_IN}}})", "compared"),
                over_time(f"max by (track) (scarpwatch_radar_blind_slopes_ratio{{{_IN}}})", "blind: {{track}}", "B"),
            ],
            Shown(unit="percentunit", lowest=0, highest=1),
            third,
        ),
        stacked(
            Told(title="Tiles by what became of them", why="In each span of time, both sensors."),
            [
                over_time(
                    f"sum by (sensor, decision) (increase(scarpwatch_tiles_total{{{_IN}}}[$__rate_interval])) > 0",
                    "{{sensor}}: {{decision}}",
                )
            ],
            _COUNT,
            Size(w=12, h=8),
            bars=True,
        ),
        lines(
            Told(title="Largest rise and mean, newest looks", why="As on the dashboard of change, of this region."),
            [
                over_time(f"{_BY_SENSOR} (scarpwatch_largest_change{{{_IN}}})", "{{sensor}} largest rise"),
                over_time(f"{_BY_SENSOR} (scarpwatch_probability_mean{{{_IN}}})", "{{sensor}} mean", "B"),
            ],
            Shown(unit="none", steps=RISE, decimals=3),
            Size(w=12, h=8),
        ),
    ]


def _waits() -> list[Panel]:
    times = {name: Column(shown=TIME, width=165) for name in ("sensed", "parked since", "first seen", "last seen")}
    return [
        listing(
            Told(
                title="Parked acquisitions",
                why="They wait until a person acts: mend the cause, then `scarpwatch release REGION ID`. "
                "docs/operate.md says of every reason what to do.",
            ),
            [rows(PARKED)],
            times | {"tries": Column(shown=_COUNT, width=60), "sensor": Column(shown=_COUNT, width=75)},
            Size(w=24, h=7),
            nothing="none is parked",
        ),
        listing(
            Told(
                title="Refused items",
                why="What polls of the shown time saw and could not take. It is looked at again by every poll.",
            ),
            [rows(REFUSED)],
            times | {"polls": Column(shown=_COUNT, width=65)},
            Size(w=18, h=7),
            nothing="none was refused",
        ),
        listing(
            Told(
                title="Who is asked",
                why="Whether catalogs stand in for those of the region, and why.",
            ),
            [rows(STANDS_IN)],
            {},
            Size(w=6, h=7),
            nothing="no poll yet",
        ),
    ]
