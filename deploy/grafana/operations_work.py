"""Operations, the lower half: catalogs, queue and stages, channels, the process."""

from grafana_foundation_sdk.models.dashboard import Panel

from deploy.grafana.panels import (
    Column,
    Shown,
    Size,
    Steps,
    Told,
    gauges,
    lines,
    listing,
    names,
    number,
    stacked,
)
from deploy.grafana.statements import DELIVERIES, EXERCISES
from deploy.grafana.targets import cells, newest, over_time, rows
from deploy.grafana.wellness import CONFIGURED

IN = 'region=~"$region"'
JOB = 'job=~"$job"'
COUNT = Shown(unit="none", decimals=0)
SECONDS = Shown(unit="s")
BAD_FROM_1: Steps = ((None, "green"), (1, "red"))
WARN_FROM_1: Steps = ((None, "green"), (1, "orange"))
TIME_TAKEN = "increase({0}_sum{1}[$__range])) / sum by ({2}) (increase({0}_count{1}[$__range])) > 0"


def coming_in() -> list[Panel]:
    """Catalogs, hosts, and what the nightly audit found."""
    third = Size(w=8, h=8)
    return [
        listing(
            Told(
                title="Catalogs",
                why="When each last answered, and since when it has failed (empty: it answers). "
                "A catalog that is not here was never asked.",
            ),
            [
                cells("time() - max by (catalog) (scarpwatch_last_poll_timestamp_seconds)", "A"),
                cells(
                    "max by (catalog) (scarpwatch_catalog_failing_since_timestamp_seconds) > bool 0"
                    f" and on (catalog) {CONFIGURED}",
                    "B",
                ),
            ],
            {
                "answered ago": Column(shown=Shown(unit="s", steps=((None, "green"), (10_800, "red"))), coloured=True),
                "state": Column(
                    shown=Shown(unit="none", steps=BAD_FROM_1, words={0: ("answers", "green"), 1: ("fails", "red")}),
                    coloured=True,
                ),
            },
            third,
            merged=["answered ago", "state"],
        ),
        stacked(
            Told(
                title="Polls",
                why="Asked in each span of time, by catalog and whether it answered. Neither: nobody polls.",
            ),
            [
                over_time(
                    "sum by (catalog, result) (increase(scarpwatch_catalog_polls_total[$__rate_interval]))",
                    "{{catalog}} {{result}}",
                )
            ],
            COUNT,
            third,
            bars=True,
        ),
        stacked(
            Told(title="New acquisitions", why="Rows of the ledger that polls found in each span of time."),
            [over_time("sum(increase(scarpwatch_discovered_total[$__rate_interval]))", "discovered")],
            COUNT,
            third,
            bars=True,
        ),
        gauges(
            Told(
                title="Findings of the last audit",
                why="Acquisitions in which ledger and catalogs differed last night. Missing night after night: polls "
                "lose what catalogs list; the log has `audit-finding`.",
            ),
            [newest(f"max by (region, finding) (scarpwatch_audit_findings{{{IN}}})", "{{region}} {{finding}}")],
            Shown(unit="none", steps=WARN_FROM_1, nothing="no audit yet", lowest=0),
            third,
        ),
        gauges(
            Told(
                title="Hosts: failures in a row",
                why="A host that fails five times is left alone for a while; what waits for it uses up no try.",
            ),
            [newest("max by (host) (scarpwatch_host_failures)", "{{host}}")],
            Shown(
                unit="none", steps=((None, "green"), (1, "orange"), (5, "red")), nothing="no host asked yet", lowest=0
            ),
            third,
        ),
        lines(
            Told(
                title="Links without a token",
                why="Since the process began: no token was given, or the store refused it. See whether the token "
                "service is up, and the clock of this machine.",
            ),
            [over_time("sum by (catalog, reason) (scarpwatch_sign_failures_total)", "{{catalog}} {{reason}}")],
            COUNT,
            third,
        ),
    ]


