"""SQL of the panels, for a role that may only read.

Grafana puts in what begins with `$`: the shown time (`$__timeFilter(column)`, `$__timeTo()`) and what was chosen,
quoted (`${region:sqlstring}`). Its macros take no brackets inside theirs.
"""

_IN = "IN (${region:sqlstring})"
_SENSOR = "CASE sensor WHEN 'sar' THEN 'radar' WHEN 'optical' THEN 'optics' END"
"""What people call it."""

DELIVERIES = f"""
    SELECT channel, state, coalesce(reason, 'no try yet') AS "why", count(*) AS "messages",
           max(attempts) AS "tries", min(due_since) AS "since", max(detail) AS "last answer"
    FROM delivery
    WHERE state IN ('due', 'parked', 'held') AND region {_IN}
    GROUP BY 1, 2, 3 ORDER BY 6
"""

EXERCISES = f"""
    SELECT subject AS "region", at AS "when",
           CASE WHEN (body ->> 'passed')::boolean THEN 1 ELSE 0 END AS "passed", body ->> 'detail' AS "what it showed"
    FROM report WHERE kind = 'drill' AND subject {_IN}
    ORDER BY at DESC
"""

PARKED = f"""
    SELECT region, sensing_time AS "sensed", {_SENSOR} AS "sensor", reason, detail, attempts AS "tries",
           updated AS "parked since", key || '_' || version AS "acquisition"
    FROM acquisition
    WHERE state = 'parked' AND region {_IN}
    ORDER BY sensing_time DESC LIMIT 100
"""

REFUSED = f"""
    SELECT item, reason, detail, first_seen AS "first seen", last_seen AS "last seen", "count" AS "polls"
    FROM rejection
    WHERE region {_IN} AND $__timeFilter(last_seen)
    ORDER BY last_seen DESC, id DESC LIMIT 50
"""

NEWEST_LOOKS = f"""
    SELECT sensing_time AS "sensed", {_SENSOR} AS "sensor", platform, relative_orbit AS "orbit", state,
           coalesce(reason, 'waits') AS "result", detail AS "story"
    FROM acquisition
    WHERE region {_IN} AND state <> 'superseded' AND $__timeFilter(sensing_time)
    ORDER BY sensing_time DESC, id DESC LIMIT 25
"""

PASSES = f"""
    SELECT $__timeGroupAlias(sensing_time, '1d'),
           {_SENSOR} || coalesce(' orbit ' || relative_orbit, '') AS metric,
           max(CASE WHEN state = 'parked' THEN 0 WHEN state <> 'done' THEN 1
                    WHEN reason = 'nothing-usable' THEN 2 ELSE 3 END) AS value
    FROM acquisition
    WHERE region {_IN} AND state <> 'superseded' AND $__timeFilter(sensing_time)
    GROUP BY 1, 2 ORDER BY 1
"""

_RING = """CASE e.geometry ->> 'type' WHEN 'Polygon' THEN e.geometry -> 'coordinates' -> 0
                ELSE e.geometry -> 'coordinates' -> 0 -> 0 END"""
_PLACE = f"""
    CROSS JOIN LATERAL (
        SELECT avg((point ->> 0)::float) AS longitude, avg((point ->> 1)::float) AS latitude
        FROM jsonb_array_elements({_RING}) AS point
    ) AS place"""
"""The middle of the corners of an outline: it needs no PostGIS."""

_BETWEEN = """to_char(e.window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ' to '
           || to_char(e.window_end AT TIME ZONE 'UTC', 'YYYY-MM-DD')"""
_STATE = "e.state || CASE e.status WHEN 'actual' THEN '' ELSE ' (' || e.status || ')' END"

ALERTS = f"""
    SELECT e.id AS "alert", e.tier AS "tier", {_STATE} AS "state", round(e.area_ha::numeric, 2) AS "area",
           round(e.mean_change::numeric, 2) AS "change", {_BETWEEN} AS "failed", e.storm AS "situation"
    FROM event AS e
    WHERE e.state IN ('provisional', 'confirmed') AND e.region {_IN}
    ORDER BY e.rank, e.id LIMIT 100
"""

ALERT_PLACES = f"""
    SELECT e.id AS "alert", e.tier AS "tier", e.state AS "state", round(e.area_ha::numeric, 2) AS "area in ha",
           e.window_end AS "failed before", place.longitude, place.latitude
    FROM event AS e{_PLACE}
    WHERE e.state IN ('provisional', 'confirmed') AND e.region {_IN}
"""

NEWEST_ALERTS = f"""
    SELECT e.told_at AS "told", e.id AS "alert", e.tier AS "tier", {_STATE} AS "state", e.told_reason AS "last step",
           round(e.area_ha::numeric, 2) AS "area", e.confidence AS "confidence", {_BETWEEN} AS "failed",
           e.storm AS "situation"
    FROM event AS e
    WHERE e.told_at IS NOT NULL AND e.region {_IN} AND $__timeFilter(e.told_at)
    ORDER BY e.told_at DESC, e.rank, e.id LIMIT 50
"""

ALERT_COUNTS = f"""
    SELECT state, count(*) AS "alerts" FROM event
    WHERE region {_IN} AND told_at IS NOT NULL AND $__timeFilter(window_end)
    GROUP BY 1 ORDER BY 2 DESC
"""


