"""What is said of a declared event, from the first minute on."""

from datetime import timedelta

import pytest

from monitor.core.next_pass import Passed
from monitor.core.situations import Found, Situation, lines, situation_json
from monitor.records import NextPass, Sensor
from tests.core.test_declared import NOW, QUAKE, declaration

SEEN = {"share_not_observed": 0.6, "share_not_seen": 0.25, "share_compared_by_sensor": {"optical": 0.4}}
PASSED = [Passed(sensor=Sensor.OPTICAL, relative_orbit=54, sensing_time=QUAKE + timedelta(hours=7))]
COMING = [NextPass(sensor=Sensor.SAR, relative_orbit=46, expected=NOW + timedelta(days=2), basis="every 12 days")]


@pytest.mark.parametrize(
    ("situation", "said"),
    [
        (
            Situation(declaration=declaration(), now=NOW, found=Found()),
            (
                "Nothing has been found so far.",
                "No satellite has passed since",
                "observed since is not known: not counted yet",
                "When a satellite comes next is not known.",
                "10 times as common",
                "by mori; in force until",
            ),
        ),
        (
            Situation(
                declaration=declaration(),
                now=NOW,
                found=Found(open=3, warnings=1, ended=2, anew=2),
                passed=PASSED,
                coming=COMING,
                observed=SEEN,
            ),
            (
                "3 open alerts, of which 1 is a warning; 2 more ended; 2 of all were found before it was declared.",
                "optics 1; the last 2018-09-06 01:08 UTC",
                "75% of its ground; compared with the ground before it: 40% (optics 40%). Of 60% nobody knows",
                "(radar, orbit 46)",
            ),
        ),
        (
            Situation(
                declaration=declaration(),
                now=NOW,
                found=Found(),
                observed=SEEN | {"share_not_seen": 0.0003, "share_not_observed": 0.004},
            ),
            ("Observed since: 99.9% of its ground; compared with the ground before it: 99.6% (", "Of 0.4% nobody"),
        ),
        (
            Situation(declaration=declaration(), now=NOW, found=Found(), observed=SEEN | {"share_not_seen": 1.0}),
            ("no alert means nothing yet",),
        ),
        (
            Situation(declaration=declaration(ended=NOW, ended_by="sato"), now=NOW, found=Found(open=1), observed=SEEN),
            (
                "ended 2018-09-06 03:08 UTC by sato.\n1 open alert.",
                "Observed since: 75% of its ground",
                "While it was in force, looks sensed since were compared",
            ),
        ),
    ],
    ids=["first minute", "later", "a little missing", "nothing observed", "ended"],
)
def test_a_situation_in_sentences(situation: Situation, said: tuple[str, ...]) -> None:
    """What was found never stands without what was not observed; what is over is not told as in force."""
    text = "\n".join(lines(situation))
    for words in said:
        assert words in text
    if situation.declaration.ended:
        assert "Next passes" not in text
        assert "since are compared" not in text


def test_a_situation_for_programs() -> None:
    """The same in numbers."""
    found = Found(open=3, warnings=1, ended=2, anew=2)
    body = situation_json(
        Situation(declaration=declaration(), now=NOW, found=found, passed=PASSED, observed=SEEN), "http://x/s"
    )
    assert body["alerts"] == {"open": 3, "warnings": 1, "ended": 2, "became_alerts": 2}
    assert body["passes_since"] == {"optical": 1}
    assert body["not_observed_since"] == SEEN
    assert (body["in_force"], body["page"]) == (True, "http://x/s")
