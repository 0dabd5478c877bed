"""Operations: is the watch watching, what comes in, who works, do people hear."""

from dataclasses import replace

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from deploy.grafana.operations_work import BAD_FROM_1, IN, coming_in, hearing, process, working
from deploy.grafana.panels import (
    Column,
    Section,
    Shown,
    Size,
    Steps,
    Told,
    board,
    gauges,
    lines,
    listing,
    number,
)
from deploy.grafana.targets import cells, chosen_jobs, chosen_regions, newest, over_time, spoken
from deploy.grafana.wellness import QUEUE_LATE_S, of_the_service, of_the_watch, together

DAY_S = 86_400
NEVER_S = 1e9
"""An age since 1970: there was none ever."""
SCENE_AGE: Steps = ((None, "green"), (8 * DAY_S, "orange"), (13 * DAY_S, "red"))
LOOK_AGE: Steps = ((None, "green"), (15 * DAY_S, "orange"), (30 * DAY_S, "red"))


def operations() -> Dashboard:
    """The dashboard."""
    why = "Whether the watch watches, what comes in, who works on it, and whether people hear of it."
    sections = [
        Section(title="Is all well?", panels=_all_well()),
        Section(title="Is the watch watching?", panels=_watching()),
        Section(title="What comes in", panels=coming_in()),
        Section(title="Queue and stages", panels=working()),
        Section(title="Do people hear?", panels=hearing()),
        Section(title="The process", panels=process()),
    ]
    told = Told(title="Scarpwatch: operations", why=why)
    return board("scarpwatch-operations", told, "now-7d", sections, [chosen_regions(True), chosen_jobs()])


def _all_well() -> list[Panel]:
    wrong = of_the_service() | of_the_watch(IN)
    verdict = Shown(unit="suffix: wrong", steps=BAD_FROM_1, words={0: ("All is well", "green")}, nothing="Prometheus?")
    why = (
        "How many things a person should see to; the bars beside it say which. Without an answer of Prometheus nothing "
        "is known, and nothing is well."
    )
    targets = [newest(asked, name, chr(ord("A") + index)) for index, (name, asked) in enumerate(wrong.items())]
    which = Shown(unit="none", steps=BAD_FROM_1, lowest=0, highest=5)
    return [
        number(Told(title="The watch", why=why), newest(together(wrong), "wrong"), verdict, Size(w=5, h=8)),
        gauges(
            Told(
                title="What is not well", why="How many of each; docs/operate.md says what to do. Green and 0 is well."
            ),
            targets,
            which,
            Size(w=7, h=8),
        ),
        *_all_well_numbers(),
    ]


def _all_well_numbers() -> list[Panel]:
    small = Size(w=4, h=4)
    age = Shown(unit="s", steps=SCENE_AGE, beyond=(NEVER_S, "never", "red"))
    poll = Shown(
        unit="s", steps=((None, "green"), (3 * 3600, "orange"), (DAY_S, "red")), beyond=(NEVER_S, "never", "red")
    )
    late = Shown(unit="s", steps=((None, "green"), (900, "orange"), (3600, "red")), words={0: ("none waits", "green")})
    stale = Shown(unit="s", steps=((None, "green"), (180, "orange"), (600, "red")), beyond=(NEVER_S, "never", "red"))
    return [
        number(
            Told(
                title="Newest scene, oldest sensor",
                why="Age of the newest scene that a catalog lists, of the region and sensor where it is oldest. Old: "
                "nothing comes in, whatever the weather.",
            ),
            newest(f"max(time() - max by (region, sensor) (scarpwatch_newest_scene_timestamp_seconds{{{IN}}}))", "age"),
            age,
            small,
        ),
        number(
            Told(
                title="Ground last seen, worst region",
                why="Age of the newest usable look of any sensor, of the region where it is oldest. Old while scenes "
                "are new: clouds, or scenes that fail.",
            ),
            newest(f"max(time() - max by (region) (scarpwatch_newest_usable_look_timestamp_seconds{{{IN}}}))", "age"),
            replace(age, steps=LOOK_AGE),
            small,
        ),
        number(
            Told(
                title="Catalogs answered",
                why="Since the catalog that is silent longest last answered, whichever process asked.",
            ),
            newest("max(time() - max by (catalog) (scarpwatch_last_poll_timestamp_seconds))", "age"),
            poll,
            small,
        ),
        number(
            Told(
                title="Oldest message",
                why="How long the oldest message of any channel waits for its receiver. An hour: people do not hear.",
            ),
            newest("max(max by (channel) (scarpwatch_delivery_oldest_due_seconds))", "age"),
            replace(late, nothing="no channel"),
            small,
        ),
        number(
            Told(
                title="Queue",
                why="How long the acquisition that waits longest is due, history apart. Growing: more comes in than is "
                "processed, or nobody processes.",
            ),
            newest(f"max(max by (region) (scarpwatch_queue_oldest_due_seconds{{{IN}}}))", "age"),
            replace(late, steps=((None, "green"), (3600, "orange"), (QUEUE_LATE_S, "red"))),
            small,
        ),
        number(
            Told(
                title="Numbers are of",
                why="How old the numbers of the regions are. Minutes: the database is gone, or the job `measure` "
                "hangs, and all of this page is as old.",
            ),
            newest("time() - max(scarpwatch_measured_timestamp_seconds)", "age"),
            stale,
            small,
        ),
    ]