def open_alerts(tier: str) -> str:
    """How many alerts of a tier are open."""
    return f"""
        SELECT count(*) AS "alerts" FROM event
        WHERE state IN ('provisional', 'confirmed') AND tier = '{tier}' AND region {_IN}
    """


TILES = f"""
    SELECT t.tile AS "tile", o.sensing_time AS "sensed", {_SENSOR} AS "sensor", o.mean AS "probability",
           o.mean_change AS "rise", o.hazard_area_ha AS "hazard area in ha", o.valid_fraction AS "seen",
           CASE ${{colour:sqlstring}} WHEN 'rise' THEN o.mean_change ELSE o.mean END AS "value",
           t.longitude, t.latitude
    FROM watched_tile AS t
    LEFT JOIN LATERAL (
        SELECT * FROM observation AS one
        WHERE one.tile = t.tile AND one.current AND one.mean IS NOT NULL
          AND one.sensor IN (${{sensor:sqlstring}}) AND $__timeFilter(one.sensing_time)
        ORDER BY one.sensing_time DESC, one.id DESC LIMIT 1
    ) AS o ON true
    WHERE t.region {_IN}
    ORDER BY t.tile
"""

TILES_BY_RISE = f"""
    SELECT t.tile
    FROM watched_tile AS t
    LEFT JOIN LATERAL (
        SELECT max(one.mean_change) AS rise FROM observation AS one
        WHERE one.tile = t.tile AND one.current AND $__timeFilter(one.sensing_time)
    ) AS o ON true
    WHERE t.region {_IN}
    ORDER BY o.rise DESC NULLS LAST, t.tile LIMIT 5000
"""
"""The tile whose mean rose most in the shown time stands first."""

_OF_TILE = """FROM observation
    WHERE tile = ${tile:sqlstring} AND current AND mean IS NOT NULL AND $__timeFilter(sensing_time)
    ORDER BY 1"""
_TRACK = "CASE sensor WHEN 'sar' THEN 'radar orbit ' || coalesce(relative_orbit::text, '?') ELSE 'optics' END"

TILE_PROBABILITY = f"""
    SELECT sensing_time AS "time", {_TRACK} || ', mean' AS metric, mean AS value
    {_OF_TILE}
"""

TILE_HIGH = f"""
    SELECT sensing_time AS "time", {_TRACK} || ', 95th percentile' AS metric, p95 AS value
    {_OF_TILE}
"""

TILE_SEEN = f"""
    SELECT sensing_time AS "time", {_TRACK} AS metric, valid_fraction AS value
    FROM observation
    WHERE tile = ${{tile:sqlstring}} AND current AND $__timeFilter(sensing_time)
    ORDER BY 1
"""

TILE_LOOKS = f"""
    SELECT sensing_time AS "sensed", {_SENSOR} AS "sensor", relative_orbit AS "orbit", decision, network,
           valid_fraction AS "seen", cloud_fraction AS "cloud", mean AS "probability", spread,
           mean_change AS "rise", hazard_area_ha AS "hazard area"
    FROM observation
    WHERE tile = ${{tile:sqlstring}} AND current AND $__timeFilter(sensing_time)
    ORDER BY sensing_time DESC, id DESC LIMIT 100
"""

DECISIONS = f"""
    SELECT CASE kind.sensor WHEN 'sar' THEN 'radar' ELSE 'optics' END || ': ' || o.decision AS "what became of it",
           count(*) AS "tiles"
    FROM watched_tile AS t CROSS JOIN (VALUES ('optical'), ('sar')) AS kind (sensor)
    CROSS JOIN LATERAL (
        SELECT one.decision FROM observation AS one
        WHERE one.tile = t.tile AND one.current AND one.sensor = kind.sensor AND $__timeFilter(one.sensing_time)
        ORDER BY one.sensing_time DESC, one.id DESC LIMIT 1
    ) AS o
    WHERE t.region {_IN}
    GROUP BY 1 ORDER BY 2 DESC, 1
"""

CHOICES = f"""
    SELECT reason || CASE record WHEN 'sar' THEN ': radar counts' WHEN 'optical' THEN ': optics count'
                                 ELSE ': nothing counts' END AS "why", count(*) AS "tiles"
    FROM choice
    WHERE region {_IN} AND sensor IN ('optical', 'sar') AND $__timeFilter(sensing_time)
    GROUP BY 1 ORDER BY 2 DESC, 1
"""

RISES = f"""
    SELECT o.sensing_time AS "time", CASE o.sensor WHEN 'sar' THEN 'radar' ELSE 'optics' END AS metric,
           max(o.mean_change) AS value
    FROM watched_tile AS t JOIN observation AS o ON o.tile = t.tile
    WHERE t.region {_IN} AND o.current AND o.mean_change IS NOT NULL AND o.shared_fraction >= 0.3
      AND $__timeFilter(o.sensing_time)
    GROUP BY 1, 2 ORDER BY 1
"""

LAST_POLL = f"""
    SELECT extract(epoch FROM $__timeTo()::timestamptz - answered) AS "age" FROM region_poll WHERE region {_IN}
"""

STANDS_IN = f"""
    SELECT CASE fallback WHEN '' THEN 'the region''s own' ELSE fallback || ' stands in: ' || fallback_reason END
           AS "catalogs"
    FROM region_poll WHERE region {_IN}
"""