def working() -> list[Panel]:
    """Queue, results, stages, delays."""
    half, third = Size(w=12, h=8), Size(w=8, h=9)
    return [
        stacked(
            Told(
                title="Ledger: what is not done",
                why="Acquisitions that wait, are being worked on, or are parked until a person acts.",
            ),
            [
                over_time(
                    f"sum by (state) (max by (region, state) (scarpwatch_ledger_entries{{{IN},"
                    'state=~"discovered|claimed|parked"}))',
                    "{{state}}",
                )
            ],
            COUNT,
            half,
        ),
        lines(
            Told(title="How long the oldest is due", why="By region, history apart. It should come back to 0."),
            [over_time(f"max by (region) (scarpwatch_queue_oldest_due_seconds{{{IN}}})", "{{region}}")],
            Shown(unit="s", steps=((None, "green"), (3600, "orange"), (21_600, "red"))),
            half,
            marked=True,
        ),
        stacked(
            Told(
                title="What became of acquisitions",
                why="In each span of time, by state and reason; discovered: to be tried again. Many of one reason: "
                "docs/operate.md, the life of an acquisition.",
            ),
            [
                over_time(
                    f"sum by (state, reason) (increase(scarpwatch_acquisitions_total{{{IN}}}[$__rate_interval])) > 0",
                    "{{state}}: {{reason}}",
                )
            ],
            COUNT,
            third,
            bars=True,
        ),
        gauges(
            Told(
                title="Time of an acquisition, by stage",
                why="Mean over the shown time. What grew says where to look: network and disks, the engine, the "
                "database.",
            ),
            [newest("sum by (stage) (" + TIME_TAKEN.format("scarpwatch_stage_seconds", "", "stage"), "{{stage}}")],
            Shown(unit="s", nothing="nothing was processed", decimals=2, lowest=0),
            third,
        ),
        listing(
            Told(
                title="Delays",
                why="Of the shown time, at most, of half and of nine in ten of what was new; without history. "
                "docs/metrics.md says from what to what each step goes.",
            ),
            [
                cells(
                    f"histogram_quantile({share}, "
                    "sum by (le, step) (increase(scarpwatch_delay_seconds_bucket[$__range]))) > 0",
                    ref,
                )
                for share, ref in ((0.5, "A"), (0.9, "B"))
            ],
            {name: Column(shown=SECONDS, width=120) for name in ("half", "nine in ten")},
            third,
            nothing="nothing new in this time",
            merged=["half", "nine in ten"],
        ),
        stacked(
            Told(
                title="Tiles by what became of them",
                why="In each span of time. Many unclassified or no-elevation: the data are not whole.",
            ),
            [
                over_time(
                    f"sum by (sensor, decision) (increase(scarpwatch_tiles_total{{{IN}}}[$__rate_interval])) > 0",
                    "{{sensor}}: {{decision}}",
                )
            ],
            COUNT,
            half,
            bars=True,
        ),
        stacked(
            Told(
                title="Whether the network spoke",
                why="Tiles looked at in each span of time, by the answer of the network of their sensor, or why it had "
                "none.",
            ),
            [
                over_time(
                    f"sum by (sensor, answer) (increase(scarpwatch_network_tiles_total{{{IN}}}[$__rate_interval])) > 0",
                    "{{sensor}}: {{answer}}",
                )
            ],
            COUNT,
            half,
            bars=True,
        ),
    ]


def hearing() -> list[Panel]:
    """Alerts and channels."""
    third = Size(w=8, h=8)
    return [
        lines(
            Told(title="Open alerts", why="By region and state: of one look, or confirmed by a later one."),
            [
                over_time(
                    f"max by (region, state) (scarpwatch_alerts_open{{{IN}}})",
                    "{{region}} {{state}}",
                )
            ],
            COUNT,
            third,
        ),
        stacked(
            Told(
                title="Deliveries",
                why="Tries of each span of time by channel and result. Put off again and again: the receiver is down.",
            ),
            [
                over_time(
                    "sum by (channel, result) (increase(scarpwatch_deliveries_total[$__rate_interval])) > 0",
                    "{{channel}} {{result}}",
                )
            ],
            COUNT,
            third,
            bars=True,
        ),
        lines(
            Told(
                title="How long the oldest message waits",
                why="By channel; 0: none does. An hour: the receiver is down, and people do not hear.",
            ),
            [over_time("max by (channel) (scarpwatch_delivery_oldest_due_seconds)", "{{channel}}")],
            Shown(unit="s", steps=((None, "green"), (900, "orange"), (3600, "red")), nothing="no channel"),
            third,
            marked=True,
        ),
        listing(
            Told(
                title="Messages that are not there yet",
                why="Due, parked until a person acts (`scarpwatch deliveries retry`), or held by a silence.",
            ),
            [rows(DELIVERIES)],
            {
                "state": Column(shown=Shown(unit="none", words={}, steps=((None, "text"),)), width=90),
                "messages": Column(shown=COUNT, width=95),
                "tries": Column(shown=COUNT, width=70),
                "since": Column(shown=Shown(unit="dateTimeAsIso"), width=165),
            },
            Size(w=16, h=7),
            nothing="everything was delivered",
        ),
        gauges(
            Told(
                title="What people said of alerts",
                why="Of the last 365 days. Many `other`: calibrate (docs/operate.md). Many `unjudged`: say what they "
                "were, or nothing can be learned from them.",
            ),
            [
                newest(
                    f"sum by (said, tier) (max by (region, tier, detector, said) (scarpwatch_alerts_judged{{{IN}}}))",
                    "{{tier}}: {{said}}",
                )
            ],
            Shown(unit="none", nothing="no alert yet", lowest=0),
            Size(w=8, h=7),
        ),
    ]