def _watching() -> list[Panel]:
    passes = ["expected", "seen", "processed", "usable"]
    by = "max by (region, sensor)"
    counted = [f"scarpwatch_scenes_{name}" for name in passes] + ["scarpwatch_passes_overdue"]
    asked = [cells(spoken(f"{by} ({name}{{{IN}}})"), ref) for name, ref in zip(counted, "ABCDE", strict=True)]
    columns = {name: Column(shown=Shown(unit="none"), width=95) for name in passes}
    columns["overdue"] = Column(
        shown=Shown(unit="none", steps=((None, "green"), (1, "orange"), (2, "red"))), coloured=True
    )
    ages = Shown(unit="s", steps=SCENE_AGE, beyond=(NEVER_S, "never", "red"))
    share = Shown(unit="percentunit", steps=((None, "red"), (0.5, "orange"), (0.9, "green")), lowest=0, highest=1)
    return [
        listing(
            Told(
                title="Passes of the last 30 days",
                why="Expected by the orbit cycle, listed by a catalog, processed, and with ground that could be seen. "
                "Seen below expected: the producer is late. Processed below seen: queue or parked. Usable far below "
                "processed: clouds, snow, or masks gone wrong.",
            ),
            asked,
            columns,
            Size(w=12, h=8),
            merged=[*passes, "overdue"],
        ),
        lines(
            Told(title="Passes overdue", why="Missed since the newest pass of their track. Above 1 for a day: late."),
            [over_time(f"{by} (scarpwatch_passes_overdue{{{IN}}})", "{{region}} {{sensor}}")],
            Shown(unit="none", steps=((None, "green"), (1, "orange"), (2, "red")), decimals=0),
            Size(w=6, h=8),
            marked=True,
        ),
        gauges(
            Told(
                title="Ground compared",
                why="Share of each region that was compared with an earlier look within its look-back. Falling: "
                "nothing is compared any more.",
            ),
            [newest(f"max by (region) (scarpwatch_observed_ratio{{{IN}}})", "{{region}}")],
            share,
            Size(w=6, h=8),
        ),
        lines(
            Told(
                title="Age of the newest scene",
                why="A saw: each scene brings it down to the time that catalogs need. A line that goes on rising is a "
                "sensor of which nothing comes.",
            ),
            [
                over_time(
                    f"time() - {by} (scarpwatch_newest_scene_timestamp_seconds{{{IN}}} > 0)", "{{region}} {{sensor}}"
                )
            ],
            ages,
            Size(w=12, h=8),
            marked=True,
        ),
        lines(
            Told(title="Age of the newest usable look", why="As beside it, of scenes that showed ground."),
            [
                over_time(
                    f"time() - {by} (scarpwatch_newest_usable_look_timestamp_seconds{{{IN}}} > 0)",
                    "{{region}} {{sensor}}",
                )
            ],
            replace(ages, steps=LOOK_AGE),
            Size(w=12, h=8),
            marked=True,
        ),
    ]
