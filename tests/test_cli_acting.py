"""What people do with alerts, from the command line."""

from pathlib import Path

import pytest

from tests.test_cli import call, call_json, config

__all__ = ["config"]


@pytest.fixture
def alert(config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The id of an open alert."""
    call(capsys, "once")
    _, document = call_json(capsys, "alerts")
    features = document["features"]
    assert isinstance(features, list)
    return str(features[0]["id"])


def test_a_dismissal_ends_the_alert(alert: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is gone from the list, and shows who ended it and why."""
    code, out, _ = call(capsys, "alerts", "dismiss", alert, "--reason", "forestry", "--by", "officer", "-t", "timber")
    assert (code, out.strip()) == (0, f"{alert}: dismissed-forestry by officer; it is closed (watch)")
    assert alert not in call(capsys, "alerts")[1]
    shown = call(capsys, "alerts", "show", alert)[1]
    assert "closed (dismissed-forestry by officer): timber" in shown
    assert "officer dismissed it (forestry): timber" in shown


def test_the_list_says_who_is_answered(alert: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An open alert that nobody has taken on stands out; one that ended waits for nobody."""

    def answered() -> list[str]:
        table = call(capsys, "alerts", "--all")[1].split("\n\n")[0].splitlines()
        return [line.split()[-2] for line in table]

    before = answered()
    assert (before[0], set(before[1:])) == ("Answered", {"no", "–"})
    call(capsys, "alerts", "ack", alert, "--by", "a")
    after = answered()
    assert (after.count("yes"), after.count("no")) == (1, before.count("no") - 1)


def test_acknowledged_then_confirmed_then_released(alert: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is a step with a number, and an alert that people saw in the field is a warning."""
    call(capsys, "alerts", "ack", alert, "--by", "a")
    assert "warning" in call(capsys, "alerts", "confirm", alert, "--by", "b", "--text", "seen from the road")[1]
    call(capsys, "alerts", "release", alert, "--by", "c")
    for words in (("road is open",), ("--text", "road is open")):
        code, out, _ = call(capsys, "alerts", "comment", alert, *words, "--by", "d")
        assert (code, out.strip()) == (0, f"{alert}: noted; it is confirmed")
    shown = call(capsys, "alerts", "show", alert)[1]
    assert "released to the public" in shown
    assert "(acknowledged by a)\n" in shown, "who says nothing leaves no colon behind"
    for said in ("acknowledged by a", "confirmed-from-field by b", "d commented: road is open"):
        assert said in shown


def test_who_is_late_is_told(alert: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two people at once: the second hears what the first did, and nothing is done."""
    call(capsys, "alerts", "ack", alert, "--by", "first", "--seen", "0")
    code, _, err = call(capsys, "alerts", "dismiss", alert, "--reason", "works", "--by", "second", "--seen", "0")
    assert code == 1
    assert "acknowledged by first" in err
    assert alert in call(capsys, "alerts")[1]


def test_a_storm_is_acknowledged_at_once_and_lists_say_by_whom(alert: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each alert gets a step of its own; who comes second has nothing left to do; an unknown one stops no other."""
    _, before = call_json(capsys, "alerts")
    features = before["features"]
    assert isinstance(features, list)
    storm = features[0]["properties"]["storm"]
    of_storm = [one["id"] for one in features if one["properties"]["storm"] == storm]
    assert {one["properties"]["acknowledged"] for one in features} == {None}
    assert "nobody has acknowledged it" in call(capsys, "alerts")[1]
    code, out, _ = call(capsys, "alerts", "ack", "--storm", storm, "--by", "duty")
    assert (code, out.count("acknowledged by duty")) == (0, len(of_storm))
    _, after = call_json(capsys, "alerts")
    assert isinstance(after["features"], list)
    said = [one["properties"]["acknowledged"] for one in after["features"] if one["id"] in of_storm]
    assert [one["by"] for one in said] == ["duty"] * len(of_storm)
    assert " UTC by duty" in call(capsys, "alerts")[1]
    code, out, _ = call(capsys, "alerts", "ack", "--storm", storm, "--by", "second")
    assert (code, "no open alert of it waits" in out) == (0, True)
    assert "acknowledged by duty" in call(capsys, "alerts", "show", alert)[1]
    code, out, _ = call(capsys, "alerts", "ack", "nobody", alert, "--by", "second")
    assert (code, "! nobody: there is no event" in out) == (1, True)
    step = next(one["properties"]["acknowledged"] for one in after["features"] if one["id"] == alert)
    since = f"{step['at'][:10]} {step['at'][11:16]} UTC"
    assert f"{alert}: already acknowledged by duty at {since}; noted for second as well; it is " in out
    assert "noted for duty again" in call(capsys, "alerts", "ack", alert, "--by", "duty")[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "nobody"), 1, "no event of this name. `scarpwatch alerts --all` lists all alerts"),
        (("show", "largo"), 1, "no event of this name. `scarpwatch alerts --all` lists all alerts"),
        (("show", "Larg"), 1, "Did you mean large? `scarpwatch alerts --all` lists all alerts"),
        (("ack", "larrge"), 1, "Did you mean large? `scarpwatch alerts --all` lists all alerts"),
        (("dismiss", "nobody", "--reason", "boredom"), 2, "boredom"),
        (("ack",), 2, "--storm"),
        (("comment", "large"), 2, "give the words once"),
        (("ack", "a", "b", "--seen", "0"), 2, "give one id"),
        (("ack", "--storm", "nothing"), 1, "no alert is of a storm"),
    ],
)
def test_what_cannot_be_done_says_why(
    config: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    """An unknown alert, with those that look alike, and a reason that is none."""
    call(capsys, "once")
    ended, _, err = call(capsys, "alerts", *words)
    assert (ended, said in err) == (code, True)
