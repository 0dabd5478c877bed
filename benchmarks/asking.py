"""The process that asks: `python -m benchmarks.asking BASE RATE SECONDS ALERTS` prints every answer."""

import asyncio
import json
import os
import random
import sys
import time
from dataclasses import asdict, dataclass

import httpx

_MIX = (
    ("atom", 20),
    ("atom, nothing new", 15),
    ("geojson open", 15),
    ("geojson of a region", 15),
    ("geojson of a time", 10),
    ("list", 10),
    ("alert", 8),
    ("cap", 7),
)
"""Of a hundred requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer."""

    kind: str
    status: int
    """0: no answer came."""
    ms: float
    """From when the request was due, so that what waits behind a slow one counts as slow."""


REGIONS = ("north", "south", "east", "west")
_TIERS = ("all", "watch", "warning")
_PERIODS = ("hour", "day", "week", "30days")


def all_feeds() -> list[str]:
    """Every feed that is asked for."""
    regions = [f"/feeds/{region}/{tier}/open.geojson" for region in REGIONS for tier in _TIERS]
    times = [f"/feeds/all/{tier}/{period}.geojson" for tier in _TIERS for period in _PERIODS]
    return ["/feeds/atom.xml", "/feeds/all/all/open.geojson", *regions, *times]


async def ask(base: str, token: str, rate: float, seconds: float, alerts: int) -> list[Answered]:
    """Ask at a constant rate, answered or not."""
    rng, tags = random.Random(1), dict[str, str]()
    kinds = [kind for kind, share in _MIX for _ in range(share)]
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(base_url=base, headers=headers, limits=limits, timeout=30) as client:
        start = time.perf_counter()

        async def one(number: int) -> Answered:
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            kind = rng.choice(kinds)
            path = _path(kind, rng, alerts)
            known = {"If-None-Match": tags[path]} if kind == "atom, nothing new" and path in tags else {}
            try:
                answer = await client.get(path, headers=known)
            except httpx.TransportError as error:
                print(repr(error), file=sys.stderr)
                return Answered(kind=kind, status=0, ms=(time.perf_counter() - due) * 1000)
            tags[path] = answer.headers.get("etag", "")
            return Answered(kind=kind, status=answer.status_code, ms=(time.perf_counter() - due) * 1000)

        return list(await asyncio.gather(*(one(number) for number in range(round(rate * seconds)))))


def _path(kind: str, rng: random.Random, alerts: int) -> str:
    region, tier = rng.choice(REGIONS), rng.choice(_TIERS)
    event = f"{REGIONS[(number := rng.randrange(alerts)) % 4]}-{number:06d}"
    return {
        "atom": "/feeds/atom.xml",
        "atom, nothing new": "/feeds/atom.xml",
        "geojson open": "/feeds/all/all/open.geojson",
        "geojson of a region": f"/feeds/{region}/{tier}/open.geojson",
        "geojson of a time": f"/feeds/all/{tier}/{rng.choice(_PERIODS)}.geojson",
        "list": f"/api/v1/alerts?region={region}&state=provisional&limit=50",
        "alert": f"/api/v1/alerts/{event}",
        "cap": f"/api/v1/alerts/{event}/cap/0.xml",
    }[kind]


if __name__ == "__main__":
    where, *plan = sys.argv[1:]
    secret = os.environ["SCARPWATCH_BENCHMARK_TOKEN"]
    found = asyncio.run(ask(where, secret, float(plan[0]), float(plan[1]), int(plan[2])))
    print(json.dumps([asdict(one) for one in found]))
