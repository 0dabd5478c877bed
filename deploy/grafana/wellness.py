"""What is not well, as numbers of things that a person should see to: what the first row of a dashboard is made of."""

QUEUE_LATE_S = 6 * 3600
DELIVERY_LATE_S = 3600
STALE_S = 600
"""So old may be what was read of the database: it is read every minute."""
LEAST_FREE_BYTES = 5_000_000_000
CONFIGURED = 'scarpwatch_catalog_polls_total{result="failed"}'
"""There from the start for every catalog of the configuration; one that was taken off it may have failed for ever."""


def of_the_watch(region: str) -> dict[str, str]:
    """PromQL of what can be wrong with a region, by a few words.

    Args:
        region: a matcher of the label `region`, such as `region=~"$region"`.
    """
    return {
        "Passes overdue": f"count(max by (region, sensor) (scarpwatch_passes_overdue{{{region}}}) > 1) or vector(0)",
        "Queue later than 6 h": (
            f"count(max by (region) (scarpwatch_queue_oldest_due_seconds{{{region}}}) > {QUEUE_LATE_S}) or vector(0)"
        ),
        "Acquisitions parked": (
            f"sum(max by (region, sensor, reason) (scarpwatch_scenes_parked{{{region}}})) or vector(0)"
        ),
    }


def of_the_service() -> dict[str, str]:
    """PromQL of what can be wrong with the service as a whole."""
    return {
        "No process runs": "absent(scarpwatch_build_info) or vector(0)",
        "Numbers older than 10 min": (
            f"((time() - max(scarpwatch_measured_timestamp_seconds)) > bool {STALE_S}) or vector(1)"
        ),
        "Catalogs failing": (
            "count(max by (catalog) (scarpwatch_catalog_failing_since_timestamp_seconds) > 0"
            f" and on (catalog) {CONFIGURED}) or vector(0)"
        ),
        "Channels later than 1 h": (
            f"count(max by (channel) (scarpwatch_delivery_oldest_due_seconds) > {DELIVERY_LATE_S}) or vector(0)"
        ),
        "Messages parked": "sum(max by (channel) (scarpwatch_deliveries_parked)) or vector(0)",
        "Disks nearly full": (
            f"count(min by (path_of) (scarpwatch_disk_free_bytes) < {LEAST_FREE_BYTES}) or vector(0)"
        ),
    }


def together(parts: dict[str, str]) -> str:
    """How many things are wrong in all."""
    return " + ".join(f"({one})" for one in parts.values())
