"""The example of Alertmanager: its own tool takes it, and every alarm finds its way."""

import re

import pytest

from tests.deploy.alarms import FOLDER, alerts, ran, read, tool

CONFIG = FOLDER / "alertmanager.yml"


def amtool(*words: str) -> str:
    """What amtool says of the example."""
    return ran(tool("amtool", "prometheus-alertmanager"), *words)


def test_amtool_takes_it() -> None:
    """As it is."""
    assert "SUCCESS" in amtool("check-config", str(CONFIG))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=Watchdog", "severity=none"], "heartbeat"),
        (["alertname=ScarpwatchGone", "severity=critical"], "duty"),
        (["alertname=ScarpwatchParked", "severity=warning", "region=sea"], "tickets"),
        (["alertname=NotOurs", "severity=page"], "tickets"),
    ],
)
def test_it_leads_where_it_should(labels: list[str], receiver: str) -> None:
    """Nothing is dropped, whatever its labels are."""
    amtool("config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receiver}", *labels)


def test_what_is_kept_quiet_is_an_alarm() -> None:
    """Both sides of a rule name alerts that there are; what wakes people is hidden only by what wakes them."""
    known = set(alerts())
    for rule in read(CONFIG)["inhibit_rules"]:
        (source,) = rule["source_matchers"]
        cause = source.removeprefix("alertname = ")
        assert alerts()[cause].labels["severity"] in {"critical", "warning"}
        kept = set(known)
        for matcher in rule["target_matchers"]:
            how, pattern = re.fullmatch(r"alertname (=~|!~|!=|=) (.+)", matcher).groups()  # type: ignore[union-attr]
            for one in alternatives(pattern):
                assert any(re.fullmatch(one, name) for name in known), one
            fits = {name for name in known if re.fullmatch(pattern, name)}
            kept &= known - fits if how.startswith("!") else fits
        assert cause not in kept
        assert "Watchdog" not in kept
        critical = {name for name in kept if alerts()[name].labels["severity"] == "critical"}
        assert not critical or alerts()[cause].labels["severity"] == "critical"


def alternatives(pattern: str) -> list[str]:
    """The names that a pattern of the form `Before(one|two)` stands for."""
    found = re.fullmatch(r"(\w+)\((.+)\)", pattern)
    return [found[1] + one for one in found[2].split("|")] if found else [pattern]
