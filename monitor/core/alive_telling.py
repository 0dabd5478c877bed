"""The weekly sign of life in sentences: what is wrong first, then what was found, then what was and was not seen."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from monitor.core.alive import Pulse, SignOfLife, Trouble, TroubleKind, intakes, looked, troubles
from monitor.core.alive_words import ALIVE_LANGUAGES, AliveWords
from monitor.core.intake import waiting
from monitor.core.shares import percent, percent_missing
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
    if troubles(sign):
        form = words.unwell
    elif not looked(sign):
        form = words.unlooked_open if alerts else words.unlooked
    else:
        form = words.well if alerts or sign.opened else words.quiet
    return form.format(region=sign.region, alerts=alerts)


def body(sign: SignOfLife, language: str = "en") -> str:
    """One statement a line."""
    words = ALIVE_LANGUAGES[language]
    lines = [trouble_told(one, sign, language) for one in troubles(sign)]
    if sign.missed and sign.previous is not None:
        lines.append(words.missed.format(weeks=sign.missed, since=moment(sign.previous)))
    lines += [_found(sign, words), *_seen(sign, words, language), *_waiting(sign, words), words.closing]
    return "\n".join(lines)


def trouble_told(one: Trouble, pulse: Pulse, language: str = "en") -> str:
    """One thing that is wrong, in a sentence."""
    words, item = ALIVE_LANGUAGES[language], one.item
    match one.kind:
        case TroubleKind.SOURCE:
            form = words.source
        case TroubleKind.NO_LOOK:
            form = words.no_look if one.since is not None else words.no_look_ever
        case TroubleKind.NO_SCENE:
            form, item = words.no_scene, _name(Sensor(item), language)
        case TroubleKind.UNUSABLE:
            form, item = words.unusable, _name(Sensor(item), language)
        case TroubleKind.STALE:
            form = words.stale
        case TroubleKind.UNDELIVERED:
            form = words.undelivered
    since = "" if one.since is None else moment(one.since)
    return form.format(item=item, since=since, count=one.count, days=pulse.days, reasons=_reasons(one.reasons))


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))


def _found(sign: SignOfLife, words: AliveWords) -> str:
    nothing = words.nothing if looked(sign) else words.no_new_look
    found = words.opened.format(count=sign.opened) if sign.opened else nothing
    standing = {tier.value: sign.open_alerts.get(tier, 0) for tier in Tier}
    return f"{found} {words.standing.format(**standing)}" if any(standing.values()) else found


def _seen(sign: SignOfLife, words: AliveWords, language: str) -> Iterator[str]:
    since = _began(sign, sign.days)
    shares = {sensor: sight.seen for sensor, sight in sign.sights.items()}
    by = f" ({_shares(shares, language)})" if shares else ""
    form = words.seen_since if since else words.seen
    yield form.format(days=sign.days, since=since, percent=percent(sign.seen), by=by)
    days, since = sign.compared_days, _began(sign, sign.compared_days)
    if any(sign.compared.values()):
        form = words.compared_since if since else words.compared
        yield form.format(days=days, since=since, shares=_shares(sign.compared, language))
    else:
        yield (words.learning_since if since else words.learning).format(days=days, since=since)
    for sensor, one in intakes(sign).items():
        if one.hidden:
            yield words.hidden.format(item=_name(sensor, language), count=one.hidden, days=sign.days)
    if sign.last_look is not None:
        yield words.last_look.format(at=_last_looks(sign, words, language))
    if sign.never_observed:
        yield words.unseen.format(days=sign.days, count=sign.never_observed, tiles=sign.tiles)
    if sign.blind_km2:
        yield words.blind.format(km2=f"{sign.blind_km2:.2f}", percent=percent_missing(sign.blind_share))
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
        yield words.parked.format(reasons=_reasons(sign.parked))
    if queue := waiting(sign.arrivals):
        yield words.waiting.format(reasons=_reasons(queue))
    if sign.fallback is not None:
        yield words.fallback.format(item=", ".join(sign.fallback.catalogs), since=moment(sign.fallback.since))
    if sign.silences:
        yield words.silenced.format(count=sign.silences, held=sign.held)


def _shares(shares: Mapping[Sensor, float], language: str) -> str:
    return ", ".join(f"{_name(sensor, language)} {percent(share)} %" for sensor, share in sorted(shares.items()))


def _last_looks(sign: SignOfLife, words: AliveWords, language: str) -> str:
    """Of each sensor, where there are several: the newest of them all says nothing of the others."""
    if len(sign.sights) < 2 or sign.last_look is None:
        return "" if sign.last_look is None else moment(sign.last_look)
    times = {sensor: sight.last_look for sensor, sight in sorted(sign.sights.items())}
    return ", ".join(
        f"{_name(sensor, language)} {words.none if at is None else moment(at)}" for sensor, at in times.items()
    )


def _name(sensor: Sensor, language: str) -> str:
    return LANGUAGES[language].sensors[sensor.value]


def _pass(one: NextPass, language: str) -> str:
    return f"{one.expected:%Y-%m-%d} ({_name(one.sensor, language)})"
