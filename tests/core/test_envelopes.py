"""The body that programs get: what is documented, no less and no more, and the same whenever it is written."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import cast

from monitor.core.delivery import trial_message
from monitor.core.envelopes import encoded
from monitor.core.geojson import alert_feature
from monitor.core.lifecycle import ACKNOWLEDGED
from monitor.records import EventState, Message
from tests.adapters.channels.messages import CREATED, LINKS, message, revision, with_context
from tests.core.alerts import alert, step

OPERATE = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")
STEP = {"event_id", "sequence", "previous", "reason", "detail", "at"}
ELSEWHERE = {"web", "cap", "evidence"}
WHOLE = alert("x 1", context=with_context("Atsuma"))


def data(message: Message, *, linked: bool = True) -> dict[str, object]:
    """The member `data` of a body."""
    return cast("dict[str, object]", json.loads(encoded(message, links=LINKS if linked else None))["data"])


def test_data_has_what_is_documented_and_nothing_else() -> None:
    """The outline, the step, the properties of the table in docs/operate.md, and the links; no name of a person."""
    taken_on = replace(step(3, EventState.PROVISIONAL, ACKNOWLEDGED), by="tanaka")
    found = data(revision(replace(WHOLE, transitions=(*WHOLE.transitions, taken_on)), 3))
    start = OPERATE.index("| property | meaning |")
    table = OPERATE[start : OPERATE.index("\n\n", start)]
    documented = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert set(found) == documented | STEP | ELSEWHERE | {"geometry"}
    paragraph = OPERATE[OPERATE.index("**The message of a webhook**") :].split("```")[0]
    assert all(f"`{name}`" in paragraph for name in STEP | ELSEWHERE)
    assert "tanaka" not in json.dumps(found)


def test_values_are_those_of_feeds() -> None:
    """Under the same name stands the same, with addresses in place of paths."""
    found = data(revision(WHOLE, 3))
    same = cast(
        "dict[str, object]", alert_feature(WHOLE, f"{LINKS.base}/api/v1/alerts/x%201/picture.png")["properties"]
    )
    assert {name: found[name] for name in same} == json.loads(json.dumps(same))
    assert (found["sequence"], found["reason"]) == (3, "change-found")
    assert found["web"] == "https://watch.example.org/alerts/x%201"
    assert found["cap"] == "https://watch.example.org/api/v1/alerts/x%201/cap/3.xml"
    assert found["evidence"] == "https://watch.example.org/api/v1/alerts/x%201/item.json"


def test_no_address_that_leads_nowhere() -> None:
    """Without a public address, of a trial, and without a picture; a path of this machine is never told."""
    for one in (revision(WHOLE), message()):
        unlinked = data(one, linked=False)
        assert not ELSEWHERE & set(unlinked)
        assert unlinked["picture"] is None
    assert not ELSEWHERE & set(data(trial_message("duty", CREATED)))
    assert data(revision(alert(picture=None)))["picture"] is None