def process() -> list[Panel]:
    """What runs, and what it takes."""
    quarter, third = Size(w=6, h=4), Size(w=8, h=8)
    return [
        names(
            Told(title="Versions", why="Of Scarpwatch and of its model, one for each that runs."),
            newest("count by (version, model_version) (scarpwatch_build_info)", "{{version}}, model {{model_version}}"),
            Shown(unit="none", nothing="nothing runs"),
            quarter,
        ),
        names(
            Told(
                title="Engine",
                why="Really in use. A service that cannot have the one that was asked for does not start.",
            ),
            newest("count by (engine) (scarpwatch_engine_info == 1)", "{{engine}}"),
            Shown(unit="none", nothing="nothing runs"),
            quarter,
        ),
        number(
            Told(
                title="Last exercise that passed",
                why="Scars painted into a real scene were found, and every channel was reached. Older than several "
                "`drills.every_days`: run `scarpwatch drill`. Never: none has.",
            ),
            newest(
                f"time() - (max(scarpwatch_drill_last_success_timestamp_seconds{{{IN}}}) or vector(0))",
                "age",
            ),
            Shown(
                unit="s",
                steps=((None, "green"), (1_209_600, "orange")),
                beyond=(1e9, "never", "orange"),
            ),
            quarter,
        ),
        number(
            Told(
                title="Newest sign of life",
                why="Age of the weekly message that the watch is alive, of the region where it is oldest. None without "
                "channels.",
            ),
            newest(
                f"time() - min(max by (region) (scarpwatch_alive_last_message_timestamp_seconds{{{IN}}}))",
                "age",
            ),
            Shown(unit="s", steps=((None, "green"), (691_200, "red")), nothing="no channel hears it"),
            quarter,
        ),
        lines(
            Told(title="Memory", why="Resident memory of each process. Rising for weeks: please report it."),
            [over_time(f"process_resident_memory_bytes{{{JOB}}}", "{{instance}}")],
            Shown(unit="bytes"),
            third,
        ),
        lines(
            Told(title="Open files", why="Descriptors of each process, as share of what it may have."),
            [over_time(f"process_open_fds{{{JOB}}} / process_max_fds{{{JOB}}}", "{{instance}}")],
            Shown(unit="percentunit", steps=((None, "green"), (0.8, "red"))),
            third,
        ),
        lines(
            Told(
                title="Processor",
                why="Of each process; 100 % is one core. All cores for hours: more comes in than is processed.",
            ),
            [over_time(f"rate(process_cpu_seconds_total{{{JOB}}}[$__rate_interval])", "{{instance}}")],
            Shown(unit="percentunit"),
            third,
        ),
        lines(
            Told(title="Free disk", why="For the service's user. What does not fit is tried again; nothing is lost."),
            [over_time("min by (path_of) (scarpwatch_disk_free_bytes)", "{{path_of}}")],
            Shown(unit="bytes", steps=((None, "red"), (5e9, "orange"), (20e9, "green"))),
            third,
            marked=True,
        ),
        lines(
            Told(
                title="Jobs without progress",
                why="How long a job at work shows none. An hour of `process` or a channel: the service restarts.",
            ),
            [over_time("max by (exported_job) (scarpwatch_job_still_seconds)", "{{exported_job}}")],
            Shown(unit="s", steps=((None, "green"), (1800, "orange"), (3600, "red"))),
            third,
        ),
        lines(
            Told(
                title="Requests refused",
                why="Since the process began. Many `unknown-token`: somebody guesses, or a revoked token is in use.",
            ),
            [over_time("sum by (reason) (scarpwatch_api_refused_total)", "{{reason}}")],
            COUNT,
            third,
        ),
        gauges(
            Told(
                title="Scars that exercises painted",
                why="Since the process began, by what became of them. Many missed: docs/operate.md, Drill.",
            ),
            [newest(f"sum by (result) (scarpwatch_drill_scars_total{{{IN}}})", "{{result}}")],
            Shown(unit="none", nothing="no exercises are configured", lowest=0),
            third,
        ),
        listing(
            Told(title="Last exercises", why="The newest of each region, also of processes that ended since."),
            [rows(EXERCISES)],
            {
                "when": Column(shown=Shown(unit="dateTimeAsIso"), width=165),
                "passed": Column(
                    shown=Shown(
                        unit="none",
                        steps=((None, "red"), (1, "green")),
                        words={0: ("no", "red"), 1: ("yes", "green")},
                    ),
                    coloured=True,
                    width=80,
                ),
            },
            Size(w=16, h=8),
            nothing="no exercise yet: scarpwatch drill",
        ),
    ]
