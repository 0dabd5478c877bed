"""The weekly sign of life in sentences: what is wrong first, then what was found, then what was and was not seen."""

import math
from collections.abc import Iterator
from datetime import timedelta

from monitor.core.alive import SignOfLife, Trouble, TroubleKind, looked, troubles
from monitor.core.alive_words import ALIVE_LANGUAGES, AliveWords
from monitor.core.telling import moment
from monitor.core.words import LANGUAGES
from monitor.records import NextPass, Sensor, Tier

_PASSES = 4
"""So many are named."""


def texts(sign: SignOfLife, languages: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Title and body by language."""
    return {one: {"title": title(sign, one), "body": body(sign, one)} for one in languages}


def title(sign: SignOfLife, language: str = "en") -> str:
    """One line: whether the watch is well, and what is open."""
    words, alerts = ALIVE_LANGUAGES[language], sum(sign.open_alerts.values())
    quiet = words.quiet if looked(sign) else words.unlooked
    form = words.unwell if troubles(sign) else words.well if alerts or sign.opened else quiet
    return form.format(region=sign.region, alerts=alerts)


def body(sign: SignOfLife, language: str = "en") -> str:
    """One statement a line."""
    words = ALIVE_LANGUAGES[language]
    lines = [_trouble(one, words) for one in troubles(sign)]
    if sign.missed and sign.previous is not None:
        lines.append(words.missed.format(weeks=sign.missed, since=moment(sign.previous)))
    lines += [_found(sign, words), *_seen(sign, words, language), *_waiting(sign, words), words.closing]
    return "\n".join(lines)


def _trouble(one: Trouble, words: AliveWords) -> str:
    match one.kind:
        case TroubleKind.SOURCE:
            form = words.source
        case TroubleKind.NO_LOOK:
            form = words.no_look if one.since is not None else words.no_look_ever
        case TroubleKind.UNDELIVERED:
            form = words.undelivered
    since = "" if one.since is None else moment(one.since)
    return form.format(item=one.item, since=since, count=one.count)


def _found(sign: SignOfLife, words: AliveWords) -> str:
    nothing = words.nothing if looked(sign) else words.no_new_look
    found = words.opened.format(count=sign.opened) if sign.opened else nothing
    standing = {tier.value: sign.open_alerts.get(tier, 0) for tier in Tier}
    return f"{found} {words.standing.format(**standing)}" if any(standing.values()) else found


def _seen(sign: SignOfLife, words: AliveWords, language: str) -> Iterator[str]:
    percent, since = _percent(sign.seen), _began(sign, sign.days)
    yield (words.seen_since if since else words.seen).format(days=sign.days, since=since, percent=percent)
    days, since = sign.compared_days, _began(sign, sign.compared_days)
    if any(sign.compared.values()):
        named = (f"{_name(sensor, language)} {_percent(share)} %" for sensor, share in sorted(sign.compared.items()))
        form = words.compared_since if since else words.compared
        yield form.format(days=days, since=since, shares=", ".join(named))
    else:
        yield (words.learning_since if since else words.learning).format(days=days, since=since)
    if sign.last_look is not None:
        yield words.last_look.format(at=moment(sign.last_look))
    if sign.never_observed:
        yield words.unseen.format(count=sign.never_observed, tiles=sign.tiles)
    if sign.blind_km2:
        yield words.blind.format(km2=f"{sign.blind_km2:.2f}", percent=_percent(sign.blind_share))
    if sign.passes:
        yield words.passes.format(passes=", ".join(_pass(one, language) for one in sign.passes[:_PASSES]))
    else:
        yield words.no_passes


def _began(sign: SignOfLife, days: int) -> str:
    """The day of the first acquisition, where it is not so many days ago; else nothing."""
    began = sign.first is not None and sign.at - sign.first < timedelta(days=days)
    return f"{sign.first:%Y-%m-%d}" if began else ""


def _waiting(sign: SignOfLife, words: AliveWords) -> Iterator[str]:
    if sign.parked:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(sign.parked.items()))
        yield words.parked.format(reasons=reasons)
    if sign.silences:
        yield words.silenced.format(count=sign.silences, held=sign.held)


def _percent(share: float) -> str:
    """Rounded down: only all of it is 100."""
    return f"{math.floor(1000 * share + 1e-6) / 10:g}"


def _name(sensor: Sensor, language: str) -> str:
    return LANGUAGES[language].sensors[sensor.value]


def _pass(one: NextPass, language: str) -> str:
    return f"{one.expected:%Y-%m-%d} ({_name(one.sensor, language)})"
